"""Windows of scopes by a clock that the test turns: when they end, what is in them, and what is told of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from profiling.errors import UnknownJob
from profiling.live import LIVE_GROUPS
from profiling.process.full_collections import BudgetedCollector
from profiling.profiler import Profiler
from profiling.records import Counters, Level, OwnerKind, RunProfile, ScopeSummary, State
from profiling.report.scopes import live_to_dict, live_to_text, scopes_to_dict, scopes_to_text
from profiling.samples import sampler
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.windows import LONGEST, MAX_SHARE, MIN_CALLS, PATIENCE, WINDOW_S, Windows

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))


class Clock:
    """A clock that stands still until it is turned."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Wall:
    """The time of day that goes with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self, _: object) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._clock())


class Service:
    """A profiler whose borders are free, so that windows end by the clock alone."""

    def __init__(self, profiler: Profiler, clock: Clock) -> None:
        self.profiler = profiler
        self.clock = clock
        windows = profiler._windows
        assert windows is not None
        self.windows: Windows = windows
        self.after(0.0)

    def after(self, seconds: float) -> None:
        """Draw a border so much later, if it is due."""
        self.clock.now_s += seconds
        border = self.windows._border
        self.windows._next_s = border.at_s + WINDOW_S if border else 0.0  # however long the last border took
        self.profiler.end_windows()

    def call(self, name: str, work: Callable[[], object] = lambda: None, times: int = 1) -> None:
        for _ in range(times):
            with self.profiler.scope(name):
                work()

    def windows_of(self, name: str) -> list[RunProfile]:
        try:
            return list(self.profiler.runs(name))
        except UnknownJob:
            return []

    def summary(self, name: str) -> ScopeSummary:
        return next(scope for scope in self.profiler.scopes() if scope.name == name)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr("profiling.watcher.Watcher.start", lambda _: None)  # the test ends windows
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=64)) as profiler:
        profiler._shared.collector = BudgetedCollector(is_bounded=False)
        clock = Clock()
        monkeypatch.setattr("profiling.windows.datetime", Wall(clock))
        assert profiler._windows is not None
        profiler._windows._clock = clock
        made = Service(profiler, clock)
        for name in ("warm", "up"):
            made.call(name)
        yield made


# ---- when windows end ----


def test_windows_of_busy_scopes_end_at_common_borders(service: Service) -> None:
    service.call("a")
    service.call("b")
    service.after(WINDOW_S)  # opens
    for _ in range(3):
        service.call("a", times=MIN_CALLS)
        service.call("b", times=2 * MIN_CALLS)
        service.after(WINDOW_S)
    a, b = service.windows_of("a"), service.windows_of("b")
    assert [window.calls for window in a] == [MIN_CALLS] * 3
    assert [window.calls for window in b] == [2 * MIN_CALLS] * 3
    assert [window.started_at for window in a] == [window.started_at for window in b]
    assert [window.duration_s for window in a + b] == [WINDOW_S] * 6
    assert len({window.birth for window in a + b}) == 6


def test_no_window_ends_before_its_time(service: Service) -> None:
    service.call("a")
    service.after(WINDOW_S)
    service.call("a", times=100)
    service.after(WINDOW_S - 0.01)
    assert service.windows_of("a") == []
    service.after(0.01)
    assert [window.calls for window in service.windows_of("a")] == [100]


def test_scope_of_few_calls_has_a_longer_window(service: Service) -> None:
    service.call("a")
    service.after(WINDOW_S)
    service.call("a", times=MIN_CALLS - 1)
    for _ in range(LONGEST - 1):
        service.after(WINDOW_S)
        assert service.windows_of("a") == []
    service.after(WINDOW_S)
    assert [(window.calls, window.duration_s) for window in service.windows_of("a")] == [
        (MIN_CALLS - 1, LONGEST * WINDOW_S)
    ]


def test_scope_that_rests_has_no_window(service: Service) -> None:
    service.call("a")
    for _ in range(2 * LONGEST):
        service.after(WINDOW_S)
    assert service.windows_of("a") == []
    service.call("a")
    service.after(WINDOW_S)
    assert [window.calls for window in service.windows_of("a")] == [1]


def test_scope_that_never_ends_has_windows_all_the_same(service: Service) -> None:
    with service.profiler.scope("worker"):
        for _ in range(4):
            service.after(WINDOW_S)
        assert [window.calls for window in service.windows_of("worker")] == [0, 0, 0]
        assert service.summary("worker").active == 1
    assert service.summary("worker").active == 0


def test_border_that_takes_much_cpu_time_makes_windows_longer(service: Service) -> None:
    cpu_s = [10 * WINDOW_S * MAX_SHARE, 0.0]  # of the clock at the end and at the begin of a border
    service.windows._cpu_clock = cpu_s.pop
    service.after(WINDOW_S)
    assert service.windows._next_s == pytest.approx(service.clock.now_s + 10 * WINDOW_S)
    cpu_s[:] = [1_000.0, 0.0]
    service.clock.now_s += 10 * WINDOW_S
    service.profiler.end_windows()
    assert service.windows._next_s == pytest.approx(service.clock.now_s + LONGEST * WINDOW_S)


def test_border_that_waits_for_others_leaves_windows_as_they_are(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = service.profiler._shared.counters

    def wait() -> Counters:
        service.clock.now_s += 0.5  # the machine is busy
        return counters()

    monkeypatch.setattr(type(service.profiler._shared), "counters", lambda _: wait())
    service.windows._cpu_clock = lambda: 7.0
    began_s = service.clock.now_s + WINDOW_S
    service.after(WINDOW_S)
    assert service.clock.now_s > began_s
    assert service.windows._next_s == began_s + WINDOW_S


def test_windows_begin_anew_with_a_session(service: Service) -> None:
    service.call("a")
    service.after(WINDOW_S)
    service.call("a", times=MIN_CALLS)
    sampler.stop()
    service.after(WINDOW_S)
    assert service.windows_of("a") == []
    service.call("a", times=MIN_CALLS)
    service.after(WINDOW_S)
    assert [window.calls for window in service.windows_of("a")] == [MIN_CALLS]


def test_name_that_becomes_a_jobs_has_its_runs_and_no_windows(service: Service) -> None:
    service.call("a")
    service.after(WINDOW_S)
    service.call("a", times=MIN_CALLS)
    service.after(WINDOW_S)
    assert len(service.windows_of("a")) == 1
    with service.profiler.run("a"):
        pass
    service.call("a", times=MIN_CALLS)
    service.after(WINDOW_S)
    service.after(WINDOW_S)
    assert [window.calls for window in service.windows_of("a")] == [1]
    assert service.profiler._judging.cases.of("a").runs == 1


# ---- what is told ----


def leak(service: Service, kept: list[object]) -> None:
    for _ in range(PATIENCE.usual_runs + 4):
        service.call("GET /leak", lambda: kept.append(bytes(2_015)), times=MIN_CALLS)
        service.call("GET /fine", lambda: [bytes(2_015) for _ in range(3)], times=MIN_CALLS)
        service.after(WINDOW_S)


def test_leak_of_one_scope_is_told_with_its_line_per_call_and_per_hour(service: Service) -> None:
    kept: list[object] = []
    leak(service, kept)
    profiler = service.profiler
    verdict = profiler.verdict("GET /leak")
    assert verdict.state is State.LEAKING, verdict.reason
    assert verdict.suspects[0].site[0] == __file__
    assert profiler.verdict("GET /fine").state is State.STABLE
    first = profiler.scopes()[0]
    assert (first.name, first.kind) == ("GET /leak", OwnerKind.SCOPE)
    assert first.calls == MIN_CALLS * (PATIENCE.usual_runs + 4)
    assert first.bytes_per_call == pytest.approx(2_048, rel=0.1)
    assert first.bytes_per_hour == pytest.approx(2_048 * MIN_CALLS * 3_600 / WINDOW_S, rel=0.1)
    assert first.live_bytes == pytest.approx(2_048 * len(kept), rel=0.02)
    fine = service.summary("GET /fine")
    assert fine.bytes_per_call == fine.bytes_per_hour == 0.0
    assert fine.allocated_bytes_per_call == pytest.approx(3 * 2_048, rel=0.25)
    text = scopes_to_text(profiler.scopes(), 10)
    assert text.splitlines()[1].endswith("GET /leak")
    assert "test_scope_windows.py:" in text.splitlines()[2]
    assert scopes_to_dict(profiler.scopes(), 1)["omitted"] == len(profiler.scopes()) - 1


def test_overlapping_requests_through_one_helper_are_each_told_within_5_per_cent(service: Service) -> None:
    kept: list[object] = [None] * 100_000  # no list grows meanwhile
    free = iter(range(len(kept)))

    def helper(length: int) -> None:
        kept[next(free)] = bytes(length)

    async def request(name: str, length: int, others: asyncio.Barrier) -> None:
        async with service.profiler.scope(name):
            await others.wait()
            helper(length)
            await others.wait()
            helper(length)

    async def window() -> None:
        others = asyncio.Barrier(16)
        pairs = [(request("small", 102 - 33, others), request("large", 1_024 - 33, others)) for _ in range(8)]
        await asyncio.gather(*(one for pair in pairs for one in pair))

    for _ in range(PATIENCE.usual_runs + 4):
        for _ in range(8):
            asyncio.run(window())
        service.after(WINDOW_S)
    told = {scope.name: scope for scope in service.profiler.scopes()}
    for name, per_call in (("small", 204), ("large", 2_048)):
        assert told[name].bytes_per_call == pytest.approx(per_call, rel=0.05), (name, told[name].verdict)


def test_volume_is_told_within_its_error() -> None:
    size_bytes, every, length = 1_024, 512, 1_024 - 33
    kept, places = [None] * 5_000, list(range(5_000))
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=every, window_s=3_600.0)) as profiler:
        profiler.start_watching()
        with profiler.scope("churn"):
            fill(kept, places, length)
            fill(kept, places, length)
        label = profiler._scopes.labels["churn"]
        chance = -math.expm1(-size_bytes / every)
        error_bytes = (2 * len(places) * (1 - chance) / chance) ** 0.5 * size_bytes
        truth_bytes = 2 * len(places) * size_bytes
        assert label.allocated_bytes == pytest.approx(truth_bytes, abs=5 * error_bytes)


def fill(kept: list[Any], places: list[int], length: int) -> None:
    """Put a block in each place: nothing else is allocated meanwhile."""
    for place in places:
        kept[place] = bytes(length)


# ---- what is alive now ----


@pytest.mark.parametrize("group_by", LIVE_GROUPS)
@pytest.mark.parametrize("limit", [0, 1, 5, 1_000])
def test_sums_of_what_is_alive_add_up(service: Service, group_by: str, limit: int) -> None:
    kept: list[object] = []
    service.call("a", lambda: kept.append([bytes(900) for _ in range(100)]))
    kept.append({"x": bytes(5_000)})
    live = service.profiler.live(group_by=group_by, limit=limit)  # type: ignore[arg-type]
    assert live.listed_bytes + live.omitted_bytes + live.unattributed_bytes == live.size_bytes
    assert live.listed_bytes == sum(site.size_bytes for site in live.sites)
    assert len(live.sites) <= limit
    assert [site.size_bytes for site in live.sites] == sorted((site.size_bytes for site in live.sites), reverse=True)
    document = live_to_dict(live)["totals"]
    assert document["attributed_bytes"] == document["listed_bytes"] + document["omitted_bytes"]
    assert live_to_text(live).startswith("alive ")


def test_what_a_scope_has_alive_is_told_with_its_stack(service: Service) -> None:
    kept: list[object] = []
    service.call("a", lambda: kept.append([bytes(900) for _ in range(100)]))
    live = service.profiler.live(scope="a", limit=1)
    site = live.sites[0]
    assert (site.path, site.line) == (__file__, site.stack[0][1])
    assert {path for path, _ in site.stack} >= {__file__}
    assert site.size_bytes == pytest.approx(93_300, abs=5 * site.error_bytes + 2_000)
    by_scope = {each.scope: each for each in service.profiler.live(group_by="scope", limit=100).sites}
    assert by_scope["a"].size_bytes == live.size_bytes
    assert set(by_scope) >= {"a", OUTSIDE_JOBS}
    assert site.function is not None
