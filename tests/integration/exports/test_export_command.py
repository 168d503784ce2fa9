"""`python -m profiling export`: of a service, of a file and of a function, in each format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiling import Profiler, remote
from profiling.__main__ import main
from profiling.remote import TOKEN_VARIABLE
from profiling.report.pprof_reader import from_pprof
from profiling.serve import DebugServer

LEAK = "kept = []\n\n\ndef leak():\n    kept.append(bytearray(50_000))\n"


def test_service_is_exported_in_each_format_with_the_same_bytes(server: DebugServer, tmp_path: Path) -> None:
    first = tmp_path / "heap.pb.gz"
    assert main(["export", f"http://{server.address}", "-o", str(first)]) == 0
    rows = from_pprof(first.read_bytes()).rows
    total = sum(round(row.live_bytes) for row in rows if row.live_bytes > 0)
    assert total > 4_000_000
    folded, scope = tmp_path / "heap.txt", tmp_path / "heap.json"
    assert main(["export", str(first), "--format", "collapsed", "-o", str(folded)]) == 0
    lines = folded.read_text().splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == total
    assert any(line.startswith("sync;") and "leaking.blocks" in line for line in lines)
    assert main(["export", str(first), "--format", "speedscope", "-o", str(scope)]) == 0
    document = json.loads(scope.read_text())
    live, allocated = document["profiles"]
    assert (live["endValue"], sum(live["weights"]), live["name"]) == (total, total, "inuse_space")
    assert allocated["name"] == "alloc_space"
    frames = document["shared"]["frames"]
    assert all(0 <= number < len(frames) for sample in live["samples"] for number in sample)


def test_token_comes_from_the_environment(
    profiler: Profiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with DebugServer(profiler, "127.0.0.1:0", token="t0ken") as server:
        command = ["export", f"http://{server.address}/debug/", "-o", str(tmp_path / "heap.pb.gz")]
        monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        assert main(command) == 2
        assert "the service answered with 403: " in capsys.readouterr().err
        monkeypatch.setenv(TOKEN_VARIABLE, "t0ken")
        assert main(command) == 0


def test_function_is_run_and_its_line_is_told(tmp_path: Path, profiler: Profiler) -> None:
    profiler.close()
    (tmp_path / "jobs.py").write_text(LEAK)
    assert main(["export", f"{tmp_path / 'jobs.py'}:leak", "--format", "collapsed", "-o", str(tmp_path / "out")]) == 0
    (largest, *_) = sorted((tmp_path / "out").read_text().splitlines(), key=lambda line: -int(line.split()[-1]))
    assert ".leak:5 " in largest
    assert 0.9 < int(largest.split()[-1]) / (12 * 50_000) < 1.1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("http://user:password@localhost/", "no password"),
        ("http://localhost/debug?token=t0ken", "no query"),
        ("http://127.0.0.1:9/", "the service cannot be reached: http://127.0.0.1:9/debug: Connection refused"),
        ("missing.pb.gz", "missing.pb.gz cannot be read: No such file"),
        ("missing.py:leak", "missing.py"),
        ("nowhere", "'nowhere' is none of these: address of a service (http://localhost:8080), profile (heap.pb.gz), "),
        ("ftp://host/file.py:leak", "is none of these: "),
    ],
)
@pytest.mark.parametrize("command", ["export", "report"])
def test_wrong_source_is_told(command: str, source: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, source]) == 2
    assert message in capsys.readouterr().err


def test_file_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "jobs.py").write_text(LEAK)
    nowhere = tmp_path / "none" / "out"
    assert main(["export", f"{tmp_path / 'jobs.py'}:leak", "--runs", "1", "-o", str(nowhere)]) == 2
    assert f"profiling: {nowhere} cannot be written: No such file" in capsys.readouterr().err


def test_refusal_is_told_by_its_detail() -> None:
    assert remote._detail(b'{"status": 403, "detail": "not without a token"}') == "not without a token"
    assert remote._detail(b"<p>no") == "<p>no"


def test_file_that_is_no_profile_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.pb.gz").write_bytes(b"nothing")
    assert main(["export", str(tmp_path / "a.pb.gz")]) == 2
    assert "no profile of pprof" in capsys.readouterr().err
