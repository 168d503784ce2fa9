"""What the debug routes answer, with runs made by hand."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from profiling.errors import JobBusy, WalkInProgress
from profiling.process import object_walk
from profiling.records import UNKNOWN_SITE
from profiling.web import JobInfo
from tests.integration.debug.conftest import WITH_TOKEN, HandMadeJobs, problem
from tests.integration.debug_routes.service import PREFIXES, serving
from tests.unit.profiling.make import lines, run


class FailingJobs(HandMadeJobs):
    """Knows its one job, and fails to start it with the error that a test gives."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def run_now(self, job_id: str) -> None:
        raise self.error


class Queued(JobBusy):
    """A control's own kind of busy."""


async def test_memory_has_the_keys_of_the_contract_to_the_letter() -> None:
    held = [bytes(8 << 20)]
    async with serving() as client, client.get("/api/v1/debug/memory") as response:
        told = await response.json()
    assert told["current_usage"].keys() >= {"rss_mb", "vms_mb", "percent", "available_mb", "total_mb"}
    assert all(entry.keys() == {"type", "count", "avg_size_bytes"} for entry in told["top_objects"])
    assert len(told["top_objects"]) <= 20
    (ours,) = [entry for entry in told["large_objects"] if entry["type"] == "bytes" and entry["size_mb"] == 8.0]
    assert ours == {"type": "bytes", "size_mb": 8.0, "repr": "<bytes: 8.0 MB>"}
    sizes = [entry["size_mb"] for entry in told["large_objects"]]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) >= 1.0
    assert told["gc_stats"].keys() == {"collections", "threshold", "tracked_objects"}
    assert [len(told["gc_stats"][key]) for key in ("collections", "threshold")] == [3, 3]
    assert isinstance(told["composition"], dict)
    assert isinstance(told["tracing"], dict)
    assert len(held) == 1


async def test_diff_has_the_keys_of_the_contract_to_the_letter() -> None:
    async with serving() as client, client.get("/api/v1/debug/memory/diff?job=sync") as response:
        told = await response.json()
    assert told.keys() >= {"job", "run", "against", "totals", "sites", "verdict"}
    assert (told["job"], told["run"]["id"], told["against"]["id"]) == ("sync", 2, 1)
    assert told["totals"] == {
        "size_diff_bytes": 2_010,
        "count_diff": 5,
        "attributed_bytes": 2_010,
        "unattributed_bytes": 0,
        "listed_bytes": 2_010,
        "omitted_bytes": 0,
        "rss_diff_bytes": 0,
    }
    site = {"file": "/gone/a.py", "line": 7, "function": None, "source": None} | {
        "size_bytes": 3_000,
        "size_diff_bytes": 2_000,
        "count": 8,
        "count_diff": 4,
    }
    assert told["sites"][0].items() >= site.items()
    assert told["verdict"].keys() >= {"state", "reason"}


async def test_second_walk_is_refused_under_both_prefixes_until_the_first_has_ended() -> None:
    walking = object_walk.walk()
    walking.send(None)  # up to where it gives way to the loop for the first time
    async with serving() as client:
        for prefix in PREFIXES:
            async with client.get(f"{prefix}/memory") as response:
                assert (await problem(response, 429))["detail"] == str(WalkInProgress())
                assert response.headers["Retry-After"] == "5"
        walking.close()
        async with client.get("/debug/memory") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("query", "sites"), [("", 20), ("&limit=1", 1), ("&limit=30", 30), ("&limit=1000", 30), ("&group_by=file", 1)]
)
async def test_diff_lists_20_sites_or_as_many_as_asked_for_and_sums_up_the_others(query: str, sites: int) -> None:
    live = {("/gone/a.py", line): (100 + line, 1) for line in range(1, 31)} | {UNKNOWN_SITE: (77, 1)}
    runs = [run(1, {}, job="sync"), run(2, lines=lines(live), job="sync")]
    async with serving(runs=runs) as client, client.get(f"/debug/memory/diff?job=sync{query}") as response:
        told = await response.json()
    totals = told["totals"]
    assert len(told["sites"]) == sites
    assert totals["listed_bytes"] == sum(site["size_diff_bytes"] for site in told["sites"])
    assert totals["listed_bytes"] + totals["omitted_bytes"] == totals["attributed_bytes"] == 3_465
    assert (totals["unattributed_bytes"], totals["size_diff_bytes"]) == (77, 3_542)


@pytest.mark.parametrize(
    ("query", "pair"), [("against=1", (3, 1)), ("run=2", (2, 1)), ("run=1&against=3", (1, 3)), ("run=3", (3, 2))]
)
async def test_diff_compares_the_runs_that_are_asked_for(query: str, pair: tuple[int, int]) -> None:
    runs = [run(number, {("/gone/a.py", 1): (number * 100, 1)}, job="sync") for number in (1, 2, 3)]
    async with serving(runs=runs) as client, client.get(f"/debug/memory/diff?job=sync&{query}") as response:
        told = await response.json()
    assert (told["run"]["id"], told["against"]["id"]) == pair
    assert told["totals"]["size_diff_bytes"] == (pair[0] - pair[1]) * 100


async def test_runs_of_two_stretches_of_tracing_do_not_compare() -> None:
    runs = [run(number, lines=lines({}, session=number), job="sync") for number in (1, 2)]
    async with serving(runs=runs) as client:
        told = await problem(await client.get("/debug/memory/diff?job=sync"), 409)
    assert told["detail"] == (
        "run 2 cannot be compared with run 1: tracing was switched off in between, which discarded its traces"
    )


async def test_diff_as_text_is_the_table_and_its_errors_are_problems_all_the_same() -> None:
    async with serving() as client:
        async with client.get("/debug/memory/diff?job=sync&format=text") as response:
            assert (response.content_type, response.charset) == ("text/plain", "utf-8")
            assert (await response.text()).startswith("sync: run 2 against run 1, by line\ntraced +2.0 KiB (+5 blocks)")
        await problem(await client.get("/debug/memory/diff?job=nope&format=text"), 404)


@pytest.mark.parametrize(("query", "ids"), [("", range(60, 10, -1)), ("?limit=2", [60, 59]), ("?job=b", [60, 59, 58])])
async def test_runs_are_the_newest_50_or_as_many_as_asked_for(query: str, ids: Sequence[int]) -> None:
    runs = [run(number, job="a" if number < 58 else "b") for number in range(1, 61)]
    async with serving(runs=runs) as client, client.get(f"/debug/memory/runs{query}") as response:
        assert [each["id"] for each in (await response.json())["runs"]] == list(ids)


async def test_job_that_has_yet_to_run_has_no_runs_and_is_not_unknown() -> None:
    async with serving(runs=[]) as client:
        async with client.get("/debug/memory/runs?job=sync") as response:
            assert (response.status, await response.json()) == (200, {"runs": []})
        told = await problem(await client.get("/debug/memory/diff?job=sync"), 409)
        assert told["detail"].startswith("job 'sync' has 0 profiled runs with lines, but a comparison needs 2")
        assert (await problem(await client.get("/debug/memory/runs?job=other"), 404))["known"] == ["sync"]


async def test_job_that_no_scheduler_knows_any_more_is_known_by_its_runs() -> None:
    async with serving(runs=[run(1, job="retired")]) as client:
        async with client.get("/debug/memory/runs?job=retired") as response:
            assert [each["id"] for each in (await response.json())["runs"]] == [1]
        told = await problem(await client.get("/debug/memory/diff?job=nope"), 404)
        assert told["known"] == ["retired", "sync"]


async def test_run_without_lines_is_shown_with_no_sites() -> None:
    async with serving(runs=[run(1, job="sync")]) as client, client.get("/debug/memory/runs/1") as response:
        told = await response.json()
    assert (told["id"], told["lines"], told["sites"]) == (1, None, [])


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/memory?job=sync", "job"),
        ("/jobs?job=sync", "job"),
        ("/memory/runs?jobs=sync", "jobs"),
        ("/memory/runs/1?job=sync", "job"),
        ("/memory/runs?limit=-1", "limit"),
        ("/memory/runs?limit=1e2", "limit"),
        ("/memory/runs?limit=", "limit"),
        ("/memory/runs/1?limit=0", "limit"),
        ("/memory/runs/9007199254740993", "run_id"),
        ("/memory/runs/%2B1", "run_id"),
        ("/memory/diff?job=", "job"),
        ("/memory/diff?job=sync&run=", "run"),
        ("/memory/diff?job=sync&against=0", "against"),
        ("/memory/diff?job=sync&format=", "format"),
        (f"/memory/diff?job=sync&limit={'9' * 5_000}", "limit"),
    ],
)
async def test_bad_query_is_refused_with_its_field(path: str, field: str) -> None:
    async with serving() as client:
        for prefix in PREFIXES:
            told = await problem(await client.get(f"{prefix}{path}"), 422)
            assert list(told["errors"]) == [field]
            assert told["detail"] == f"{field}: {told['errors'][field][0]}"


@pytest.mark.parametrize("verb", ["run", "pause", "resume"])
async def test_job_is_not_steered_by_a_query_that_does_not_fit(verb: str) -> None:
    async with serving() as client:
        told = await problem(await client.post(f"/debug/jobs/sync/{verb}?force=1", headers=WITH_TOKEN), 422)
    assert list(told["errors"]) == ["force"]


async def test_error_of_a_controls_own_kind_is_answered_as_the_kind_it_is_of() -> None:
    async with serving(jobs=FailingJobs(Queued("sync"))) as client:
        told = await problem(await client.post("/debug/jobs/sync/run", headers=WITH_TOKEN), 409)
    assert told["detail"] == "job 'sync' is already running; try again when it has ended"


async def test_error_that_nobody_expects_is_a_bare_500_and_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("password=hunter2")
    async with serving(jobs=FailingJobs(error)) as client:
        told = await problem(await client.post("/debug/jobs/sync/run", headers=WITH_TOKEN), 500)
    assert "hunter2" not in str(told)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_job_that_never_ran_has_no_last_run_and_no_verdict() -> None:
    class Fresh(HandMadeJobs):
        def jobs(self) -> list[JobInfo]:
            return [
                JobInfo(
                    id="fresh",
                    state="paused",
                    description="",
                    next_run_at=None,
                    last_outcome=None,
                    last_started_at=None,
                    last_duration_s=None,
                    last_error=None,
                    runs=0,
                    failures=0,
                    coalesced_slots=0,
                )
            ]

    async with serving(jobs=Fresh(enabled=False)) as client, client.get("/debug/jobs") as response:
        told = await response.json()
    assert told["scheduler_enabled"] is False
    (job,) = told["jobs"]
    assert [job[key] for key in ("state", "next_run_at", "last_run", "verdict")] == ["paused", None, None, None]
