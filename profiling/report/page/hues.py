"""The colour of a name: one of a few, the same between two looks at the page."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

HUES = 5  # that CSS has for jobs and scopes


def hues_of(names: Iterable[str]) -> dict[str, int]:
    """Return a number below HUES for each name, all different as long as there are no more names than that."""
    found: dict[str, int] = {}
    for name in sorted(set(names)):
        hue = crc32(name.encode(errors="surrogatepass")) % HUES
        while hue in found.values() and len(found) < HUES:
            hue = (hue + 1) % HUES
        found[name] = hue
    return found
