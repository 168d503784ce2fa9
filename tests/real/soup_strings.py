"""Scrape a page and remember its title.

`title.string` is a NavigableString: it looks like a str and keeps the whole parse tree. str() of it would not.
Documented: https://www.crummy.com/software/BeautifulSoup/bs4/doc/#navigablestring

needs: beautifulsoup4
Measured: 131 793 B a run alone, 130 938 in company.
"""

from bs4 import BeautifulSoup

VERDICT = "leaking"
BYTES_PER_RUN = 132_000

titles: list[str] = []
rows = "".join(f'<li class="hit"><a href="/{number}">hit {number}</a></li>' for number in range(60))
page = f"<html><head><title>Results</title></head><body><ul>{rows}</ul></body></html>"


def job():
    soup = BeautifulSoup(page, "html.parser")  # <- retained here
    titles.append(soup.title.string)
