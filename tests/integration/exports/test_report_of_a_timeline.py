"""`python -m profiling report DIR`: what is left in the folder of PROFILING_STATE_DIR of a process that was killed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiling.__main__ import main
from profiling.past.state_file import State, dumps, loads
from profiling.records.timeline import Span
from profiling.samples import sampler
from tests.integration.exports.test_report_command import answers_of, sentence_of

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

PROGRAM = """
import sys, time
from pathlib import Path
from profiling import Profiler

profiler = Profiler(level="samples", sample_bytes=4_096, limit_mb=4_096, collect=True, state_dir=Path(sys.argv[1]))
profiler.start_watching()
file, kept = Path(sys.argv[1]) / "timeline-0.bin", []
while not (file.exists() and b'"leaking"' in file.read_bytes()):
    with profiler.run("collect"):
        kept.append(bytes(100_000))
    time.sleep(0.01)
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """The folder of a leaking process that still runs, and the process."""
    folder = tmp_path_factory.mktemp("state")
    program = tmp_path_factory.mktemp("app") / "jobs.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        try:
            yield folder, process
        finally:
            process.kill()


def report_of(source: Path, tmp_path: Path) -> str:
    report = tmp_path / "report.html"
    assert main(["report", str(source), "-o", str(report)]) == 0
    return report.read_text()


def test_living_process_is_reported_and_so_is_the_killed_one(
    service: tuple[Path, subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder, process = service
    html = report_of(folder, tmp_path)
    assert "The process had not closed its profiler: it still runs, or was killed." in sentence_of(html)
    process.kill()
    process.wait()
    html = report_of(folder, tmp_path)
    told = re.fullmatch(
        r"[\d,]+ of 4,096 MB when last seen at [-\d]+ [:\d]+ UTC\. The process had not closed its profiler.*\. "
        r"collect \(leaks\): [\d.]+ KiB per run stay alive, .*; most at /\S+/jobs\.py:11\.",
        sentence_of(html),
    )
    assert told
    assert re.search(r'data-name="collect".*> leaks</span>', html)
    answers = answers_of(html)
    timelines = [answers[f"timeline?span={span}"] for span in Span]
    assert all(timeline["at"] and timeline["rss_bytes"][-1] > 1_000_000 for timeline in timelines)
    assert [event["state"] for event in timelines[0]["events"] if event["kind"] == "verdict"][-1] == "leaking"


def test_newest_file_is_taken_unless_one_is_named(
    service: tuple[Path, subprocess.Popen[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stored = loads((service[0] / "timeline-0.bin").read_bytes())
    later = State(
        saved_s=stored.saved_s + 10, is_closed=True, names=stored.names, rows=stored.rows, events=stored.events
    )
    (tmp_path / "timeline-0.bin").write_bytes(dumps(later))
    shutil.copy(service[0] / "timeline-0.bin", tmp_path / "timeline-1.bin")
    (tmp_path / "timeline-2.bin").write_bytes(b"cut o")
    html = report_of(tmp_path, tmp_path)
    assert "had closed its profiler" in sentence_of(html)
    assert caplog.messages == [f"profiling: {tmp_path}/timeline-2.bin cannot be read: it is no stored timeline"]
    assert "had not closed its profiler" in sentence_of(report_of(tmp_path / "timeline-1.bin", tmp_path))


def test_export_says_that_a_timeline_has_no_stacks(
    service: tuple[Path, subprocess.Popen[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(service[0])]) == 2
    assert "has the memory over time, and no stacks; `report` shows it\n" in capsys.readouterr().err


def test_folder_or_file_that_tells_nothing_is_refused_in_one_line(
    service: tuple[Path, subprocess.Popen[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = loads((service[0] / "timeline-0.bin").read_bytes())
    empty = State(
        saved_s=stored.saved_s,
        is_closed=False,
        names=stored.names,
        rows={span: stored.rows[span][:0] for span in Span},
        events=(),
    )
    none = tmp_path / "none"
    none.mkdir()
    missing = none / "timeline-1.bin"
    assert main(["report", str(missing)]) == 2
    assert capsys.readouterr().err == f"profiling: {missing} cannot be read: No such file or directory\n"
    for data, message in (
        (None, f"{none} has no timeline-N.bin, which a process with PROFILING_STATE_DIR writes"),
        (b"[]\n", f"{none}/timeline-0.bin cannot be read: it is no stored timeline"),
        (dumps(stored)[:-4], f"{none}/timeline-0.bin cannot be read: its checksum is wrong"),
        (dumps(empty), f"{none} cannot be read: it has no reading yet"),
    ):
        if data is not None:
            (none / "timeline-0.bin").write_bytes(data)
        assert main(["report", str(none)]) == 2
        assert capsys.readouterr().err == f"profiling: {message}\n"
