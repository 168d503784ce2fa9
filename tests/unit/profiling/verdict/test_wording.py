"""The reason of each state, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiling.records import Accusation, Bound, State
from profiling.verdict.evidence import GrowthKind
from profiling.verdict.growth import Growth
from profiling.verdict.survivors import Pace
from profiling.verdict.wording import reason_of
from tests.unit.profiling.verdict.evidence import KB, evidence

PACE = Pace(bytes_per_run=40 * KB, error_bytes=0.0, births=(5, 24), runs=20, samples=400, is_sure=True)


def growth(kind: GrowthKind = GrowthKind.SURVIVORS, *, watched: int = 66, bytes_per_run: float = 40 * KB) -> Growth:
    """Return a growth by this kind of evidence over 20 runs."""
    pace = replace(PACE, bytes_per_run=bytes_per_run)
    return Growth(kind=kind, pace=pace, site=None, watched=watched, is_sure=True)


ACCUSED = Accusation(
    state=State.LEAKING, since_run=39, births=(5, 24), site=None, bytes_held=800 * KB, bytes_per_run=40 * KB
)


@pytest.mark.parametrize(("runs", "missing"), [(0, 12), (1, 11), (11, 1)])
def test_too_few_runs_say_how_many_are_missing(runs: int, missing: int) -> None:
    told = reason_of(State.INSUFFICIENT_RUNS, evidence(runs))
    assert told == f"only {runs} completed {'run' if runs == 1 else 'runs'}; a verdict needs 12 ({missing} more)"


def test_stable_job_says_what_is_alive_of_its_older_runs() -> None:
    told = reason_of(State.STABLE, evidence(40), per_run=2 * KB)
    assert told == "nothing grows over 40 runs; the older runs still hold 2.0 KiB per run"


@pytest.mark.parametrize(
    ("left_bytes", "watched", "settles"),
    [
        (1_000 * 40 * KB, 38, "it may still be a cache that fills up; 1 more run will tell"),
        (1_000 * 40 * KB, 39, "more runs and a full collection will tell whether it is a leak"),
        (2_000 * 40 * KB, 39, "it may still be a cache that fills up; 27 more runs will tell"),
    ],
)
def test_growing_job_says_what_would_settle_it(left_bytes: float, watched: int, settles: str) -> None:
    since_the_growth_began = growth(watched=watched)
    told = reason_of(
        State.GROWING, evidence(100, left_bytes=left_bytes), per_run=40 * KB, growth=since_the_growth_began
    )
    assert told == f"the memory that the job keeps grows by 40.0 KiB per run; {settles}"


@pytest.mark.parametrize("kind", [GrowthKind.C_HEAP, GrowthKind.MAPPED])
def test_native_memory_that_grows_waits_for_collected_runs(kind: GrowthKind) -> None:
    told = reason_of(State.GROWING, evidence(66), per_run=40 * KB, growth=growth(kind))
    settles = "more runs whose garbage is collected will tell whether it is garbage"
    assert told == f"{kind.value} grows by 40.0 KiB per run; {settles}"


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        (
            Bound(kind="deque", items=3_099, max_items=5_000),
            "it is filling a deque of at most 5 000 items, which is 61 % full",
        ),
        (
            Bound(kind="orm.Cache", items=499, max_items=500),
            "it is filling an orm.Cache of at most 500 items, which is 99 % full",
        ),
        (Bound(kind="deque", items=5_000, max_items=5_000), "it has just filled a deque of at most 5 000 items"),
    ],
)
def test_job_that_fills_up_a_store_says_how_full_it_is(bound: Bound, told: str) -> None:
    reason = reason_of(State.GROWING, evidence(38), bound=bound, per_run=40 * KB, growth=growth())
    assert reason == f"the memory that the job keeps grows by 40.0 KiB per run; {told}"


def test_leak_says_of_which_age_its_survivors_are_and_since_when_it_is_reported() -> None:
    told = reason_of(State.LEAKING, evidence(50), per_run=40 * KB, growth=growth(), accusation=ACCUSED)
    assert (
        told == "40.0 KiB per run stay alive, from the oldest to the newest of the last 20 runs (reported since run 39)"
    )


@pytest.mark.parametrize("kind", [GrowthKind.SWELLING, GrowthKind.EXACT])
def test_leak_of_another_kind_says_what_grows(kind: GrowthKind) -> None:
    told = reason_of(State.LEAKING, evidence(50), per_run=40 * KB, growth=growth(kind), accusation=ACCUSED)
    assert told == f"{kind.value} grows by 40.0 KiB per run over the last 20 runs (reported since run 39)"


def test_leak_that_has_stopped_says_that_what_it_kept_is_alive() -> None:
    told = reason_of(State.LEAKING, evidence(50), per_run=40 * KB, accusation=ACCUSED)
    assert told == "the job keeps no more now, but still holds 40.0 KiB per run from before (reported since run 39)"


def test_native_growth_says_that_pythons_heap_does_not_grow() -> None:
    keeps = (
        "grows by 40.0 KiB per run, but Python's heap does not, so a C library keeps the memory (reported since run 39)"
    )
    for kind, what in (
        (None, "the C heap"),
        (GrowthKind.C_HEAP, "the C heap"),
        (GrowthKind.MAPPED, GrowthKind.MAPPED.value),
    ):
        grows = growth(kind) if kind else None
        told = reason_of(State.NATIVE_GROWTH, evidence(50), per_run=40 * KB, growth=grows, accusation=ACCUSED)
        assert told == f"{what} {keeps}"


def test_what_grows_beside_it_is_told_too() -> None:
    def told(state: State) -> str:
        return reason_of(
            state,
            evidence(50),
            per_run=4 * KB,
            growth=growth(),
            beside=growth(GrowthKind.C_HEAP, bytes_per_run=852 * KB),
            accusation=ACCUSED,
        )

    also = ", and the C heap also grows by 852.0 KiB per run"
    stays = "4.0 KiB per run stay alive, from the oldest to the newest of the last 20 runs"
    assert told(State.LEAKING) == f"{stays}{also} (reported since run 39)"
    assert told(State.GROWING).startswith(f"the memory that the job keeps grows by 4.0 KiB per run{also}; ")
