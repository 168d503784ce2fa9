"""The recorder of the past, with its clock and its figures given by hand, and its file."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from profiling import Level, Profiler
from profiling.past import state_file
from profiling.past.recorder import PARTS_EVERY_S, SAVED_EVERY_S, Past, wall_clock
from profiling.past.state_file import StateFile, dumps, loads
from profiling.records import MemoryLimit, MemoryUsage
from profiling.records.timeline import Parts, Span
from profiling.samples import sampler

MB = 1 << 20
BEGIN_S = 1_800_000_000.0


@dataclass
class Process:
    """A process whose memory a test says, and the recorders that it has had."""

    now_s: float = BEGIN_S
    rss_bytes: int = 100 * MB
    asked: list[float] = field(default_factory=list)  # when its parts were asked for
    made: list[Past] = field(default_factory=list)

    def past(self, folder: Path | None = None) -> Past:
        limit = MemoryLimit(limit_bytes=512 * MB, source="setting")
        self.made.append(
            Past(
                lambda: MemoryUsage(rss_bytes=self.rss_bytes, vms_bytes=0, limit=limit),
                folder,
                clock=lambda: self.now_s,
                parts=self.parts,
                held=lambda: {"job": 3 * MB},
            )
        )
        return self.made[-1]

    def parts(self) -> Parts:
        self.asked.append(self.now_s - BEGIN_S)
        return Parts(python_bytes=40 * MB, c_heap_bytes=20 * MB, free_bytes=None)

    def tick(self, past: Past, times: int = 1) -> None:
        for _ in range(times):
            past.tick()
            self.now_s += 1


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    for past in made.made:
        past.close()


def test_timeline_has_a_list_for_each_figure(process: Process) -> None:
    past = process.past()
    process.tick(past, 2)
    process.rss_bytes = 400 * MB
    process.tick(past)
    told = past.timeline(Span.TEN_MINUTES)
    assert told.at_s == [BEGIN_S, BEGIN_S + 1, BEGIN_S + 2]
    assert told.rss_bytes == told.peak_bytes == [100 * MB, 100 * MB, 400 * MB]
    assert (told.python_bytes, told.free_bytes) == ([40 * MB] * 3, [None] * 3)
    assert told.held == {"job": [3 * MB] * 3}
    assert [event.state for event in told.events] == ["warning"]
    assert past.timeline(Span.WEEK).rss_bytes == [200 * MB]


def test_parts_are_read_every_ten_seconds(process: Process) -> None:
    process.tick(process.past(), 25)
    assert process.asked == [0, PARTS_EVERY_S, 2 * PARTS_EVERY_S]


def test_what_is_older_than_the_span_is_left_out(process: Process) -> None:
    past = process.past()
    process.tick(past, 5)
    process.now_s += 3_600
    process.rss_bytes = 450 * MB
    process.tick(past)
    assert len(past.timeline(Span.TEN_MINUTES).at_s) == 1
    assert len(past.timeline(Span.TWO_HOURS).at_s) == 2
    process.now_s += 3_600
    assert past.timeline(Span.TEN_MINUTES).events == []
    assert len(past.timeline(Span.WEEK).events) == 1


@pytest.mark.parametrize(("closes", "state"), [(True, "closed"), (False, "not_closed")])
def test_past_outlives_the_process(process: Process, tmp_path: Path, closes: bool, state: str) -> None:
    past = process.past(tmp_path / "new")
    process.rss_bytes = 450 * MB
    process.tick(past, round(SAVED_EVERY_S) + 1)
    if closes:
        past.close()
    else:  # as when it is killed
        assert past._file is not None
        past._file.close()
        past._file = None
    process.now_s += 60
    after = process.past(tmp_path / "new")
    process.tick(after)
    told = after.timeline(Span.TEN_MINUTES)
    assert told.at_s[-2:] == [BEGIN_S + SAVED_EVERY_S, BEGIN_S + SAVED_EVERY_S + 61]
    assert told.held["job"][0] == 3 * MB
    assert [(event.kind.value, event.state) for event in told.events][:2] == [
        ("pressure", "critical"),
        ("restart", state),
    ]


def test_event_is_written_at_once(process: Process, tmp_path: Path) -> None:
    past, file = process.past(tmp_path), tmp_path / "timeline-0.bin"
    process.tick(past, 2)
    assert not file.exists()
    process.rss_bytes = 450 * MB
    process.tick(past)
    written = file.read_bytes()
    assert [event.state for event in loads(written).events] == ["critical"]
    process.tick(past, round(SAVED_EVERY_S) - 1)
    assert file.read_bytes() == written
    process.tick(past)
    assert loads(file.read_bytes()).saved_s == loads(written).saved_s + SAVED_EVERY_S


def test_processes_at_once_have_files_of_their_own(process: Process, tmp_path: Path) -> None:
    one, other = process.past(tmp_path), process.past(tmp_path)
    process.tick(one)
    process.tick(other)
    one.close()
    other.close()
    assert sorted(path.name for path in tmp_path.glob("*.bin")) == ["timeline-0.bin", "timeline-1.bin"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def spoilt(data: bytes) -> Iterator[bytes]:
    yield from (b"", b"{}\n", b"[]\n", b"no JSON\n", b"\xff\xfe\n", data[:-4], data + b"0000", data[:40])
    yield data.replace(b'"version": 1', b'"version": 2')
    yield data.replace(b'"kind": "restart"', b'"kind": "party"')
    yield data.replace(b'"names": [', b'"names": [1, ')
    yield b"0" * (state_file.MAX_BYTES + 1)


def test_bad_file_is_told_and_ignored(process: Process, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):  # the second one has an event of a restart
        past = process.past(tmp_path)
        process.tick(past)
        past.close()
    file = tmp_path / "timeline-0.bin"
    data = file.read_bytes()
    for number, bad in enumerate(spoilt(data), 1):
        assert bad != data
        file.write_bytes(bad)
        with caplog.at_level(logging.WARNING, logger="profiling"):
            past = process.past(tmp_path)
            process.tick(past)
        assert len(past.timeline(Span.TEN_MINUTES).at_s) == 1
        assert len(caplog.records) == number, bad[:60]
        assert caplog.records[-1].getMessage().startswith(f"the past in {file} is ignored: ")
        past.close()
    assert loads(file.read_bytes()).is_closed


def test_folder_that_cannot_be_used_is_told_once(
    process: Process, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING, logger="profiling"):
        past = process.past(tmp_path / "file")
        process.tick(past, 40)
    assert [record.getMessage()[:36] for record in caplog.records] == ["the past is not kept over restarts: "]
    assert len(past.timeline(Span.TEN_MINUTES).at_s) == 40


def test_file_is_replaced_as_a_whole(process: Process, tmp_path: Path) -> None:
    past = process.past(tmp_path)
    process.tick(past, round(SAVED_EVERY_S) + 1)
    file = StateFile(tmp_path / "timeline-0.bin", os.open(tmp_path / "other", os.O_CREAT))
    state = file.read()
    assert state is not None
    (tmp_path / "timeline-0.new").write_bytes(b"left by a process that was killed while it wrote")
    file.write(state)
    assert file.path.read_bytes() == dumps(state)
    file.close()


def test_file_of_a_full_past_is_below_its_limit(process: Process, tmp_path: Path) -> None:
    past = process.past(tmp_path)
    for _ in range(2_100):
        past.tick()
        process.now_s += 300
        process.rss_bytes = 900 * MB - process.rss_bytes
    past.close()
    assert (tmp_path / "timeline-0.bin").stat().st_size < state_file.MAX_BYTES / 2


def in_fork(check: Callable[[], bool]) -> bool:
    if (pid := os.fork()) == 0:
        os._exit(0 if check() else 1)
    return os.waitpid(pid, 0)[1] == 0


def test_forked_child_has_a_past_and_a_file_of_its_own(process: Process, tmp_path: Path) -> None:
    past = process.past(tmp_path)
    process.tick(past, 3)

    def check() -> bool:
        process.tick(past)
        past.close()
        return len(past.timeline(Span.TEN_MINUTES).at_s) == 1 and (tmp_path / "timeline-1.bin").exists()

    assert in_fork(check)
    assert not (tmp_path / "timeline-0.bin").exists()
    assert len(past.timeline(Span.TEN_MINUTES).at_s) == 3


def test_clock_is_that_of_the_epoch() -> None:
    clock = wall_clock()
    assert 0 <= clock() - Path("/proc/self").stat().st_mtime < 3_600 * 24


@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
def test_real_figures_of_this_process_add_up() -> None:
    profiler = Profiler(level=Level.SAMPLES, sample_bytes=4_096)
    try:
        recorder = profiler._recorder()
        profiler._start_windows()
        recorder.tick()  # a first reading has the arenas from before
        with profiler.run("keeps"):
            kept = [b"x" * 100_000 for _ in range(200)]
        recorder._parts_due_s = 0.0
        recorder.tick()
        told = profiler.timeline("10m")
        held, python, rss = told.held["keeps"][-1], told.python_bytes[-1], told.rss_bytes[-1]
        assert held is not None
        assert python is not None
        assert rss is not None
        assert 0.8 * 20 * MB < held < 1.2 * 20 * MB
        assert held < python
        assert len(kept) == 200
    finally:
        profiler.close()
