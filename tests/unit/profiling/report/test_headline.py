"""The state of a process in one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from profiling.records import Forecast, MemoryLimit, MemoryUsage, Outlook, State, Suspect, Verdict
from profiling.report.headline import Alert, Grower, headline, size_text

MB = 1 << 20
NOW = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
STABLE = Verdict(state=State.STABLE, reason="", runs=40, bytes_per_run=0.0, interval_bytes=None)
LEAKING = replace(
    STABLE,
    state=State.LEAKING,
    suspects=(Suspect(site=("/app/volaris/jobs/iv.py", 88), bytes_per_run=1.1 * MB, stack=()),),
)


def usage(rss_mb: float, limit_mb: int = 512) -> MemoryUsage:
    limit = MemoryLimit(limit_bytes=limit_mb * MB, source="setting")
    return MemoryUsage(rss_bytes=round(rss_mb * MB), vms_bytes=0, limit=limit)


def forecast(full_in_s: float, *interval_s: float | None) -> Forecast:
    return Forecast(
        outlook=Outlook.FULL,
        reason="",
        full_in_s=full_in_s,
        interval_s=interval_s or None,  # type: ignore[arg-type]
        full_at=NOW + timedelta(seconds=full_in_s),
    )


def grower(
    verdict: Verdict = LEAKING, name: str = "iv_metrics", *, unit: str = "run", bytes_per_unit: float = 1.1 * MB
) -> Grower:
    return Grower(name=name, unit=unit, bytes_per_unit=bytes_per_unit, verdict=verdict)


def test_leak_is_told_with_its_line_and_its_end_in_an_interval() -> None:
    verdict = replace(LEAKING, forecast=forecast(6_000, 3_000, 11_400))
    told = headline(usage(423.2), [grower(verdict), grower(STABLE, "prices_1m")], NOW)
    assert told.text == (
        "423 of 512 MB. iv_metrics leaks 1.1 MB per run at /app/volaris/jobs/iv.py:88. "
        "Full at about 17:40 UTC (16:50 to 19:10)."
    )
    assert told.alert is Alert.WARNING


def test_calm_process_is_told_in_two_short_sentences() -> None:
    told = headline(usage(76.4), [grower(STABLE)], NOW)
    assert (told.text, told.alert, told.deadline) == ("76 of 512 MB. Nothing grows.", Alert.CALM, None)


def test_process_without_a_verdict_is_not_called_stable() -> None:
    few = grower(replace(STABLE, state=State.INSUFFICIENT_RUNS))
    for growers in ([], [few]):
        assert headline(usage(76), growers, NOW).cause == "Nothing has run often enough for a verdict."
    assert headline(usage(76), [few, grower(STABLE)], NOW).cause == "Nothing grows."


@pytest.mark.parametrize(
    ("percent", "accused", "full_in_s", "alert"),
    [
        (74.9, False, None, Alert.CALM),
        (75, False, None, Alert.WARNING),
        (85, False, None, Alert.WARNING),
        (85.1, False, None, Alert.CRITICAL),
        (10, True, None, Alert.WARNING),
        (10, True, 3_601, Alert.WARNING),
        (10, True, 3_599, Alert.CRITICAL),
    ],
)
def test_alert_follows_the_fill_the_accusation_and_the_time_that_is_left(
    percent: float, accused: bool, full_in_s: float | None, alert: Alert
) -> None:
    verdict = replace(LEAKING, forecast=forecast(full_in_s) if full_in_s else None) if accused else STABLE
    assert headline(usage(10 * percent, 1_000), [grower(verdict)], NOW).alert is alert


def test_growth_that_may_fill_up_is_no_alarm() -> None:
    told = headline(usage(76), [grower(replace(STABLE, state=State.GROWING), bytes_per_unit=2_048.0)], NOW)
    assert told.cause == "No leak is settled; iv_metrics grows by 2 KB per run and may still fill up."
    assert told.alert is Alert.CALM


def test_growth_of_a_c_heap_names_no_line() -> None:
    verdict = replace(STABLE, state=State.NATIVE_GROWTH)
    told = headline(usage(76), [grower(verdict, unit="call")], NOW)
    assert told.cause == "iv_metrics grows by 1.1 MB per call outside Python's heap."


def test_most_urgent_leak_comes_first_and_the_others_are_counted() -> None:
    slow = grower(replace(LEAKING, forecast=forecast(90_000)), "slow", bytes_per_unit=9.0 * MB)
    soon = grower(replace(LEAKING, forecast=forecast(6_000)), "soon", bytes_per_unit=1_024.0)
    unknown = grower(LEAKING, "unknown")
    told = headline(usage(76), [unknown, slow, soon], NOW)
    assert told.cause == "soon leaks 1 KB per run at /app/volaris/jobs/iv.py:88, and 2 more grow."
    assert told.end == "Full at about 17:40 UTC."
    assert headline(usage(76), [slow, soon], NOW).cause.endswith(", and 1 more grows.")


@pytest.mark.parametrize(
    ("full_in_s", "interval_s", "end"),
    [
        (-5, (), "Full at any moment."),
        (45, (40, 50), "Full in about 45 seconds (40 seconds to 50 seconds)."),
        (590, (580, 600), "Full in about 10 minutes."),
        (600, (-30, None), "Full at about 16:10 UTC (16:00 at the earliest)."),
        (40_000, (36_000, 50_000), "Full at about 03:06 UTC (02:00 to 05:53 04 Aug)."),
        (72_000, (), "Full in about 20 hours."),
        (200_000, (100_000, 900_000), "Full in about 2 days (28 hours to 10 days)."),
    ],
)
def test_end_is_told_as_exactly_as_it_is_known(full_in_s: float, interval_s: tuple[float, ...], end: str) -> None:
    verdict = replace(LEAKING, forecast=forecast(full_in_s, *interval_s))
    assert headline(usage(76), [grower(verdict)], NOW).end == end


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 KB"),
        (40_960, "40 KB"),
        (1.1 * MB, "1.1 MB"),
        (99.9 * MB, "99.9 MB"),
        (423.4 * MB, "423 MB"),
        (999.96 * MB, "1.0 GB"),
        (-1.5 * MB, "-1.5 MB"),
    ],
)
def test_sizes_have_three_digits_at_most(size_bytes: float, text: str) -> None:
    assert size_text(size_bytes) == text
