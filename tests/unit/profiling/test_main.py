"""The command in this process: what it prints, and its exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from profiling.__main__ import main
from profiling.check.command import exit_status
from profiling.records import State
from profiling.samples import sampler
from profiling.traces.aggregation import innermost
from profiling.trial import USUAL_RUNS

JOBS = """
import copy
import functools
import json
import sys

kept = []
template = [{"bid": [0.5], "ask": [0.7]} for _ in range(400)]


def leaks():
    kept.append(bytes(50_000))


def leaks_in_a_library():
    kept.append(copy.deepcopy(template))


def keeps_what_it_parses():
    text = json.dumps([{"id": n, "name": f"customer {n}", "tags": ["a", "b"]} for n in range(80)])
    kept.append(json.loads(text))


async def steady():
    return None


def fails():
    raise ValueError("no price")


def exits():
    sys.exit()


async def exits_in_the_loop():
    raise SystemExit(3)


fails_in_a_library = functools.partial(json.loads, "{")


def is_interrupted():
    raise KeyboardInterrupt


number = 5
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "path", sys.path[:])
    path = tmp_path / "some_jobs.py"
    path.write_text(JOBS)
    return str(path)


def line_of(text: str) -> int:
    return [line.strip() for line in JOBS.splitlines()].index(text) + 1


def test_leak_is_told_as_text_with_its_line_and_is_exit_status_1(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:leaks", "--level", "lines"]) == 1
    told = capsys.readouterr().out
    # 80 runs, or as many as fit into 20 s
    assert re.match(rf"{re.escape(jobs)}:leaks: leaking after [4-8]\d runs at level lines\n", told)
    assert f"48.9 KiB per run  some_jobs.py:{line_of('kept.append(bytes(50_000))')} leaks\n" in told
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize(
    ("is_built", "level"), [(True, "lines"), pytest.param(False, "stacks", marks=pytest.mark.slow)]
)
def test_leak_inside_a_library_is_put_down_to_the_users_line_with_the_stack_beside_it(
    jobs: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_built: bool, level: str
) -> None:
    if not is_built:  # else samples beside the exact lines know the callers
        monkeypatch.setattr(sampler, "unavailable_reason", lambda: "it is not built")
    assert main(["check", f"{jobs}:leaks_in_a_library", "--level", "lines", "--runs", "14", "--json"]) == 1
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert (job["verdict"], job["level"]) == ("leaking", level)
    (suspect,) = job["suspects"]
    assert suspect["site"] == {"file": jobs, "line": line_of("kept.append(copy.deepcopy(template))")}
    assert suspect["function"] == "leaks_in_a_library"
    assert suspect["stack"][0].startswith("copy.py:" if is_built else "some_jobs.py:")
    assert abs(job["bytes_per_run"] - suspect["bytes_per_run"]) < 0.1 * job["bytes_per_run"]


def test_line_that_keeps_is_told_before_one_that_only_feeds_its_free_lists(
    jobs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The dicts and lists of the document are dumped, freed, and handed on to the document that is loaded."""
    assert main(["check", f"{jobs}:keeps_what_it_parses", "--json"]) == 1
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert job["verdict"] == "leaking"
    assert job["suspects"][0]["site"]["line"] == line_of("kept.append(json.loads(text))")


def test_steady_job_is_exit_status_0_and_not_blamed_for_the_one_beside_it(
    jobs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", f"{jobs}:steady", "--level", "stacks"]) == 0
    capsys.readouterr()
    assert main(["check", f"{jobs}:steady", "--with", f"{jobs}:leaks", "--json"]) == 1
    told = {job["job"]: job["verdict"] for job in json.loads(capsys.readouterr().out)["jobs"]}
    assert told == {f"{jobs}:steady": "stable", f"{jobs}:leaks": "leaking"}


def test_too_few_runs_are_no_success(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:steady", "--runs", "2"]) == 1
    assert "insufficient_runs after 2 runs" in capsys.readouterr().out


def test_function_that_keeps_nothing_is_done_soon(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:steady", "--json"]) == 0
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert job["verdict"] == "stable"
    assert 12 <= job["runs"] <= 40  # by half a second


@pytest.mark.parametrize(
    ("options", "runs"), [((), 80), (("--max-runs", "30"), 30), (("--runs", "13"), 13), (("--runs", "12"), 12)]
)
def test_leak_is_watched_for_80_runs_or_as_many_as_were_asked_for(
    jobs: str, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], runs: int
) -> None:
    assert main(["check", f"{jobs}:leaks", "--json", *options]) == 1
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert (job["verdict"], job["native_bytes_per_run"]) == ("leaking", None)
    assert min(runs, USUAL_RUNS) <= job["runs"] <= runs  # after 40, twenty seconds are enough


def test_no_run_begins_after_the_seconds_that_were_asked_for(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:leaks", "--max-seconds", "1e-9"]) == 1
    assert "insufficient_runs after 1 run at level" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("states", "strict", "status"),
    [
        ([State.STABLE], True, 0),
        ([State.STABLE, State.GROWING], False, 0),
        ([State.STABLE, State.GROWING], True, 1),
        ([State.LEAKING, State.STABLE], False, 1),
        ([State.NATIVE_GROWTH], False, 1),
        ([State.INSUFFICIENT_RUNS], False, 1),
    ],
)
def test_exit_status_is_that_of_the_worst_job(states: list[State], strict: bool, status: int) -> None:
    assert exit_status(states, strict=strict) == status


def test_help_tells_states_limits_and_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["check", "--help"])
    told = capsys.readouterr().out
    assert all(f"  {state.value}" in told for state in State)
    assert "(default: 100)" in told
    assert "(default: 60)" in told
    assert told.index("exit status:") > told.index("--json")


@pytest.mark.parametrize("seconds", ["0", "-1", "86401", "long"])
def test_number_of_seconds_that_makes_no_sense_is_refused(
    jobs: str, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["check", f"{jobs}:steady", "--max-seconds", seconds])
    assert f"'{seconds}' is not a number of seconds above 0 and up to 86400" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("job", "'job' is not of the form FILE.py:FUNCTION"),
        ("{jobs}:not a name", "is not of the form FILE.py:FUNCTION"),
        ("nothing.py:job", "does not exist"),
        ("{jobs}:nothing", "has no function 'nothing'"),
        ("{jobs}:number", "some_jobs.py:number is not callable: number is of type int"),
        ("{broken}:job", "cannot be imported: SyntaxError"),
    ],
)
def test_wrong_call_is_exit_status_2_and_one_line(
    jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, told: str
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def job(:\n")
    assert main(["check", target.format(jobs=jobs, broken=broken)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("profiling: ")
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "told", "line"),
    [
        ("fails", "failed: ValueError: no price", 'raise ValueError("no price")'),
        ("exits", "failed: SystemExit", "sys.exit()"),
        ("exits_in_the_loop", "failed: SystemExit: 3", "raise SystemExit(3)"),
    ],
)
def test_failed_run_is_exit_status_2_with_the_traceback_from_the_users_frame_on(
    jobs: str, capsys: pytest.CaptureFixture[str], name: str, told: str, line: str
) -> None:
    assert main(["check", f"{jobs}:{name}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'profiling: {jobs}:{name} {told}\nTraceback (most recent call last):\n  File "{jobs}"')
    assert f"line {line_of(line)}, in {name}\n" in error
    assert "calls.py" not in error


def test_failure_in_a_library_has_no_traceback(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:fails_in_a_library"]) == 2
    assert re.fullmatch(r"profiling: .* failed: JSONDecodeError: .*\n", capsys.readouterr().err)


def test_file_that_exits_is_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "leaves_at_once.py"
    path.write_text('import sys\n\nsys.exit("bye")\n')
    assert main(["check", f"{path}:job"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"profiling: {path} cannot be imported: SystemExit: bye\n")
    assert f'File "{path}", line 3' in error


def test_interrupt_is_told_in_a_line(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{jobs}:is_interrupted"]) == 130
    assert capsys.readouterr().err == "profiling: interrupted\n"


@pytest.mark.parametrize("runs", ["0", "1001", "many"])
def test_number_of_runs_that_makes_no_sense_is_refused(
    jobs: str, capsys: pytest.CaptureFixture[str], runs: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["check", f"{jobs}:steady", "--runs", runs])
    assert f"'{runs}' is not a whole number from 1 to 1000" in capsys.readouterr().err


LEAK_OF_10_KB = """\
kept = []


def job():
    kept.append(["x" * 100 + str(number) for number in range(66)])
"""


def test_where_tracemalloc_is_on_from_the_start_lines_stand_in_for_samples(tmp_path: Path) -> None:
    (tmp_path / "leak_of_10_kb.py").write_text(LEAK_OF_10_KB)
    command = [sys.executable, "-m", "profiling", "check", "leak_of_10_kb.py:job", "--json", "--runs", "12"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONTRACEMALLOC": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (job,) = json.loads(done.stdout)["jobs"]
    assert (job["verdict"], job["level"], job["suspects"][0]["site"]["line"]) == ("leaking", "lines", 5)
    assert (
        "runs were measured at level lines instead of samples, because tracemalloc is already on (by PYTHONTRACEMALLOC"
        in job["degraded"]
    )
    samples = subprocess.run(
        [*command, "--level", "samples"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONTRACEMALLOC": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (samples.returncode, samples.stdout) == (2, "")
    assert samples.stderr.startswith("profiling: level samples is not available: tracemalloc is already on")


def test_innermost_line_is_the_first_frame() -> None:
    assert innermost((("a.py", 1), ("b.py", 2))) == ("a.py", 1)
