"""The status of a service in which something grows."""

from __future__ import annotations

from collections.abc import Mapping

from profiling import MemoryLimit, MemoryUsage, State, Verdict
from profiling.web import JobInfo
from volaris.discord.status import StatusReaders, status_embed


def job(name: str, *, state: str = "idle", failures: int = 0) -> JobInfo:
    return JobInfo(
        id=name,
        state=state,
        description="",
        next_run_at=None,
        last_outcome="completed",
        last_started_at=None,
        last_duration_s=None,
        last_error=None,
        runs=20,
        failures=failures,
        coalesced_slots=0,
    )


def verdict(state: State, pace_bytes: float | None = 0.0) -> Verdict:
    return Verdict(state=state, reason="", runs=20, bytes_per_run=pace_bytes, interval_bytes=None)


async def no_verdicts() -> Mapping[str, Verdict]:
    return {}


READERS = StatusReaders(
    memory=lambda: MemoryUsage(
        rss_bytes=400 << 20, vms_bytes=0, limit=MemoryLimit(limit_bytes=512 << 20, source="cgroup v2")
    ),
    jobs=lambda: [job("prices_1m", state="running", failures=2), job("a_job_with_a_name_that_is_too_long")],
    verdicts=no_verdicts,
    scheduler_enabled=True,
)
VERDICTS = {
    "prices_1m": verdict(State.LEAKING, 2_048.0),
    "GET /items": verdict(State.NATIVE_GROWTH, 3_072.0),
    "quiet": verdict(State.STABLE),
    "new": verdict(State.INSUFFICIENT_RUNS, None),
    "filling": verdict(State.GROWING, 9_999.0),
}


def test_what_grows_is_told_the_fastest_first_with_its_unit() -> None:
    embed = status_embed(READERS, VERDICTS)
    fields = dict(embed.fields)
    assert fields["Growing"] == ("GET /items: native growth, 3.0 KiB per window\nprices_1m: leaking, 2.0 KiB per run")
    assert fields["Verdicts"] == "1 leaking, 1 native growth, 1 growing, 1 stable, 1 too few runs"
    assert fields["Scheduler"] == "on"
    assert fields["Failures"] == "2 of 40 runs"


def test_memory_is_told_against_its_limit_and_each_job_in_a_line() -> None:
    embed = status_embed(READERS, VERDICTS)
    assert (embed.title, embed.text) == ("Memory: warning", "**400.0 MB** of 512 MB, 78.1 %")
    assert list(embed.lines) == [
        "job                          last  verdict",
        "prices_1m                 running  leaking",
        "a_job_with_a_name_tha…  completed        –",
    ]


def test_more_than_five_that_grow_are_counted() -> None:
    many = {f"scope {number}": verdict(State.LEAKING, 1_024.0 * number) for number in range(1, 9)}
    growing = dict(status_embed(READERS, many).fields)["Growing"].split("\n")
    assert growing[0] == "scope 8: leaking, 8.0 KiB per window"
    assert growing[4:] == ["scope 4: leaking, 4.0 KiB per window", "and 3 more"]


def test_a_service_without_runs_has_no_verdicts() -> None:
    fields = dict(status_embed(READERS, {}).fields)
    assert (fields["Growing"], fields["Verdicts"]) == ("nothing", "none yet")
