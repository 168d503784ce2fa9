"""From evidence to a verdict: who is accused, of what, from when and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from profiling.records import Accusation, Outlook, SiteKey, State
from profiling.verdict import steady
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.growth import FREE_LISTS_BYTES
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from profiling.verdict.suspects import MAX_SUSPECTS, with_exact_paces
from tests.unit.profiling.make import MB
from tests.unit.profiling.verdict.evidence import BLOCK, HEADROOM, KB, A, B, births, every, evidence

NATIVE = 100 * KB  # a run
C = ("c.py", 3)
AT_ONCE = Patience(usual_runs=12, slow_runs=12)


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
    assert judge(leak(40, closed=frozenset(range(21, 41)))).verdict.state is State.LEAKING  # half of the runs
    told = judge(leak(40, closed=frozenset(range(22, 41))))
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


def swelling(runs: int, totals: Sequence[float], **others: object) -> Evidence:
    """Return the evidence of one large object that every run replaces."""
    line = LineEvidence(births({runs: round(totals[-1] / BLOCK)}), large_bytes=totals[-1], large_blocks=1.0)
    return evidence(runs, line, **{"totals_at": lambda _: totals, "patience": AT_ONCE, **others})


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


# ---- an accusation stays until what it rests on has gone ----

HELD = Accusation(
    state=State.LEAKING, since_run=40, births=(1, 40), site=A, bytes_held=1_600_000.0, bytes_per_run=40_000.0
)


def later(samples: int, *, settled: int = 60, held: Accusation = HELD) -> State:
    """Judge twenty runs later, when so many samples are alive of each accused run and nothing has come since."""
    line = every(samples, range(1, 41))
    return judge(evidence(60, line, settled=list(range(1, settled + 1)), accusation=held)).verdict.state


def test_accusation_holds_while_half_of_it_is_alive() -> None:
    assert later(20) is State.LEAKING
    assert later(19) is State.STABLE


def test_only_a_later_full_collection_withdraws() -> None:
    assert later(1, settled=40) is State.LEAKING
    assert later(1, settled=41) is State.STABLE
    assert later(1, settled=0) is State.LEAKING


def test_accusation_is_told_with_its_own_pace_once_nothing_grows_any_more() -> None:
    told = judge(evidence(60, every(40, range(1, 41)), accusation=HELD)).verdict
    assert (told.state, told.bytes_per_run, told.accusation) == (State.LEAKING, 40_000, HELD)
    assert (
        told.reason == "the job keeps no more now, but still holds 39.1 KiB per run from before (reported since run 40)"
    )


def test_object_that_goes_on_swelling_is_born_anew_and_still_accused() -> None:
    held = replace(HELD, births=(1, 20), bytes_held=1_000_000.0)
    assert judge(swelling(60, [500_000.0] * 50, accusation=held)).verdict.state is State.LEAKING
    assert judge(swelling(60, [499_000.0] * 50, accusation=held)).verdict.state is State.STABLE


def test_native_growth_has_no_births_that_could_die() -> None:
    held = replace(HELD, state=State.NATIVE_GROWTH, site=None)
    told = judge(evidence(60, every(1, [60]), accusation=held)).verdict
    assert (told.state, told.accusation) == (State.NATIVE_GROWTH, held)


def test_accusation_outlives_runs_that_are_too_few() -> None:
    assert judge(evidence(5, every(40, range(1, 6)), settled=[], accusation=HELD)).verdict.state is State.LEAKING


# ---- suspects ----


def suspects(lines: dict[SiteKey, LineEvidence]) -> list[tuple[SiteKey, float]]:
    told = judge(evidence(40, lines=lines, patience=AT_ONCE)).verdict
    return [(suspect.site, suspect.bytes_per_run) for suspect in told.suspects]


def test_suspects_are_the_lines_that_grow_the_largest_first() -> None:
    runs = range(1, 41)
    grows, grows_more, filled = every(40, runs), every(80, runs), every(200, range(1, 11))
    assert suspects({A: grows, B: grows_more, C: filled}) == [(B, 80_000), (A, 40_000)]


def test_suspects_have_a_twentieth_of_the_growth_and_are_ten_at_most() -> None:
    runs = range(1, 41)
    assert suspects({A: every(95, runs), B: every(5, runs)}) == [(A, 95_000), (B, 5_000)]
    assert suspects({A: every(96, runs), B: every(5, runs)}) == [(A, 96_000)]
    many = {("many.py", line): every(40 + line, runs) for line in range(12)}
    assert suspects(many) == [(("many.py", line), 40_000 + 1_000 * line) for line in range(11, 11 - MAX_SUSPECTS, -1)]


def test_pace_interval_and_forecast_are_of_all_lines_that_grow() -> None:
    runs = range(1, 41)
    filled = every(200, range(1, 11))
    told = judge(
        evidence(40, lines={A: every(40, runs), B: every(80, runs), C: filled}, headroom=HEADROOM, patience=AT_ONCE)
    ).verdict
    assert (told.state, told.bytes_per_run) == (State.LEAKING, 120_000)
    spread = 1.96 * (120 * BLOCK**2 / 40) ** 0.5
    assert told.interval_bytes == pytest.approx((120_000 - spread, 120_000 + spread))
    assert told.forecast is not None
    assert told.forecast.full_in_s == pytest.approx(300 * MB / 120_000 * 60)


def test_what_is_waited_for_is_told_by_the_line_that_decides() -> None:
    lines = {("many.py", line): every(40, range(1, 13)) for line in range(10)}
    told = judge(evidence(12, lines=lines, left_bytes=20 * 7 * 40_000.0)).verdict  # 20 runs at the pace of one line
    assert (told.state, told.bytes_per_run) == (State.GROWING, 400_000)
    assert told.reason.endswith("it may still be a cache that fills up; 8 more runs will tell")


def test_lines_that_take_less_than_what_may_be_accused_count_too() -> None:
    runs = range(1, 41)
    slow = {("slow.py", line): every(3, runs) for line in range(20)}  # below the 4 096 bytes a run
    rare = {("rare.py", line): every(1, [line, line + 20]) for line in range(1, 21)}  # two samples each
    told = judge(evidence(40, lines={A: every(40, runs), **slow, **rare}, patience=AT_ONCE)).verdict
    assert told.bytes_per_run == 40_000 + 20 * 3_000 + 1_000
    assert suspects({A: every(40, runs), **slow, **rare}) == [(A, 40_000)]


def test_accused_line_is_told_however_little_it_is_by_now() -> None:
    runs = range(1, 41)
    lines = {A: every(5, runs), B: every(400, runs)}
    held = replace(HELD, bytes_held=200_000.0)
    told = judge(evidence(40, lines=lines, patience=AT_ONCE, accusation=held)).verdict
    assert [suspect.site for suspect in told.suspects] == [B, A]


def test_exact_paces_rank_the_suspects_if_they_explain_half_of_what_is_told() -> None:
    runs = range(1, 41)
    told = judge(evidence(40, lines={A: every(80, runs), B: every(40, runs), C: every(20, runs)}, patience=AT_ONCE))

    def ranked(paces: dict[SiteKey, float]) -> list[tuple[SiteKey, float]]:
        verdict = with_exact_paces(told.verdict, paces)
        assert verdict.bytes_per_run == 140_000
        return [(suspect.site, suspect.bytes_per_run) for suspect in verdict.suspects]

    assert ranked({A: 10_000.0, B: 90_000.0, ("d.py", 4): 50_000.0}) == [(B, 90_000), (A, 10_000)]
    assert ranked({A: 4_000.0, B: 90_000.0}) == [(B, 90_000)]  # A has less than a twentieth
    assert ranked({B: 69_999.0}) == [(A, 80_000), (B, 40_000), (C, 20_000)]


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
