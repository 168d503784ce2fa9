"""A forked child gives its answer, or a clear error, and is never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from profiling import child
from profiling.errors import ChildFailed

pytestmark = pytest.mark.skipif(not child.available(), reason="this platform cannot fork safely")


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def hang() -> bytes:
    signal.pause()
    return b""


def test_answer_is_what_the_child_returned() -> None:
    answer = child.run_in_child(lambda: b"%d" % os.getppid(), what="a test", timeout_s=60)
    assert answer.data == b"%d" % os.getpid()
    assert answer.fork_s > 0


def test_answer_may_be_larger_than_the_pipe() -> None:
    assert child.run_in_child(lambda: bytes(1_000_000), what="a test", timeout_s=60).data == bytes(1_000_000)


def test_empty_answer_is_an_answer() -> None:
    assert child.run_in_child(lambda: b"", what="a test", timeout_s=60).data == b""


def test_child_sees_a_frozen_copy_and_the_parent_not_its_changes() -> None:
    values = [1]

    def change() -> bytes:
        values.append(2)
        return bytes(values)

    assert child.run_in_child(change, what="a test", timeout_s=60).data == bytes([1, 2])
    assert values == [1]


def test_exception_in_the_child_is_child_failed_with_its_status() -> None:
    def fail() -> bytes:
        os.close(2)  # its traceback is of no use to the reader of the test
        raise ValueError

    with pytest.raises(ChildFailed, match="the child process for a test ended with status 1"):
        child.run_in_child(fail, what="a test", timeout_s=60)


def test_killed_child_is_child_failed_with_the_signal() -> None:
    def die() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    with pytest.raises(ChildFailed, match="ended with status -9"):
        child.run_in_child(die, what="a test", timeout_s=60)


def test_child_that_is_not_done_in_time_is_killed_and_reaped() -> None:
    with pytest.raises(ChildFailed, match="did not finish in time"):
        child.run_in_child(hang, what="a test", timeout_s=0.01)
    assert children() == ""


def test_answer_over_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MAX_ANSWER_BYTES", 1_000_000)
    with pytest.raises(ChildFailed, match="more than 0 MB"):
        child.run_in_child(lambda: bytes(2_000_000), what="a test", timeout_s=60)
    assert children() == ""


def test_fork_that_the_system_refuses_is_child_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ChildFailed, match="could not be started: Resource temporarily unavailable"):
        child.run_in_child(lambda: b"", what="a test", timeout_s=60)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


async def test_loop_goes_on_while_the_child_works() -> None:
    go_reader, go_writer = os.pipe()

    def wait_for_parent() -> bytes:
        return os.read(go_reader, 2)

    calling = asyncio.create_task(child.run_in_child_async(wait_for_parent, what="a test", timeout_s=60))
    await asyncio.sleep(0)
    await asyncio.to_thread(os.write, go_writer, b"go")
    assert (await calling).data == b"go"
    os.close(go_reader)
    os.close(go_writer)


async def test_cancelled_call_kills_and_reaps_its_child() -> None:
    calling = asyncio.create_task(child.run_in_child_async(hang, what="a test", timeout_s=60))
    await asyncio.sleep(0)
    before_s = time.monotonic()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert time.monotonic() - before_s < 30
    assert await asyncio.to_thread(children) == ""


async def test_child_that_fails_in_an_async_call_is_child_failed() -> None:
    with pytest.raises(ChildFailed, match="did not finish in time"):
        await child.run_in_child_async(hang, what="a test", timeout_s=0.01)
