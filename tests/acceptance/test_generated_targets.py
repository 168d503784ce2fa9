"""`check` on some two hundred targets: never a traceback of ours, a wrong exit status, or JSON that cannot be read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from profiling.source import PROFILER_FILES
from tests.acceptance.generated_targets import Case, cases, write

pytestmark = pytest.mark.slow

CASES = list(cases())
ROOT = Path(__file__).parents[2]

Result = tuple[int, str, str]  # exit status, stdout, stderr


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    folder = tmp_path_factory.mktemp("targets")
    write(folder)
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.forked_checks"],
        input=json.dumps([case.arguments for case in CASES]),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=170,
        check=True,
    )
    return {case.name: tuple(result) for case, result in zip(CASES, json.loads(done.stdout), strict=True)}


def test_there_are_two_hundred_of_them() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_target_ends_with_its_exit_status_and_nothing_of_ours(case: Case, results: Mapping[str, Result]) -> None:
    status, stdout, stderr = results[case.name]
    assert status == case.status, (stdout, stderr)
    assert PROFILER_FILES not in stderr
    if status == 2:
        assert stdout == ""
        assert re.match(r"profiling: .+\n", stderr)
        assert ("did not end within 1.5 s" in stderr) == case.hangs
    else:
        (job,) = json.loads(stdout)["jobs"]
        assert (job["job"], job["verdict"]) == (case.target, "leaking" if status else "stable")
