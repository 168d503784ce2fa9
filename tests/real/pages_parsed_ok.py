"""Parse a page and take its links as plain str.

The tree is one large cycle of tags, siblings and parents.

needs: beautifulsoup4
Measured: 3 809, 3 810, 3 810, 3 810, 3 810 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

from bs4 import BeautifulSoup

VERDICT = "stable"
FILLS_BY_RUN = 0

links: list[str] = []
page = "<ul>" + "".join(f'<li><a href="/{number}">article {number}</a></li>' for number in range(80)) + "</ul>"


def job():
    soup = BeautifulSoup(page, "html.parser")
    links[:] = [str(link["href"]) for link in soup.find_all("a")]
