"""Render mails by templates that are loaded by name; five new ones a run.

The environment keeps the 200 used last.

needs: jinja2
Measured: 2 747, 2 771, 2 776, 2 777, 2 778 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import itertools

import jinja2

VERDICT = "stable"
FILLS_BY_RUN = 40

text = "Hello {{ user }}! {% for item in items %}{{ item|upper }}{% endfor %}"
environment = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: text), cache_size=200, autoescape=True)
mails = itertools.count()


def job():
    for mail in itertools.islice(mails, 5):
        environment.get_template(f"mail-{mail}.html").render(user="ann", items=["a", "b"])
