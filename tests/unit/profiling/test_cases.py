"""What is remembered of a job between its runs, and the evidence that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from profiling.cases import (
    FIRST_RUNS,
    MAX_CHANGES,
    MAX_RUNS,
    TRACE_MALLOC_BYTES,
    Case,
    Cases,
    RecentLines,
    evidence_of,
    mapped_change,
    native_change,
)
from profiling.records import Counters, Outcome, RunProfile, SiteKey, State, Verdict
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from tests.unit.profiling.make import MB, lines, run
from tests.unit.profiling.verdict.evidence import every

A, B = ("a.py", 1), ("b.py", 2)
LEAKED = replace(lines({}, traced_bytes=MB), traced_diff_bytes=40_000)


def counters(rss_bytes: int = 100 * MB, **fields: object) -> Counters:
    made = Counters(rss_bytes=rss_bytes, blocks=1_000, c_heap_free_bytes=0, c_heap_used_bytes=30 * MB)
    return replace(made, **fields)  # type: ignore[arg-type]


def ended(number: int, *, full_collections: int | None = 0, **fields: object) -> RunProfile:
    """Return a run whose birth is ten times its number."""
    made = run(number, birth=10 * number, after=counters(full_collections=full_collections))
    return replace(made, **fields)  # type: ignore[arg-type]


def case_of(runs: Sequence[RunProfile]) -> Case:
    case = Case()
    for each in runs:
        case.record_run(each)
    return case


# ---- what is remembered ----


def test_completed_runs_are_remembered_by_birth() -> None:
    case = case_of([ended(1, closed=True), ended(2, full_collections=3), ended(3, full_collections=None)])
    assert list(case.births) == [10, 20, 30]
    assert list(case.collections) == [0, 3, -1]
    assert list(case.closed) == [1, 0, 0]
    assert case.runs == 3


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.COMPLETED])
def test_run_that_did_not_complete_says_nothing(outcome: Outcome) -> None:
    case = case_of([ended(1, outcome=outcome, collected_after=True)])
    assert (case.runs, list(case.births), case.c_heap.values) == (0, [], Case().c_heap.values)


def test_run_without_samples_counts_but_has_no_birth() -> None:
    case = case_of([replace(ended(1), birth=None)])
    assert (case.runs, list(case.births)) == (1, [])


def test_last_512_births_are_remembered() -> None:
    case = case_of([ended(number, closed=number % 2 == 0) for number in range(1, MAX_RUNS + 4)])
    assert case.runs == MAX_RUNS + 3
    assert [len(column) for column in (case.births, case.collections, case.closed)] == [MAX_RUNS] * 3
    assert (case.births[0], case.closed[0]) == (40, 1)


def test_room_is_what_the_first_completed_run_left() -> None:
    first, later = (ended(number, full_collections=0) for number in (2, 3))
    later = replace(later, after=counters(300 * MB))
    case = case_of([replace(ended(1, outcome=Outcome.FAILED), after=counters(50 * MB)), first, later])
    assert case.left_bytes == 412 * MB
    assert Case().left_bytes == float("inf")


def test_c_heap_of_runs_that_overlapped_is_nobodys() -> None:
    kept = lines({}, traced_bytes=MB)
    overlapped = ended(1, overlapped_with=("other",), lines=kept, collected=True)
    assert case_of([overlapped]).c_heap.all_and_collected() == ([], [])
    assert list(case_of([overlapped]).exact) == []


def test_changes_of_collected_runs_are_among_all_of_them() -> None:
    before = counters(python_malloc_bytes=0.0)

    def grown(number: int, *, collected: bool) -> RunProfile:
        after = counters(c_heap_used_bytes=30 * MB + number, python_malloc_bytes=0.0)
        return run(number, before=before, after=after, collected=collected)

    case = case_of([grown(1, collected=False), grown(2, collected=True), grown(3, collected=False)])
    assert case.c_heap.all_and_collected() == ([1, 2, 3], [2])
    many = case_of([grown(number, collected=True) for number in range(MAX_CHANGES + 5)])
    assert many.c_heap.all_and_collected()[0] == list(range(5, MAX_CHANGES + 5))


def test_exact_lines_count_between_full_collections_only() -> None:
    kept = lines({}, traced_bytes=MB)  # 1 234 bytes more than before
    assert list(case_of([ended(1, lines=kept), ended(2, lines=kept, collected=True)]).exact) == [1_234]


# ---- when a verdict is due ----


def judged(state: State, *, suspected: bool) -> Judgement:
    return Judgement(
        verdict=Verdict(state=state, reason="", runs=12, bytes_per_run=0.0, interval_bytes=(0.0, 0.0)),
        suspected=suspected,
        keeps_something=False,
        wants_collection=False,
        wants_collected_runs=False,
    )


def due(case: Case, upto: int = 24) -> list[int]:
    """Return after which of the runs a verdict is due."""
    found = []
    for number in range(1, upto + 1):
        case.record_run(ended(number))
        if case.is_due():
            found.append(number)
    return found


def test_job_that_is_under_no_suspicion_is_judged_with_every_fourth_run() -> None:
    assert due(Case()) == [8, 11, 12, 16, 20, 24]
    assert due(Case(judgement=judged(State.STABLE, suspected=False))) == [8, 11, 12, 16, 20, 24]


@pytest.mark.parametrize(
    ("state", "suspected"), [(State.STABLE, True), (State.LEAKING, False), (State.NATIVE_GROWTH, False)]
)
def test_job_that_is_suspected_or_accused_is_judged_after_every_run(state: State, *, suspected: bool) -> None:
    assert due(Case(judgement=judged(state, suspected=suspected))) == list(range(FIRST_RUNS, 25))


# ---- counters ----


def change(before: Counters, after: Counters, *, traces: int | None = None) -> float | None:
    exact = None
    if traces is not None:
        exact = lines({}, traced_bytes=MB, retained={A: (5_000, traces)})
    return native_change(run(1, before=before, after=after, lines=exact))


def test_native_change_is_mallocs_less_what_python_and_the_profiler_have_of_it() -> None:
    before = counters(python_malloc_bytes=1_000.0, overhead_bytes=100)
    after = counters(c_heap_used_bytes=30 * MB + 50_000, python_malloc_bytes=21_000.0, overhead_bytes=4_100)
    assert change(before, after) == 50_000 - 20_000 - 4_000
    assert change(before, after, traces=10) == 26_000 - 10 * TRACE_MALLOC_BYTES


def test_without_samples_all_that_was_traced_is_taken_off() -> None:
    after = counters(c_heap_used_bytes=30 * MB + 50_000)
    assert change(counters(), after, traces=10) == 50_000 - 10 * TRACE_MALLOC_BYTES - 1_234


def test_native_change_is_not_known_without_malloc_or_without_both_lines_and_samples() -> None:
    silent = counters(c_heap_used_bytes=None, python_malloc_bytes=0.0)
    assert change(silent, counters(python_malloc_bytes=0.0)) is None
    assert change(counters(python_malloc_bytes=0.0), silent) is None
    assert change(counters(), counters()) is None


@pytest.mark.parametrize(
    ("mapped_bytes", "rss_bytes", "told"),
    [(8 * MB, 2 * MB, 2 * MB), (2 * MB, 8 * MB, 2 * MB), (-MB, MB, -MB), (None, MB, None)],
)
def test_mapped_memory_counts_as_far_as_it_is_resident(
    mapped_bytes: int | None, rss_bytes: int, told: int | None
) -> None:
    before = counters(mapped_bytes=500 * MB)
    after = counters(100 * MB + rss_bytes, mapped_bytes=None if mapped_bytes is None else 500 * MB + mapped_bytes)
    assert mapped_change(run(1, before=before, after=after)) == told


# ---- lines of the last runs ----


def sampled(
    number: int, alive: dict[SiteKey, int], kept: dict[SiteKey, int], *, session: int = 1, closed: bool = False
) -> RunProfile:
    samples = lines(
        {site: (size_bytes, 1) for site, size_bytes in alive.items()},
        retained={site: (size_bytes, 1) for site, size_bytes in kept.items()},
        session=session,
    )
    return ended(number, samples=samples, closed=closed)


def test_recent_lines_are_what_was_alive_and_kept_at_each_site() -> None:
    recent = RecentLines([sampled(1, {A: 500}, {A: 300}), sampled(2, {A: 900, B: 70}, {B: 70})])
    assert list(recent.totals_at(A)) == [500, 900]
    assert list(recent.totals_at(B)) == [0, 70]
    assert recent.kept_at(A) == {10: 300, 20: 0}
    assert recent.kept_at(B) == {10: 0, 20: 70}


def test_recent_lines_are_of_completed_runs_of_the_last_stretch_of_sampling() -> None:
    recent = RecentLines(
        [
            sampled(1, {A: 100}, {A: 100}, session=1),
            sampled(2, {A: 200}, {A: 200}, session=2),
            replace(sampled(3, {A: 300}, {A: 300}, session=2), outcome=Outcome.FAILED),
            ended(4),
            sampled(5, {A: 500}, {A: 500}, session=2),
        ]
    )
    assert list(recent.totals_at(A)) == [200, 500]
    assert recent.kept_at(A) == {20: 200, 50: 500}
    assert list(RecentLines([]).totals_at(A)) == []


def test_recent_lines_know_how_many_runs_were_at_work_together() -> None:
    runs = [replace(sampled(number, {A: 100}, {A: 100}), at_once=number) for number in (1, 3, 2)]
    assert (RecentLines(runs).at_once, RecentLines([]).at_once) == (3, 1)
    assert evidence_of(case_of(runs), runs, {}, collections=1, patience=Patience()).at_once == 3


# ---- evidence ----


def test_evidence_has_what_the_case_and_the_history_know() -> None:
    runs = [sampled(number, {A: 100 * number}, {A: 100}, closed=number > 1) for number in (1, 2, 3)]
    patience, held = Patience(usual_runs=20), {A: every(5, [10, 20])}
    told = evidence_of(case_of(runs), runs, held, collections=1, patience=patience)
    assert (told.ended, told.settled, told.closed) == ([10, 20, 30], [10, 20, 30], frozenset({20, 30}))
    assert (told.lines, told.patience, told.accusation) == (held, patience, None)
    assert list(told.totals_at(A)) == [100, 200, 300]
    assert told.kept_at(A) == {10: 100, 20: 100, 30: 100}
    assert told.left_bytes == 412 * MB  # 512 MB, less the 100 MB after the first run
    assert told.headroom is not None
    assert told.headroom.left_bytes == 412 * MB


@pytest.mark.parametrize(
    ("collections", "settled"),
    [
        (4, []),
        (5, [10]),  # one more than when the first run had ended
        (7, [10, 20]),
        (None, [10, 20, 30]),  # the program collects nothing, so nothing is to be waited for
    ],
)
def test_births_are_settled_once_a_full_collection_has_followed(collections: int | None, settled: list[int]) -> None:
    runs = [ended(1, full_collections=4), ended(2, full_collections=6), ended(3, full_collections=7)]
    told = evidence_of(case_of(runs), runs, {}, collections=collections, patience=Patience())
    assert told.settled == settled


def test_run_that_ended_while_the_collector_was_off_is_settled() -> None:
    runs = [ended(1, full_collections=None), ended(2, full_collections=4)]
    assert evidence_of(case_of(runs), runs, {}, collections=4, patience=Patience()).settled == [10]


def test_job_without_runs_in_the_history_has_all_the_room() -> None:
    told = evidence_of(Case(), [], {}, collections=0, patience=Patience())
    assert (told.left_bytes, told.headroom, told.ended) == (float("inf"), None, [])


# ---- all jobs ----


def test_cases_are_made_when_asked_for_and_forgotten_with_the_history() -> None:
    cases = Cases()
    assert cases.find("work") is None
    work, other = cases.of("work"), cases.of("other")
    assert (cases.of("work"), cases.find("other")) == (work, other)
    cases.keep_only({"other", "unknown"})
    assert (cases.find("work"), cases.find("other")) == (None, other)
    assert cases.of("work") is not work


def test_case_without_a_verdict_accuses_nobody() -> None:
    assert (Case().verdict, Case().accusation) == (None, None)


def test_runs_without_samples_are_numbered_so_that_there_are_enough_for_a_verdict() -> None:
    case = case_of([replace(ended(number), birth=None) for number in range(1, 13)])
    told = evidence_of(case, [], {}, collections=0, patience=Patience())
    assert told.ended == list(range(1, 13))
    assert judge(told).verdict.state is State.STABLE
    exact = case_of([replace(ended(number), birth=None, collected=True, lines=LEAKED) for number in range(1, 13)])
    soon = Patience(usual_runs=12, slow_runs=12)
    told = evidence_of(exact, [], {}, collections=0, patience=soon)
    assert judge(told).verdict.state is State.LEAKING


def test_last_512_runs_without_samples_are_numbered() -> None:
    case = case_of([replace(ended(number), birth=None) for number in range(1, MAX_RUNS + 4)])
    told = evidence_of(case, [], {}, collections=0, patience=Patience()).ended
    assert (len(told), told[0], told[-1]) == (MAX_RUNS, 4, MAX_RUNS + 3)


def test_copy_stays_as_it_was_while_further_runs_end() -> None:
    case = case_of([ended(1)])
    before = case.copy()
    case.record_run(ended(2))
    assert (case.runs, list(case.births), len(case.collections), len(case.closed)) == (2, [10, 20], 2, 2)
    assert (before.runs, list(before.births), len(before.collections), len(before.closed)) == (1, [10], 1, 1)
