"""The debug routes by their contract."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from profiling import Level, Profiler
from profiling.process.full_collections import BudgetedCollector
from profiling.web import Access, health_status
from tests.integration.debug.conftest import WITH_TOKEN, Client, HandMadeJobs, nothing, problem, run_work

kept: list[bytes] = []


async def keep() -> None:
    kept.append(bytes(500_000))


KEEPING_LINE = keep.__code__.co_firstlineno + 1


@pytest_asyncio.fixture
async def client(client_of: object) -> AsyncIterator[Client]:
    async with client_of(Access(open_to_all=True)) as client:  # type: ignore[operator]
        yield client


@pytest.mark.parametrize(
    ("percent", "status"), [(0, "ok"), (74.99, "ok"), (75, "warning"), (85, "warning"), (85.01, "critical")]
)
def test_health_warns_from_75_per_cent_and_is_critical_above_85(percent: float, status: str) -> None:
    assert health_status(percent) == status


async def test_health_has_the_keys_of_the_contract(client: Client) -> None:
    async with client.get("/api/v1/debug/health") as response:
        told = await response.json()
    assert set(told) == {"status", "environment", "memory_mb", "memory_percent", "scheduler_enabled"}
    assert told["environment"] == "development"
    assert told["scheduler_enabled"] is True
    assert told["memory_percent"] == pytest.approx(100 * told["memory_mb"] / 512, abs=0.06)


async def test_memory_tells_what_the_process_holds(client: Client) -> None:
    async with client.get("/api/v1/debug/memory") as response:
        told = await response.json()
    assert set(told) >= {"current_usage", "top_objects", "large_objects", "gc_stats", "composition", "tracing"}
    assert set(told["current_usage"]) >= {"rss_mb", "vms_mb", "percent", "available_mb", "total_mb"}
    assert told["current_usage"]["total_mb"] == 512
    assert len(told["top_objects"]) == 20
    counts = [entry["count"] for entry in told["top_objects"]]
    assert counts == sorted(counts, reverse=True)
    assert set(told["gc_stats"]) == {"collections", "threshold", "tracked_objects"}


async def test_diff_tells_the_line_that_grew(client: Client, profiler: Profiler) -> None:
    await run_work(profiler, keep)
    await run_work(profiler, keep)
    async with client.get("/api/v1/debug/memory/diff?job=sync&limit=1000") as response:
        told = await response.json()
    totals = told["totals"]
    assert totals["attributed_bytes"] + totals["unattributed_bytes"] == totals["size_diff_bytes"]
    (site,) = [site for site in told["sites"] if site["line"] == KEEPING_LINE]
    assert site["file"] == "tests/integration/debug/test_routes.py"
    assert (site["function"], site["source"]) == ("keep", "kept.append(bytes(500_000))")
    assert 500_000 <= site["size_diff_bytes"] < 500_200
    assert told["verdict"]["state"] == "insufficient_runs"
    kept.clear()


async def test_diff_is_told_as_text_and_by_file_or_function_too(client: Client, profiler: Profiler) -> None:
    await run_work(profiler, nothing)
    await run_work(profiler, keep)
    async with client.get("/debug/memory/diff?job=sync&format=text") as response:
        assert response.content_type == "text/plain"
        assert f"tests/integration/debug/test_routes.py:{KEEPING_LINE} keep" in await response.text()
    for group_by, function in (("file", None), ("function", "keep")):
        async with client.get(f"/debug/memory/diff?job=sync&limit=1&group_by={group_by}") as response:
            (site,) = (await response.json())["sites"]
            assert (site["line"], site["function"]) == (None, function)
    kept.clear()


async def test_diff_of_chosen_runs(client: Client, profiler: Profiler) -> None:
    for _ in range(3):
        await run_work(profiler, nothing)
    async with client.get("/debug/memory/diff?job=sync&run=3&against=1") as response:
        told = await response.json()
    assert (told["run"]["id"], told["against"]["id"]) == (3, 1)
    detail = (await problem(await client.get("/debug/memory/diff?job=sync&run=9"), 404))["detail"]
    assert detail.startswith("there is no run 9 of job 'sync' in the history")


async def test_diff_before_there_are_two_runs_says_what_is_missing(client: Client, profiler: Profiler) -> None:
    for profiled in (0, 1):
        detail = (await problem(await client.get("/debug/memory/diff?job=sync"), 409))["detail"]
        assert detail.startswith(f"job 'sync' has {profiled} profiled run{'s' * (profiled != 1)} with lines, but a")
        await run_work(profiler, nothing)


async def test_runs_without_lines_do_not_compare(client: Client, profiler: Profiler) -> None:
    profiler.level = Level.COUNTERS
    await run_work(profiler, nothing)
    profiler.level = Level.LINES
    await run_work(profiler, nothing)
    detail = (await problem(await client.get("/debug/memory/diff?job=sync&run=2&against=1"), 409))["detail"]
    assert detail == ("run 2 cannot be compared with run 1: run 1 has no lines (it was profiled at level counters)")


@pytest.mark.parametrize("path", ["memory/diff?job=nope", "memory/runs?job=nope"])
async def test_unknown_job_is_told_with_those_there_are(client: Client, path: str) -> None:
    told = await problem(await client.get(f"/debug/{path}"), 404)
    assert told["detail"] == "there is no job 'nope'; the known jobs are: sync"
    assert told["known"] == ["sync"]


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("memory/diff", "job", "missing"),
        ("memory/diff?job=sync&limit=0", "limit", "must be a whole number from 1 to 1000"),
        ("memory/diff?job=sync&limit=1001", "limit", "must be a whole number from 1 to 1000"),
        ("memory/diff?job=sync&limit=%D9%A1", "limit", "must be a whole number from 1 to 1000"),
        ("memory/diff?job=sync&run=x", "run", "must be a whole number from 1 to 9007199254740992"),
        ("memory/diff?job=sync&group_by=day", "group_by", "must be one of line, file, function"),
        ("memory/diff?job=sync&format=xml", "format", "must be one of json, text"),
        (
            "memory/diff?job=sync&jobs=2",
            "jobs",
            "unknown parameter; this route accepts: job, run, against, group_by, limit, format",
        ),
        ("memory?x=1", "x", "unknown parameter; this route accepts: none"),
        ("memory/runs/zero", "run_id", "must be a whole number from 1 to 9007199254740992"),
        ("memory/runs/0", "run_id", "must be a whole number from 1 to 9007199254740992"),
    ],
)
async def test_bad_query_names_the_field(
    client: Client, profiler: Profiler, path: str, field: str, message: str
) -> None:
    await run_work(profiler, nothing)
    told = await problem(await client.get(f"/debug/{path}"), 422)
    assert told["errors"] == {field: [message]}
    assert told["detail"] == f"{field}: {message}"


async def test_runs_are_listed_newest_first_and_shown_one_by_one(client: Client, profiler: Profiler) -> None:
    for sync in (nothing, nothing, keep):
        await run_work(profiler, sync)
    for path in ("/debug/memory/runs?limit=2", "/debug/memory/runs?job=sync&limit=2"):
        async with client.get(path) as response:
            assert [run["id"] for run in (await response.json())["runs"]] == [3, 2]
    async with client.get("/debug/memory/runs/3?limit=1") as response:
        shown = await response.json()
    assert shown["id"] == 3
    assert [site["line"] for site in shown["sites"]] == [KEEPING_LINE]
    assert "no run 9 in the history" in (await problem(await client.get("/debug/memory/runs/9"), 404))["detail"]
    kept.clear()


async def test_jobs_are_told_with_state_next_run_last_run_and_verdict(client: Client, profiler: Profiler) -> None:
    async with client.get("/api/v1/debug/jobs") as response:
        told = await response.json()
    assert told == {
        "scheduler_enabled": True,
        "jobs": [
            {
                "id": "sync",
                "description": "some work",
                "state": "idle",
                "next_run_at": "2026-08-03T16:00:00+00:00",
                "last_run": {
                    "outcome": "completed",
                    "started_at": "2026-08-03T15:00:00+00:00",
                    "duration_s": 0.5,
                    "error": None,
                },
                "runs": 3,
                "failures": 1,
                "coalesced_slots": 2,
                "verdict": None,
            }
        ],
    }
    await run_work(profiler, nothing)
    async with client.get("/debug/jobs") as response:
        (job,) = (await response.json())["jobs"]
    assert job["verdict"]["state"] == "insufficient_runs"


async def test_jobs_are_run_paused_and_resumed(client: Client, jobs: HandMadeJobs) -> None:
    for action, status in (("run", 202), ("pause", 200), ("resume", 200)):
        async with client.post(f"/api/v1/debug/jobs/sync/{action}", headers=WITH_TOKEN) as response:
            assert response.status == status
            assert (await response.json())["id"] == "sync"
    assert jobs.calls == ["run", "pause", "resume"]
    jobs.busy = True
    told = await problem(await client.post("/debug/jobs/sync/run", headers=WITH_TOKEN), 409)
    assert told["detail"] == "job 'sync' is already running; try again when it has ended"
    for action in ("run", "pause", "resume"):
        told = await problem(await client.post(f"/debug/jobs/nope/{action}", headers=WITH_TOKEN), 404)
        assert told["known"] == ["sync"]


async def test_what_is_not_there_is_a_problem_too(client: Client) -> None:
    await problem(await client.get("/debug/nothing"), 404)
    assert (await problem(await client.post("/debug/memory", headers=WITH_TOKEN), 405))["allowed"] == ["GET", "HEAD"]


async def test_both_prefixes_give_the_same(client: Client, profiler: Profiler) -> None:
    await run_work(profiler, nothing)
    for path in ("jobs", "memory/runs", "memory/runs/1"):
        async with client.get(f"/debug/{path}") as short, client.get(f"/api/v1/debug/{path}") as canonical:
            assert await short.read() == await canonical.read()


async def test_diff_over_seconds_tells_what_changes_whatever_runs(client: Client, profiler: Profiler) -> None:
    await run_work(profiler, nothing)
    async with client.get("/debug/memory/diff?seconds=1&gc=1&limit=3") as response:
        told = await response.json()
    assert (told["collected"], told["jobs"], len(told["sites"]) <= 3) == (True, [], True)
    assert told["seconds"] >= 1
    totals = told["totals"]
    assert totals["attributed_bytes"] + totals["unattributed_bytes"] == totals["size_diff_bytes"]
    async with client.get("/debug/memory/diff?seconds=1&format=text") as response:
        # The second and what the two looks take, which is more on a busy machine.
        assert re.match(r"the process over [1-9]\d* s, by line, with no job running\n", await response.text())


@pytest.mark.parametrize(
    ("query", "field"), [("seconds=0", "seconds"), ("seconds=601", "seconds"), ("job=x&seconds=1", "job")]
)
async def test_diff_over_seconds_refuses_what_makes_no_sense(client: Client, query: str, field: str) -> None:
    assert field in (await problem(await client.get(f"/debug/memory/diff?{query}"), 422))["errors"]


async def test_verdict_of_a_job_tells_the_line_of_its_leak(client: Client, profiler: Profiler) -> None:
    # A collection in a process of many tests may take longer than one in a service.
    profiler._shared.collector = BudgetedCollector(is_bounded=False)
    for _ in range(40):
        await run_work(profiler, keep)
    async with client.get("/debug/jobs/sync/verdict") as response:
        told = await response.json()
    assert (told["job"], told["verdict"]["state"], told["verdict"]["runs"]) == ("sync", "leaking", 40)
    accusation = told["verdict"]["accusation"]
    assert accusation["site"] == {"file": "tests/integration/debug/test_routes.py", "line": KEEPING_LINE}
    assert accusation["bytes_per_run"] == pytest.approx(500_033, rel=0.01)
    assert accusation["births"][1] - accusation["births"][0] >= 11
    (suspect,) = told["verdict"]["suspects"]
    assert suspect["site"] == {"file": "tests/integration/debug/test_routes.py", "line": KEEPING_LINE}
    assert suspect["bytes_per_run"] == pytest.approx(500_033, rel=0.01)
    kept.clear()


async def test_verdict_of_a_job_that_has_yet_to_run_is_null_and_of_an_unknown_one_404(client: Client) -> None:
    async with client.get("/debug/jobs/sync/verdict") as response:
        assert await response.json() == {"job": "sync", "verdict": None}
    assert (await problem(await client.get("/debug/jobs/nothing/verdict"), 404))["known"] == ["sync"]


async def test_trim_gives_back_and_reports(client: Client) -> None:
    await problem(await client.post("/debug/memory/trim"), 403)
    async with client.post("/debug/memory/trim", headers=WITH_TOKEN) as response:
        told = await response.json()
    assert response.status == 200
    assert told["given_back_mb"] == pytest.approx(max(0, told["rss_before_mb"] - told["rss_after_mb"]), abs=0.02)
    assert set(told) >= {"supported", "c_heap_free_before_mb", "c_heap_free_after_mb", "duration_ms"}
