"""A forked child finds every lock free, and begins anew what it has to."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from benchmarks import sampler_survival as survival
from profiling import child, forks
from profiling.errors import UnknownJob
from profiling.process import object_walk
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.samples import sampler

pytestmark = [
    pytest.mark.skipif(not child.available(), reason="this platform does not fork"),
    pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning"),
]
needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

TIMEOUT_S = 60.0


def in_fork(function: Callable[[], bool]) -> bool:
    """Return what the function says in a child that is forked as any program forks."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if function() else 2
        finally:
            os._exit(status)
    os.close(writer)
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def free(lock: forks.ForkLock) -> bool:
    """Return whether another thread can take the lock."""
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    return taken.wait(TIMEOUT_S)


def test_lock_that_another_thread_holds_is_free_in_the_child() -> None:
    lock, is_held, may_let_go = forks.ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            may_let_go.wait(TIMEOUT_S)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(TIMEOUT_S)
    threading.Timer(0.05, may_let_go.set).start()  # the fork waits for this
    assert in_fork(lambda: free(lock))
    holder.join()
    assert free(lock)


def test_thread_may_fork_within_its_own_lock() -> None:
    lock = forks.ForkLock()
    with lock, lock:
        assert in_fork(lambda: True)
    assert free(lock)


def test_fork_waits_for_no_lock_while_it_has_one_that_the_holder_waits_for() -> None:
    inner, outer = forks.ForkLock(), forks.ForkLock()  # a fork acquires the inner one first, the thread the outer one
    is_held, is_over = threading.Event(), threading.Event()

    def nest() -> None:
        while not is_over.is_set():
            with outer:
                is_held.set()
                time.sleep(0)  # let the fork begin
                with inner:
                    pass

    holder = threading.Thread(target=nest, daemon=True)
    holder.start()
    assert is_held.wait(TIMEOUT_S)
    assert all(in_fork(lambda: free(inner) and free(outer)) for _ in range(20))
    is_over.set()
    holder.join()


def test_turn_that_a_thread_has_is_free_in_the_child_and_may_be_given_back_there() -> None:
    turn = forks.Turn()
    assert turn.take()
    assert not turn.take()

    def takes() -> bool:
        turn.give_back()  # as a task does that was forked within its turn
        return turn.take() and not turn.take()

    assert in_fork(takes)
    turn.give_back()
    assert turn.take()


def test_objects_are_walked_in_a_child_that_was_forked_during_a_walk() -> None:
    async def walked() -> bool:
        return (await object_walk.walk()).gc_stats.tracked_objects > 0

    assert object_walk._turn.take()
    try:
        assert in_fork(lambda: asyncio.run(walked()))
    finally:
        object_walk._turn.give_back()


def test_what_is_to_begin_anew_does_so_in_order_but_not_to_measure() -> None:
    seen: list[int] = []

    class Part:
        def __init__(self, number: int) -> None:
            self.number = number
            forks.renew_in_children(self)

        def after_fork(self) -> None:
            seen.append(self.number)

    parts = [Part(number) for number in range(3)]
    assert in_fork(lambda: seen == [0, 1, 2])
    assert seen == []
    answer = child.run_in_child(lambda: bytes(seen), what="the test", timeout_s=TIMEOUT_S)
    assert answer.data == b""
    del parts[1]
    assert in_fork(lambda: seen == [0, 2])


@needs_samples
def test_windows_go_on_in_a_forked_child() -> None:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=0.0)) as profiler:
        with profiler.scope("route"):
            pass

        def goes_on() -> bool:
            seen = 0
            for _ in range(1_000):
                with profiler.scope("route"):
                    pass
                profiler.end_windows()
                try:
                    seen = len(profiler.runs("route"))
                except UnknownJob:
                    continue
                if seen >= 3:
                    break
            workers = [thread.name for thread in threading.enumerate() if thread.name == "profiling: windows"]
            return seen >= 3 and len(workers) == 1

        assert in_fork(goes_on)
        assert in_fork(lambda: not profiler.close())  # type: ignore[func-returns-value]


@needs_samples
def test_child_forked_at_a_border_has_windows_of_its_own() -> None:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=3_600.0)) as profiler:
        profiler.end_windows()
        windows = profiler._windows
        assert windows is not None
        assert windows._drawing.take()  # as if the watcher were at a border
        assert windows.turn(lambda _: None) == []

        def turns() -> bool:
            windows._next_s = 0.0
            profiler.end_windows()
            return windows._border is not None and windows._drawing.take()

        assert in_fork(turns)


@needs_samples
def test_child_that_was_forked_in_a_thread_ends_with_this_thread() -> None:
    part = survival.run(
        "import os, threading\n"
        "from profiling import Profiler\n"
        "profiler = Profiler(window_s=3_600.0)\n"
        "profiler.start_watching()\n"
        "def fork():\n"
        "    child = os.fork()\n"
        "    if child:\n"
        "        print(os.waitpid(child, 0)[1])\n"
        "thread = threading.Thread(target=fork)\n"
        "thread.start()\n"
        "thread.join()\n",
        timeout_s=TIMEOUT_S,
    )
    assert (part.status, part.output) == (0, "0\n")


@needs_samples
def test_interpreter_ends_while_the_thread_is_at_work() -> None:
    part = survival.run(
        "from profiling import Profiler\n"
        "profiler = Profiler(window_s=0.0)\n"
        "kept = []\n"
        "for number in range(5_000):\n"
        "    with profiler.scope('route'):\n"
        "        kept.append(bytes(1_000))\n"
        "print('end')\n"
    )
    assert part.status == 0, part.output
    assert part.output.strip() == "end"
