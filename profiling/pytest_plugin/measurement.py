"""The memory of a function: some runs measure its peak, and some more what each run leaves behind."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar

import pytest

from profiling.compare.diff import largest
from profiling.profiler import Profiler
from profiling.pytest_plugin.checks import Figures, Line
from profiling.pytest_plugin.peak import JOB, SAMPLE_BYTES, Peak, PeakWatch, close_when_quiet
from profiling.records import Level, RunProfile, SiteTable
from profiling.samples import sampler
from profiling.source import SourceReader, is_user_code

PEAK_RUNS = 3
KEPT_RUNS = 5
DRY_RUNS = 5  # runs of an empty function, to subtract what the profiler itself keeps with each run
MIN_SHARE = 0.01  # share of the total; smaller lines are left out
MAX_LINES = 20

T = TypeVar("T")


def standing_at(function: Callable[..., Any], file: str, line: int) -> Callable[..., Any]:
    """Return the same function, but called from that line.

    The memory that a library's function allocates has no line in the user's code. So the frame between that function
    and the profiler gets the user's file name and line, as if the call were written there.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    code = call.__code__.replace(co_filename=file, co_firstlineno=line - 1)  # its body is on the next line
    return FunctionType(code, {}, closure=call.__closure__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A function with its arguments, and what to do before and after each call."""

    function: Callable[..., Any]
    arguments: Callable[[], tuple[Sequence[Any], Mapping[str, Any]]]
    teardown: Callable[..., object] | None = None


def measure(case: Case) -> tuple[Figures, Peak]:
    """Run the function repeatedly, and return its figures, each of the median run, and what it held at its peak."""
    peak = _middle([_peak(case) for _ in range(PEAK_RUNS)], key=lambda peak: peak.size_bytes)
    profiler = Profiler(level=Level.LINES, sample_bytes=SAMPLE_BYTES)
    try:
        nothing = _kept(profiler, Case(function=lambda: None, arguments=lambda: ((), {})), DRY_RUNS)
        kept = _kept(profiler, case, KEPT_RUNS)
    finally:
        close_when_quiet(profiler)
    figures = Figures(
        peak_bytes=peak.size_bytes,
        retained_bytes=_bytes(kept) - _bytes(nothing),
        blocks=_blocks(kept) - _blocks(nothing),
        peak_lines=_lines(peak.held) if peak.held else (),
        retained_lines=_lines(_kept_by_line(kept)),
        note=peak.why,
    )
    return figures, peak


def _peak(case: Case) -> Peak:
    args, kwargs = case.arguments()
    gc.collect()
    with PeakWatch() as watch:
        case.function(*args, **kwargs)
    if case.teardown:
        case.teardown(*args, **kwargs)
    if watch.peak is None:
        pytest.fail("the function could not be measured, because it stopped tracemalloc", pytrace=False)
    return watch.peak


def _kept(profiler: Profiler, case: Case, runs: int) -> RunProfile:
    profiles = []
    for _ in range(runs):
        args, kwargs = case.arguments()
        gc.collect()
        before = sampler.job_label.get()
        with profiler.run(JOB) as run:
            sampler.share_birth(before)
            case.function(*args, **kwargs)
            gc.collect()
        if case.teardown:
            case.teardown(*args, **kwargs)
        profiles.append(run.profile)
    told = [profile for profile in profiles if profile.best_lines]
    if not told:
        pytest.fail(f"the memory that the function keeps could not be measured: {profiles[-1].degraded}", pytrace=False)
    return _middle(told, key=_bytes)


def _kept_by_line(profile: RunProfile) -> SiteTable:
    if profile.exclusive_lines is None:
        return profile.samples.retained if profile.samples else SiteTable.from_rows([])
    if profile.samples is None:
        return profile.exclusive_lines.retained
    return users_lines(profile.exclusive_lines.retained, profile.samples.retained)


def users_lines(exact: SiteTable, estimated: SiteTable) -> SiteTable:
    """Return exact lines, in which the lines of libraries are attributed to the user's lines that called them.

    Only samples know the callers, and few samples do not know the amounts. So an exact line in the user's code stays as
    it is. The total of the libraries' lines is divided among the lines for which the estimates are higher.
    """
    own = {site: (size_bytes, count) for site, size_bytes, count in exact.rows() if is_user_code(site[0])}
    library_bytes = exact.size_bytes - sum(size_bytes for size_bytes, _ in own.values())
    more = {
        site: size_bytes - own.get(site, (0, 0))[0] for site, size_bytes, _ in estimated.rows() if is_user_code(site[0])
    }
    calling = {site: size_bytes for site, size_bytes in more.items() if size_bytes > 0}
    if library_bytes <= 0 or not calling:
        return exact
    scale = library_bytes / sum(calling.values())
    for site, size_bytes in calling.items():
        exact_bytes, count = own.get(site, (0, 0))
        own[site] = exact_bytes + round(scale * size_bytes), count
    return SiteTable.from_rows([(site, size_bytes, count) for site, (size_bytes, count) in own.items()])


def _bytes(profile: RunProfile) -> int:
    return profile.retained_bytes or 0


def _blocks(profile: RunProfile) -> int:
    return profile.best_lines.retained.count if profile.best_lines else 0


def _middle(values: Iterable[T], key: Callable[[T], int]) -> T:
    ranked = sorted(values, key=key)
    return ranked[len(ranked) // 2]


def _lines(table: SiteTable) -> tuple[Line, ...]:
    rows = largest(table, MAX_LINES)
    least_bytes = MIN_SHARE * sum(size_bytes for _, size_bytes, _ in rows)
    told = [(site, size_bytes) for site, size_bytes, _ in rows if size_bytes >= least_bytes]
    places = SourceReader().places(site for site, _ in told)
    return tuple(
        Line(places[site].file, site[1], places[site].function, places[site].source, size_bytes)
        for site, size_bytes in told
    )
