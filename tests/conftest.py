"""What holds for every test: it leaves nothing behind, blocks nothing, and hides no error."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from blockbuster import blockbuster_ctx

pytest_plugins = ["tests.postgres"]

# Reads of /proc and /sys are answered by the kernel from memory: they do not wait for a device.
KERNEL_FILE_READERS = ("profiling/process.py", "profiling/cgroup.py")


@pytest.fixture(autouse=True)
def leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tracing is off and no thread is left, before and after; async tests get the guards of the loop too."""
    assert not tracemalloc.is_tracing(), "an earlier test left tracemalloc on"
    threads_before = set(threading.enumerate())
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("loop_is_clean")
    yield
    assert not tracemalloc.is_tracing(), "the test left tracemalloc on"
    left = {t for t in threading.enumerate() if t not in threads_before and t.is_alive()}
    assert not {t for t in left if not t.name.startswith("asyncio_")}, f"threads left: {left}"


@pytest_asyncio.fixture
async def loop_is_clean() -> AsyncIterator[None]:
    """The loop's exception handler is never called, no task is left, and no call blocks the loop."""
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    before = asyncio.all_tasks()
    with blockbuster_ctx() as blockbuster:
        for name in ("io.BufferedReader.read", "io.TextIOWrapper.read", "os.read"):
            if name in blockbuster.functions:
                for reader in KERNEL_FILE_READERS:
                    blockbuster.functions[name].can_block_in(reader, functions_of(reader))
        yield
    left = {task for task in asyncio.all_tasks() - before if not task.done()} - {asyncio.current_task()}
    if sys.version_info >= (3, 12):
        gc.collect(0)
    assert not left, f"tasks left: {[task.get_name() for task in left]}"
    assert not complaints, f"the loop's exception handler was called: {complaints}"


def functions_of(path: str) -> set[str]:
    """Names of the functions in a module of this project, for blockbuster's list of who may read."""
    import importlib

    try:
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    except ModuleNotFoundError:
        return set()
    return {name for name, value in vars(module).items() if inspect.isfunction(value)}
