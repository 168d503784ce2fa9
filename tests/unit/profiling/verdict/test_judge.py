"""From evidence to a verdict: who is accused, of what, from when and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from profiling.records import Accusation, Outlook, State
from profiling.verdict import steady
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.growth import FREE_LISTS_BYTES
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from tests.unit.profiling.verdict.evidence import AT_ONCE, HEADROOM, KB, A, B, births, every, evidence, swelling

NATIVE = 100 * KB  # a run


def leak(runs: int, samples: int = 40, **others: object) -> Evidence:
    """Return the evidence of a leak of 40 KB a run, which may be told after 12 runs."""
    return evidence(runs, every(samples, range(1, runs + 1)), **{"patience": AT_ONCE, **others})


def accused(told: Judgement) -> Accusation:
    assert told.verdict.accusation is not None
    return told.verdict.accusation


# ---- enough runs ----


def test_fewer_than_twelve_runs_are_too_few() -> None:
    told = judge(leak(11))
    assert told.verdict.state is State.INSUFFICIENT_RUNS
    assert (told.verdict.bytes_per_run, told.verdict.interval_bytes, told.verdict.forecast) == (None, None, None)
    assert told.verdict.runs == 11
    assert judge(leak(12)).verdict.state is State.LEAKING


def test_no_runs_are_too_few() -> None:
    told = judge(evidence(0))
    assert told.verdict.state is State.INSUFFICIENT_RUNS
    assert (told.suspected, told.keeps_something) == (False, False)


def test_collection_is_wanted_just_before_the_first_verdict() -> None:
    assert [judge(leak(runs)).wants_collection for runs in (9, 10, 11)] == [False, False, True]
    assert judge(leak(11)).suspected
    assert not judge(evidence(11, every(40, range(10, 12)))).wants_collection


# ---- survivors ----


def test_leak_is_told_with_its_line_its_pace_and_what_it_rests_on() -> None:
    told = judge(leak(40, headroom=HEADROOM))
    assert told.verdict.state is State.LEAKING
    assert told.verdict.bytes_per_run == 40_000
    assert told.verdict.interval_bytes == pytest.approx((40_000 - 1_960, 40_000 + 1_960))
    assert accused(told) == Accusation(
        state=State.LEAKING, since_run=40, births=(1, 40), site=A, bytes_held=1_600_000.0, bytes_per_run=40_000.0
    )
    assert [(suspect.site, suspect.bytes_per_run, suspect.stack) for suspect in told.verdict.suspects] == [
        (A, 40_000, (A,))
    ]
    assert told.verdict.forecast is not None
    assert told.verdict.forecast.outlook is Outlook.FULL
    assert (told.suspected, told.keeps_something, told.wants_collected_runs) == (True, True, False)


def test_job_that_keeps_nothing_is_stable() -> None:
    told = judge(evidence(40, every(40, [40]), headroom=HEADROOM))
    assert (told.verdict.state, told.verdict.bytes_per_run, told.verdict.suspects) == (State.STABLE, 0, ())
    assert (told.suspected, told.keeps_something, told.wants_collection) == (False, False, False)
    assert told.verdict.forecast is not None
    assert told.verdict.forecast.outlook is Outlook.NOT_GROWING


def test_stable_job_tells_what_is_alive_of_its_older_runs() -> None:
    warm_up = judge(evidence(40, every(40, range(1, 6))))
    assert (warm_up.verdict.state, warm_up.verdict.bytes_per_run) == (State.STABLE, 5 * 40_000 / 20)


@pytest.mark.parametrize(("runs", "state"), [(38, State.GROWING), (39, State.LEAKING)])
def test_job_grows_until_it_was_watched_for_long_enough(runs: int, state: State) -> None:
    watched = leak(runs, patience=Patience(), left_bytes=500 * 40_000.0)
    told = judge(watched)
    assert told.verdict.state is state
    assert (told.verdict.accusation is None) == (state is State.GROWING)
    assert [suspect.site for suspect in told.verdict.suspects] == [A]


def test_leak_that_fills_the_memory_soon_is_told_after_twelve_runs() -> None:
    assert judge(leak(12, patience=Patience(), left_bytes=84 * 40_000.0)).verdict.state is State.LEAKING
    assert judge(leak(12, patience=Patience(), left_bytes=91 * 40_000.0)).verdict.state is State.GROWING


def test_small_pace_may_come_from_free_lists_unless_runs_were_closed() -> None:
    assert judge(leak(40, closed=frozenset(range(27, 41)))).verdict.state is State.LEAKING  # a third of the runs
    told = judge(leak(40, closed=frozenset(range(28, 41))))
    assert (told.verdict.state, told.suspected) == (State.GROWING, True)
    assert judge(leak(40, closed=frozenset())).verdict.state is State.GROWING


def test_closed_runs_accuse_nobody_if_all_runs_together_do_not_make_the_case() -> None:
    """As with a cache that prunes its oldest entries: of the runs that were not closed the older ones had kept more."""
    kept = {run: 8 if run % 2 == 0 else 2 * (72 - run) for run in range(1, 73)}
    closed = frozenset(range(2, 73, 2))
    assert judge(evidence(72, LineEvidence(births(kept)), closed=closed)).verdict.state is State.GROWING
    even = LineEvidence(births(dict.fromkeys(kept, 8)))
    assert judge(evidence(72, even, closed=closed)).verdict.state is State.LEAKING


def test_large_pace_cannot_come_from_free_lists() -> None:
    def told(size_bytes: float) -> State:
        line = LineEvidence({run: replace(each, size_bytes=size_bytes) for run, each in every(40, runs).births.items()})
        return judge(evidence(40, line, closed=frozenset(), patience=AT_ONCE)).verdict.state

    runs = range(1, 41)
    assert told(FREE_LISTS_BYTES) is State.LEAKING
    assert told(FREE_LISTS_BYTES - 1) is State.GROWING


def test_births_that_no_full_collection_has_followed_accuse_nobody() -> None:
    told = judge(leak(40, settled=[]))
    assert (told.verdict.state, told.suspected, told.wants_collection) == (State.STABLE, True, True)


@pytest.mark.parametrize(("settled", "state"), [(36, State.LEAKING), (35, State.GROWING)])
def test_runs_count_as_watched_up_to_a_few_after_the_last_collection(settled: int, state: State) -> None:
    watched = leak(60, settled=list(range(1, settled + 1)), patience=Patience(), left_bytes=500 * 40_000.0)
    told = judge(watched)
    assert (told.verdict.state, told.wants_collection) == (state, state is State.GROWING)


@pytest.mark.parametrize(("runs", "settled", "wants"), [(37, 35, False), (38, 35, True), (38, 36, False)])
def test_collection_is_wanted_when_it_would_settle_a_suspicion(runs: int, settled: int, *, wants: bool) -> None:
    watched = leak(runs, settled=list(range(1, settled + 1)), patience=Patience(), left_bytes=500 * 40_000.0)
    assert judge(watched).wants_collection == wants


@pytest.mark.parametrize(("settled", "wants"), [(20, False), (19, True)])
def test_collection_is_wanted_after_half_of_the_runs_if_it_would_not_lead_to_a_verdict(
    settled: int, *, wants: bool
) -> None:
    watched = leak(40, settled=list(range(1, settled + 1)), patience=Patience(), left_bytes=2_000 * 40_000.0)
    assert judge(watched).wants_collection == wants


def test_full_cache_whose_entries_wait_for_the_collector_is_not_accused() -> None:
    """It holds the entries of 30 runs; those of 30 more are garbage since the last collection, after run 33."""
    line, totals = every(40, range(4, 64)), [40_000.0 * (run - 3) for run in range(14, 64)]
    settled, patience = list(range(1, 33)), Patience()
    told = judge(
        evidence(63, line, settled=settled, totals_at=lambda _: totals, patience=patience, left_bytes=500 * 40_000.0)
    )
    assert (told.verdict.state, told.wants_collection) == (State.GROWING, True)


def test_total_that_does_not_rise_is_no_leak() -> None:
    level = [1_600_000.0] * 40
    assert judge(leak(40, totals_at=lambda _: level)).verdict.state is State.STABLE


def test_two_lines_that_keep_one_after_the_other_are_no_leak_together() -> None:
    lines = {A: every(40, range(1, 21)), B: every(40, range(38, 41))}
    assert judge(evidence(40, lines=lines, patience=AT_ONCE)).verdict.state is State.STABLE


def test_lines_with_few_samples_are_judged_together() -> None:
    lines = {("many.py", run): LineEvidence(births({run: 5})) for run in range(1, 41)}
    told = judge(evidence(40, lines=lines, patience=AT_ONCE))
    assert told.verdict.state is State.LEAKING
    assert accused(told).site is None
    assert accused(told).bytes_held == 200_000


# ---- an object that swells ----


RISING = [50_000.0 * run for run in range(1, 21)]


def test_object_that_swells_is_a_leak_with_its_line() -> None:
    told = judge(swelling(20, RISING))
    assert (told.verdict.state, told.verdict.bytes_per_run) == (State.LEAKING, 50_000)
    assert accused(told).site == A
    assert accused(told).births == (1, 20)
    assert told.verdict.reason.startswith("one object grows by 48.8 KiB per run over the last 20 runs")


def test_object_that_swells_is_watched_for_as_long_as_anything() -> None:
    patient = {"patience": Patience(), "left_bytes": 500 * 50_000.0}
    assert judge(swelling(20, RISING, **patient)).verdict.state is State.GROWING
    # The history has no more than so many totals: what rose in all of them did so before.
    forty = [50_000.0 * run for run in range(1, 41)]
    assert judge(swelling(100, forty, **patient)).verdict.state is State.LEAKING
    assert judge(swelling(100, forty[1:], **patient)).verdict.state is State.LEAKING
    assert judge(swelling(100, forty[2:], **patient)).verdict.state is State.GROWING


# ---- beside Python's heap ----


def test_c_heap_that_grows_grows_until_runs_were_collected() -> None:
    told = judge(evidence(12, c_heap=([NATIVE] * 12, []), patience=AT_ONCE))
    assert (told.verdict.state, told.verdict.bytes_per_run) == (State.GROWING, NATIVE)
    assert (told.wants_collected_runs, told.keeps_something) == (True, True)
    assert judge(evidence(12, c_heap=([NATIVE] * 12, [NATIVE] * 11), patience=AT_ONCE)).wants_collected_runs


@pytest.mark.parametrize("counter", ["c_heap", "mapped"])
def test_counter_that_grows_in_collected_runs_is_native_growth(counter: str) -> None:
    told = judge(evidence(12, None, patience=AT_ONCE, **{counter: ([NATIVE] * 12, [NATIVE] * 12)}))
    assert (told.verdict.state, told.verdict.suspects) == (State.NATIVE_GROWTH, ())
    assert not told.wants_collected_runs
    assert accused(told) == Accusation(
        state=State.NATIVE_GROWTH,
        since_run=12,
        births=(1, 12),
        site=None,
        bytes_held=12 * NATIVE,
        bytes_per_run=NATIVE,
    )


def test_small_leak_and_large_native_growth_beside_it_are_both_told() -> None:
    told = judge(leak(40, c_heap=([NATIVE] * 40, [NATIVE] * 40), headroom=HEADROOM)).verdict
    assert (told.state, told.bytes_per_run, told.native_bytes_per_run) == (State.LEAKING, 40_000, NATIVE)
    assert told.reason == (
        "39.1 KiB per run stay alive, from the oldest to the newest of the last 40 runs, "
        "and the C heap also grows by 100.0 KiB per run (reported since run 40)"
    )
    assert told.forecast is not None
    assert told.forecast.full_in_s == pytest.approx(300 * (1 << 20) / (40_000 + NATIVE) * 60)


def test_native_growth_that_is_sure_comes_before_a_leak_that_is_not() -> None:
    told = judge(leak(40, closed=frozenset(), c_heap=([NATIVE] * 40, [NATIVE] * 40))).verdict
    assert (told.state, told.bytes_per_run, told.native_bytes_per_run) == (State.NATIVE_GROWTH, NATIVE, None)
    assert told.suspects == ()


# ---- exact lines, without samples ----


def test_exact_lines_of_collected_runs_accuse_where_no_samples_are_to_be_had() -> None:
    told = judge(evidence(12, exact=[40 * KB] * 12, patience=AT_ONCE))
    assert (told.verdict.state, told.verdict.bytes_per_run) == (State.LEAKING, 40 * KB)
    assert judge(evidence(12, exact=[40 * KB] * 11, patience=AT_ONCE)).verdict.state is State.STABLE


# ---- what would help ----


@pytest.mark.parametrize(("kept", "keeps"), [(range(1, 3), False), (range(1, 4), False), (range(1, 5), True)])
def test_warm_up_of_two_runs_is_nothing_that_is_kept(kept: Sequence[int], *, keeps: bool) -> None:
    assert judge(evidence(20, every(40, kept))).keeps_something == keeps


def test_what_only_the_last_three_runs_hold_is_not_kept() -> None:
    assert not judge(evidence(20, every(40, range(18, 21)))).keeps_something
    assert judge(evidence(20, every(40, range(16, 21)))).keeps_something


@pytest.mark.parametrize(
    ("changes", "keeps"),
    [
        ([NATIVE] * 12, True),
        ([0.0, 0.0, 3 * NATIVE] * 4, True),
        ([4 * NATIVE] * 4 + [0.9 * steady.MIN_NATIVE_BYTES] * 8, False),  # a warm-up that fades
        ([0.0] * 9 + [NATIVE] * 3, False),
    ],
)
def test_c_heap_has_to_grow_on_average_and_of_late(changes: Sequence[float], *, keeps: bool) -> None:
    assert judge(evidence(12, c_heap=(changes, []))).keeps_something == keeps


@pytest.mark.parametrize(("kept", "keeps"), [([11], False), ([1, 2, 11], False), ([5, 11], True)])
def test_one_run_after_the_warm_up_is_too_little_to_ask_for_finer_samples(kept: Sequence[int], *, keeps: bool) -> None:
    assert judge(evidence(11, every(40, kept))).keeps_something == keeps
