"""Parse a feed by lxml, count its entries, drop it: 300 KB of the C heap come and go.

needs: lxml
Measured: 804, 804, 804, 804, 804 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

from lxml import etree

VERDICT = "stable"
FILLS_BY_RUN = 0

entries = "".join(f"<entry><id>{number}</id><title>entry {number}</title></entry>" for number in range(900))
feed = f"<feed>{entries}</feed>".encode()


def job():
    document = etree.fromstring(feed)
    titles = [title.text for title in document.iterfind(".//title")]
    titles.sort()
