"""The real `go tool pprof` reads a live service, and tells the same as our own report."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from profiling import Profiler
from profiling.report.pprof import module_of
from profiling.report.pprof_reader import from_pprof
from profiling.serve import DebugServer
from tests.integration.exports import leaking

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="no `go` on the path: apt-get install golang-go")
Pprof = Callable[..., str]
LINE = re.compile(r"^ *(\d+)B +\S+% +\S+% +\d+B +\S+%  (\S+) (\S+):(\d+)$", re.MULTILINE)


@pytest.fixture
def pprof(server: DebugServer, tmp_path: Path) -> Pprof:
    def run(*arguments: str, path: str = "heap") -> str:
        source = arguments if path == "" else (*arguments, f"http://{server.address}/debug/pprof/{path}")
        environment = os.environ | {"PPROF_TMPDIR": str(tmp_path), "HOME": str(tmp_path), "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            ["go", "tool", "pprof", *source],
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
            env=environment,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def top(output: str) -> dict[tuple[str, str | None, int | None], int]:
    """The functions, files and lines of `-top -lines -unit=B`, and the bytes of each."""
    return {(function, file, int(line)): int(size) for size, function, file, line in LINE.findall(output)}


def test_top_names_the_same_five_lines_with_the_same_bytes_as_our_report(profiler: Profiler, pprof: Pprof) -> None:
    told = top(pprof("-top", "-lines", "-unit=B", "-nodecount=5"))
    sites = profiler.live(limit=5).sites
    ours = {(f"{module_of(site.path or '')}.{site.function}", site.path, site.line): site.size_bytes for site in sites}
    assert len(told) == 5
    assert list(told)[:3] == list(ours)[:3]
    assert told.keys() == ours.keys()
    # What the request itself allocates is alive in one of them and not in the other.
    assert all(abs(told[site] - size_bytes) <= max(0.01 * size_bytes, 20_000) for site, size_bytes in ours.items())


def test_traces_have_the_stack_and_the_labels_filter(pprof: Pprof) -> None:
    traces = pprof("-traces", "-tagfocus=job=^sync$")
    assert "job:  sync" in traces
    assert "scope:" not in traces
    assert re.search(r"exports\.leaking\.blocks(\.<locals>\.<listcomp>)?\n.*leaking\.leak\n", traces, re.DOTALL)
    of_scope = pprof("-top", "-tagfocus=scope=GET /x")
    assert "leaking.documents" in of_scope
    assert "leaking.blocks" not in of_scope


def test_allocs_show_first_what_was_allocated(pprof: Pprof) -> None:
    assert "Type: alloc_space" in pprof("-top", path="allocs")
    assert "Type: inuse_space" in pprof("-top")


def test_profile_passes_a_round_trip_with_no_loss(pprof: Pprof, tmp_path: Path) -> None:
    first, second = tmp_path / "first.pb.gz", tmp_path / "second.pb.gz"
    pprof("-proto", f"-output={first}")
    pprof("-proto", f"-output={second}", str(first), path="")
    one, other = from_pprof(first.read_bytes()), from_pprof(second.read_bytes())
    assert len(one.rows) > 5
    assert sorted(map(str, one.frames)) == sorted(map(str, other.frames))
    assert sum(row.live_bytes for row in one.rows) == sum(row.live_bytes for row in other.rows) > 4_000_000
    assert one.kinds == other.kinds


def test_two_profiles_are_subtracted(profiler: Profiler, pprof: Pprof, tmp_path: Path) -> None:
    base = tmp_path / "base.pb.gz"
    pprof("-proto", f"-output={base}")
    leaking.leak(profiler, 10)
    told = top(pprof("-top", "-lines", "-unit=B", f"-diff_base={base}"))
    grown = {line: size for (_, file, line), size in told.items() if file == leaking.__file__}
    assert 0.8 * 10 * 20 * 9_000 < max(grown.values()) < 1.2 * 10 * 20 * 9_000


def test_change_in_a_second_is_that_of_the_server(pprof: Pprof) -> None:
    assert "Duration: " in pprof("-top", "-sample_index=alloc_space", path="heap?seconds=1&gc=1")


def test_build_id_is_that_of_the_interpreter(pprof: Pprof) -> None:
    shown = pprof("-raw")
    assert re.search(r"Mappings\n1: 0x0/0x0/0x0 \S*python\S* ([0-9a-f]{8,})? *\[FN\]\[FL\]\[LN\]", shown)
