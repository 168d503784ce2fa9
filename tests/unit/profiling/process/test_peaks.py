"""One high-water mark for the process gives each run its own peak."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import pytest

from profiling.process import peaks, usage
from profiling.process.peaks import Peaks


@dataclass
class Marks:
    """The two marks of the system, set by hand."""

    rss_bytes: int | None = 100
    resets: bool = True

    def reset(self) -> bool:
        return self.resets


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Marks:
    marks = Marks()
    monkeypatch.setattr(usage, "reset_peak", marks.reset)
    monkeypatch.setattr(usage, "peak_rss_bytes", lambda: marks.rss_bytes)
    return marks


def test_peak_is_the_mark_at_the_end(marks: Marks) -> None:
    run = Peaks()
    peak = run.begin()
    marks.rss_bytes = 170
    run.end(peak)
    assert peak.rss_bytes == 170
    assert peak.traced_bytes is None


def test_run_keeps_the_peak_it_had_before_another_one_reset_the_mark(marks: Marks) -> None:
    runs = Peaks()
    first = runs.begin()
    marks.rss_bytes = 300
    second = runs.begin()
    marks.rss_bytes = 200  # reset, and risen again
    runs.end(second)
    runs.end(first)
    assert (first.rss_bytes, second.rss_bytes) == (300, 200)


def test_run_that_has_ended_hears_of_no_later_peak(marks: Marks) -> None:
    runs = Peaks()
    first = runs.begin()
    runs.end(first)
    marks.rss_bytes = 900
    runs.end(runs.begin())
    assert first.rss_bytes == 100


def test_without_a_reset_the_peak_is_known_only_where_the_mark_rose(marks: Marks) -> None:
    marks.resets = False
    runs = Peaks()
    flat = runs.begin()
    runs.end(flat)
    rising = runs.begin()
    marks.rss_bytes = 101
    runs.end(rising)
    assert (flat.rss_bytes, rising.rss_bytes) == (None, 101)


def test_where_the_kernel_tells_nothing_there_is_no_peak(marks: Marks) -> None:
    marks.resets = False
    marks.rss_bytes = None
    runs = Peaks()
    peak = runs.begin()
    runs.end(peak)
    assert peak.rss_bytes is None


def test_traced_peak_starts_again_with_each_run(traced: None) -> None:
    runs = Peaks()
    spike = runs.begin()
    bytearray(10_000_000)
    runs.end(spike)
    calm = runs.begin()
    runs.end(calm)
    assert spike.traced_bytes is not None
    assert calm.traced_bytes is not None
    assert spike.traced_bytes - calm.traced_bytes > 9_000_000
    assert tracemalloc.is_tracing()


@pytest.mark.skipif(not usage.reset_peak(), reason="the kernel does not let this process reset its high-water mark")
def test_real_peak_of_a_run_is_seen_and_gone_in_the_next() -> None:
    runs = peaks.Peaks()
    spike = runs.begin()
    bytearray(b"x") * 60_000_000
    runs.end(spike)
    calm = runs.begin()
    runs.end(calm)
    assert spike.rss_bytes is not None
    assert calm.rss_bytes is not None
    assert spike.rss_bytes - calm.rss_bytes > 40_000_000
