"""An accusation stays until the memory that it rests on is freed, and tells how its line goes on."""

from __future__ import annotations

from dataclasses import replace

from profiling.records import Accusation, State
from profiling.verdict.accusations import growth_of_accused
from profiling.verdict.judge import judge
from tests.unit.profiling.verdict.evidence import HELD, A, B, every, evidence, swelling


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


def test_accused_line_is_told_first_if_its_growth_is_not_seen_for_now() -> None:
    line, other = every(40, [*range(1, 41), *range(50, 61)]), every(4, range(1, 61))
    lines = {A: line, B: other}
    told = judge(evidence(60, lines=lines, totals_at=lambda site: [1e6] * 50 if site == A else (), accusation=HELD))
    assert [(suspect.site, suspect.bytes_per_run) for suspect in told.verdict.suspects] == [(A, 34_000), (B, 4_000)]
    assert told.verdict.bytes_per_run == 38_000


def test_accused_line_goes_on_as_long_as_too_few_samples_are_expected_to_tell() -> None:
    held = replace(HELD, bytes_held=80_000.0, bytes_per_run=2_000.0)

    def goes_on(runs: int) -> bool:
        return growth_of_accused(evidence(runs, every(2, range(1, 41)), accusation=held), held) is not None

    assert goes_on(40)
    assert goes_on(45)
    assert not goes_on(60)


def test_line_whose_accused_memory_is_mostly_freed_does_not_go_on() -> None:
    told = growth_of_accused(evidence(60, every(40, range(22, 61)), accusation=HELD), HELD)
    assert told is None
