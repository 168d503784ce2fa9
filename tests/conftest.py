"""What holds for every test: it leaves nothing behind, blocks nothing, and hides no error."""

from __future__ import annotations

import asyncio
import gc
import inspect
import math
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import asyncpg.connect_utils
import hypothesis
import pytest
import pytest_asyncio
from blockbuster import BlockBuster, blockbuster_ctx

from profiling import judging, watcher
from profiling.process import cgroup, full_collections, usage

pytest_plugins = ["tests.postgres", "pytester"]

# These machines are noisy: how long one example takes, or ten take to be made, says nothing. And a change is not to
# fail by an example that it has nothing to do with, so each run has the same ones. To look for others:
# python -m pytest --hypothesis-profile=search
hypothesis.settings.register_profile(
    "volaris", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "search", hypothesis.settings.get_profile("volaris"), derandomize=False, max_examples=1_000
)
hypothesis.settings.load_profile("volaris")

ENDING_S = 30.0

ALLOWED_TO_BLOCK: dict[ModuleType, tuple[str, ...]] = {
    # Files below /proc and /sys are answered by the kernel from memory: they do not wait for a device.
    usage: ("io.BufferedReader.read", "io.TextIOWrapper.read", "os.read"),
    cgroup: ("io.BufferedReader.read", "io.TextIOWrapper.read", "os.read", "os.stat"),
    # A profiler that is closed waits for the thread of its windows, which is told to end and does so at once.
    watcher: ("threading.Lock.acquire",),
    # One look for a password file when a connection is made, which has no other way in the driver.
    asyncpg.connect_utils: ("os.stat",),
}


def pytest_collection_finish() -> None:
    """Let the collector pass over what is there for good: after each async test it would take 80 ms for it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tracing is off and no thread is left, before and after; async tests get the guards of the loop too."""
    assert not tracemalloc.is_tracing(), "an earlier test left tracemalloc on"
    threads_before = set(threading.enumerate())
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("loop_is_clean")
    yield
    assert not tracemalloc.is_tracing(), "the test left tracemalloc on"
    # The loop's own executor ends with the loop, which is after this.
    left = {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")} - threads_before
    for thread in left:
        # Told to end when its loop did, which takes a moment; asgiref joins its own threads in another one.
        if thread.name.startswith("AnyIO worker") or thread.name.endswith("(join)"):
            thread.join(ENDING_S)
    left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads left: {left}"


@pytest.fixture(autouse=True)
def verdicts_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement and a collection may take as long as they take: the heap of many tests is no service's."""
    monkeypatch.setattr(judging, "MAX_SHARE", 1.0)
    monkeypatch.setattr(full_collections, "MAX_PIECE_S", math.inf)


@pytest_asyncio.fixture
async def loop_is_clean() -> AsyncIterator[None]:
    """The loop's exception handler is never called, no task is left, and no call blocks the loop."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    before = asyncio.all_tasks()
    with blockbuster_ctx() as blockbuster:
        allow(blockbuster)
        yield
    gc.collect()  # an error that nobody fetched is told of when its task is collected
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    left.discard(asyncio.current_task())
    assert not left, f"tasks left: {[task.get_name() for task in left]}"
    assert not complaints, f"the loop's exception handler was called: {complaints}"


def allow(blockbuster: BlockBuster) -> None:
    """Let the functions of the modules above make the calls that are listed for them."""
    for module, calls in ALLOWED_TO_BLOCK.items():
        functions = {name for name, value in vars(module).items() if inspect.isfunction(value)}
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                functions |= {name for name, value in vars(kind).items() if inspect.isfunction(value)}
        for call in calls:
            blockbuster.functions[call].can_block_in(str(module.__file__), functions)
