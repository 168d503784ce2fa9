"""The failure messages of the markers: pure functions over records."""

from __future__ import annotations

from collections.abc import Iterable

from profiling.compare.diff import PlacesOf, largest
from profiling.pytest_plugin.peak import Peak
from profiling.pytest_plugin.sizes import Size
from profiling.records import SiteKey, State, Verdict
from profiling.source import short_path

LINES_SHOWN = 3
REST_SHARE = 0.05  # share of the peak; estimates are no more precise


def format_limit_failure(peak: Peak, limit: Size, places_of: PlacesOf) -> str:
    """Return the message for a test over its limit.

    For example: "the test reached 31.2 MB, over the limit of 24.0 MB; 18.9 MB at jobs/prices.py:88; 12.3 MB elsewhere".
    Below it is the text of each named line.
    """
    reached = limit.show(peak.size_bytes)
    if reached == str(limit):
        told = [f"the test reached {peak.size_bytes - limit.size_bytes} B more than the limit of {limit}"]
    else:
        told = [f"the test reached {reached}, over the limit of {limit}"]
    if peak.held is None:
        return "; ".join([*told, f"the lines are not known, because {peak.why}"])
    least_bytes = REST_SHARE * peak.size_bytes
    lines = [row for row in largest(peak.held, LINES_SHOWN) if row[1] > least_bytes]
    told += [f"{limit.show(size_bytes)} at {place(site)}" for site, size_bytes, _ in lines]
    rest_bytes = peak.size_bytes - sum(size_bytes for _, size_bytes, _ in lines)
    if rest_bytes > least_bytes:
        told.append(f"{limit.show(rest_bytes)} elsewhere")
    return "\n".join(["; ".join(told), *_texts((site for site, _, _ in lines), places_of)])


def format_leak_failure(verdict: Verdict, tolerance: Size, places_of: PlacesOf) -> str:
    """Return the message for a test that leaks.

    For example: "the test keeps 51.2 KB per run over 80 runs, over the tolerance of 4.0 KB; 49.0 KB at jobs/p.py:88".
    Below it is the text of each named line.
    """
    kept = tolerance.show(verdict.bytes_per_run or 0.0)
    if verdict.state is State.NATIVE_GROWTH:
        return (
            f"the C heap grows by {kept} per run over {verdict.runs} runs, over the tolerance of {tolerance}; "
            "Python's heap does not grow, so a C library keeps the memory, and no line is known"
        )
    shown = verdict.suspects[:LINES_SHOWN]
    lines = [f"{tolerance.show(suspect.bytes_per_run)} at {place(suspect.site)}" for suspect in shown]
    told = f"the test keeps {kept} per run over {verdict.runs} runs, over the tolerance of {tolerance}"
    native = verdict.native_bytes_per_run
    beside = [f"the C heap also grows by {tolerance.show(native)} per run"] if native else []
    sentence = "; ".join([told, *(lines or ["no single line stands out"]), *beside])
    return "\n".join([sentence, *_texts((suspect.site for suspect in shown), places_of)])


def _texts(sites: Iterable[SiteKey], places_of: PlacesOf) -> list[str]:
    """Return the text of each line as "  jobs/prices.py:88  rows = parse(page)", if the file can be read."""
    sites = list(sites)
    places = places_of(sites)
    return [f"  {place(site)}  {places[site].source}" for site in sites if places[site].source]


def place(site: SiteKey) -> str:
    """Return a site as text: "jobs/prices.py:88"."""
    return f"{short_path(site[0])}:{site[1]}"
