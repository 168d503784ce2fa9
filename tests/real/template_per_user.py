"""Write to each user by templates that are loaded by the user's name, every third run to a new user.

`cache_size=-1` has no bound, and each name is a compiled template of its own.

needs: jinja2
Measured: 14 833 B a run alone, 25 391 in company.
"""

import itertools

import jinja2

VERDICT = "leaking"
BYTES_PER_RUN = 14_800

text = "Hello {{ user }}! {% for item in items %}{% if item.new %}{{ item.name|upper }}{% endif %}{% endfor %}\n" * 4
kinds = ["welcome", "order", "invoice", "parcel", "return", "refund", "news", "goodbye"]
environment = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: text), cache_size=-1, autoescape=True)
runs = itertools.count()
items = [{"new": number % 3, "name": f"article {number}"} for number in range(40)]


def job():
    user = next(runs) // 3
    for kind in kinds:
        environment.get_template(f"{user}/{kind}.html").render(user="ann", items=items)  # <- retained here
