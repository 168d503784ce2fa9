"""`python -m profiling run` as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from profiling.samples import sampler

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

KEEPS = """\
import sys

kept = [bytes(100_000) for _ in range(100)]
print(sys.argv[1:])
sys.exit(len(sys.argv))
"""


def run(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "profiling", "run", *words]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=120, check=False)


@needs_samples
@pytest.mark.parametrize("words", [["keeps.py"], ["-m", "keeps"], ["--level", "adaptive", "keeps.py"]])
def test_program_ends_as_by_itself_and_the_line_that_holds_memory_is_printed(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "keeps.py").write_text(KEEPS)
    done = run(*words, "--level", "mine", at=tmp_path)
    assert (done.returncode, done.stdout) == (3, "['--level', 'mine']\n")
    assert "keeps.py:3" in done.stderr
    assert "kept = [bytes(100_000) for _ in range(100)]" in done.stderr


@needs_samples
def test_debug_routes_are_served_while_the_program_runs(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(
        "import socket\n"
        "asks = socket.socket(socket.AF_UNIX)\n"
        "asks.connect('debug.sock')\n"
        "asks.sendall(b'GET /debug/scopes HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n"
        "print(asks.makefile('rb').readline().decode().strip())\n"
    )
    done = run("--serve", "unix:debug.sock", "asks.py", at=tmp_path)
    assert (done.returncode, done.stdout) == (0, "HTTP/1.1 200 OK\n"), done.stderr
    assert "profiling: the debug routes are served at unix:debug.sock\n" in done.stderr
    assert not (tmp_path / "debug.sock").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.py"], "there is no file missing.py"),
        (["-m", "missing"], "there is no module missing"),
        (["--serve", "nowhere", "keeps.py"], "'nowhere'"),
        ([], "no program is given"),
    ],
)
def test_what_cannot_be_run_is_exit_status_2(words: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "keeps.py").write_text(KEEPS)
    done = run(*words, at=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
