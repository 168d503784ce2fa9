"""`python -m profiling check` as a person types it: on the corpus with known answers, and on jobs of our own."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from profiling.samples import sampler
from tests.acceptance import known_jobs
from tests.shared import FOLDER, shared_file

CORPUS = sorted(path.name for path in (FOLDER / "leaks").glob("*.py")) if FOLDER.exists() else []
RETAINED = "# <- retained here"

JOBS = str(Path(known_jobs.__file__))
LINES = {
    match[1]: number
    for number, text in enumerate(Path(JOBS).read_text().splitlines(), 1)
    if (match := re.search(r"# <- (\w+)$", text))
}
# What tracemalloc watches takes several times as long.
LEVELS = ["samples", pytest.param("lines", marks=pytest.mark.slow)] if not sampler.unavailable_reason() else ["lines"]
FAST_JOBS = 5  # of each verdict
AT_LINES_TOO = {
    "child_task",
    "deep_copy",
    "under_churn",
    "kept_frame",
    "kept_array",
    "churn",
    "sawtooth",
    "native_small",
}


def with_levels(names: Iterable[str]) -> list[Any]:
    """Return each job at the default level, and some at the exact one too; only the first ones are fast tests."""
    names = list(names)
    sampled = [
        pytest.param(name, LEVELS[0], marks=[pytest.mark.slow] if number >= FAST_JOBS else [])
        for number, name in enumerate(names)
    ]
    exact = [pytest.param(name, "lines", marks=pytest.mark.slow) for name in names if name in AT_LINES_TOO]
    return sampled + (exact if len(LEVELS) > 1 else [])


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "profiling", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=170,  # what hangs; exact lines take long on a busy machine
        check=False,
    )


def job_of(*arguments: str) -> dict[str, Any]:
    done = check(*arguments, "--json")
    assert done.stderr == ""
    jobs: list[dict[str, Any]] = json.loads(done.stdout)["jobs"]
    assert done.returncode == int(any(job["verdict"] not in {"stable", "growing"} for job in jobs))
    return jobs[0]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CORPUS or ["leaks"])
def test_corpus_is_judged_as_it_says_of_itself(name: str, level: str) -> None:
    path = shared_file(f"leaks/{name}")
    text = path.read_text()
    constants = dict(re.findall(r"^(VERDICT|BYTES_PER_RUN|HELD_FREE_BYTES) = \"?([\w_]+)", text, re.MULTILINE))
    told = job_of(f"{path}:job", "--level", level)
    assert told["verdict"] == constants["VERDICT"]
    if "BYTES_PER_RUN" in constants:
        assert told["bytes_per_run"] == pytest.approx(int(constants["BYTES_PER_RUN"]), rel=0.2)
    if "HELD_FREE_BYTES" in constants:
        assert told["memory"]["held_free_mb"] * 2**20 == pytest.approx(int(constants["HELD_FREE_BYTES"]), rel=0.2)
    if RETAINED in text:
        expected = next(n for n, line in enumerate(text.splitlines(), 1) if line.endswith(RETAINED))
        if name == "frame_history.py" and importlib.metadata.version("pandas") >= "3":
            expected += 1  # from pandas 3 on a frame copies its array: what stays is made on the next line
        assert told["suspects"][0]["site"] == {"file": str(path), "line": expected}


@pytest.mark.parametrize(("name", "level"), with_levels(known_jobs.LEAKING))
def test_leak_is_put_down_to_the_users_own_line(name: str, level: str) -> None:
    told = job_of(f"{JOBS}:{name}", "--level", level)
    assert told["verdict"] == "leaking", told
    assert told["suspects"][0]["site"] == {"file": JOBS, "line": LINES[name]}
    if truth_bytes := known_jobs.LEAKING[name]:
        assert told["bytes_per_run"] == pytest.approx(truth_bytes, rel=0.2)


@pytest.mark.parametrize(("name", "level"), with_levels(known_jobs.STABLE))
def test_what_does_not_grow_is_stable(name: str, level: str) -> None:
    told = job_of(f"{JOBS}:{name}", "--level", level)
    assert told["verdict"] == "stable", told


@pytest.mark.parametrize(("name", "level"), with_levels(known_jobs.NATIVE))
def test_growth_outside_of_pythons_heap_is_native(name: str, level: str) -> None:
    told = job_of(f"{JOBS}:{name}", "--level", level)
    assert told["verdict"] == "native_growth", told
    assert told["bytes_per_run"] == pytest.approx(known_jobs.NATIVE[name], rel=0.2)


@pytest.mark.parametrize("level", LEVELS)
def test_job_beside_leaking_ones_is_not_blamed_for_them(level: str) -> None:
    leaking = ["under_churn", "child_task", "worker_thread"]
    beside = [word for name in leaking for word in ("--with", f"{JOBS}:{name}")]
    done = check(f"{JOBS}:steady", *beside, "--level", level, "--json")
    jobs = {job["job"].rpartition(":")[2]: job for job in json.loads(done.stdout)["jobs"]}
    assert {name: job["verdict"] for name, job in jobs.items()} == {
        "steady": "stable",
        **dict.fromkeys(leaking, "leaking"),
    }
    for name in leaking:
        assert [suspect["site"]["line"] for suspect in jobs[name]["suspects"]] == [LINES[name]]
        assert jobs[name]["bytes_per_run"] == pytest.approx(known_jobs.LEAKING[name], rel=0.2)
    assert done.returncode == 1


@pytest.mark.slow
def test_result_has_the_keys_of_the_contract_and_reads_well() -> None:
    told = job_of(f"{JOBS}:deep_copy")
    assert set(told) >= {
        "job",
        "runs",
        "verdict",
        "bytes_per_run",
        "native_bytes_per_run",
        "suspects",
        "memory",
        "cost",
    }
    assert set(told["suspects"][0]) == {"site", "function", "bytes_per_run", "stack"}
    assert told["suspects"][0]["function"] == "deep_copy"
    assert any("copy.py:" in frame for frame in told["suspects"][0]["stack"])
    assert set(told["memory"]) >= {"rss_mb", "traced_mb", "held_free_mb"}
    assert set(told["cost"]) == {"slowdown", "stall_ms_max", "memory_mb"}
    text = check(f"{JOBS}:under_churn").stdout
    assert re.search(rf"known_jobs\.py:under_churn: leaking after \d+ runs at level {LEVELS[0]}\n", text)
    assert re.search(r"\n *39\.\d KiB per run  ", text)
    assert "known_jobs.py:" + str(LINES["under_churn"]) + " under_churn\n" in text
    assert "free in the C allocator" in text


def test_too_few_runs_are_told_and_are_no_success() -> None:
    done = check(f"{JOBS}:steady", "--runs", "3")
    assert done.returncode == 1
    assert "insufficient_runs after 3 runs" in done.stdout
    assert "only 3 completed runs; a verdict needs 12 (9 more)" in done.stdout


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("nothing", "'nothing' is not of the form FILE.py:FUNCTION"),
        ("nothing.py:job", "does not exist"),
        ("{JOBS}:nothing", "has no function 'nothing'"),
        ("{broken}:job", "cannot be imported: SyntaxError"),
    ],
)
def test_wrong_call_is_exit_status_2_and_one_line(tmp_path: Path, target: str, told: str) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def job(:\n")
    done = check(target.format(JOBS=JOBS, broken=broken))
    assert done.returncode == 2
    assert done.stderr.startswith("profiling: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_failed_run_is_exit_status_2_and_shows_where_in_the_users_code() -> None:
    done = check(f"{JOBS}:fails")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(
        r"profiling: .*:fails failed: ValueError: no price\nTraceback .*\n  File \".*known_jobs.py\"", done.stderr
    )


def test_number_of_runs_that_makes_no_sense_is_refused() -> None:
    done = check(f"{JOBS}:steady", "--runs", "0")
    assert done.returncode == 2
    assert "'0' is not a whole number from 1 to 1000" in done.stderr
