"""The suspects of a verdict: which lines are named, in which order, with which pace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiling.records import SiteKey, State
from profiling.verdict.evidence import LineEvidence
from profiling.verdict.judge import judge
from profiling.verdict.suspects import MAX_SUSPECTS, with_exact_paces
from tests.unit.profiling.make import MB
from tests.unit.profiling.verdict.evidence import AT_ONCE, BLOCK, HEADROOM, HELD, A, B, C, every, evidence


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
