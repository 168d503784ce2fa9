"""Parse a feed and remember its first entry.

An lxml element keeps its document, and the document is libxml2's memory, not Python's.

needs: lxml
Measured: 576 529 B of RSS a run alone, 577 191 in company.
"""

from lxml import etree

VERDICT = "native_growth"
BYTES_PER_RUN = 577_000

latest: list[object] = []
entries = "".join(f"<entry><id>{number}</id><title>entry {number}</title></entry>" for number in range(900))
feed = f"<feed>{entries}</feed>".encode()


def job():
    document = etree.fromstring(feed)  # <- retained here
    len(document.xpath("//title[contains(text(), '7')]"))
    latest.append(document[0])
