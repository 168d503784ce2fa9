"""(being written)"""

from __future__ import annotations

from collections.abc import Sequence

from profiling.records import RunProfile, State, Verdict


def series_of(runs: Sequence[RunProfile]) -> Sequence[RunProfile]:
    return runs


def verdict(series: Sequence[RunProfile]) -> Verdict:
    return Verdict(
        state=State.INSUFFICIENT_RUNS, reason="not yet", runs=len(series), bytes_per_run=None, interval_bytes=None
    )
