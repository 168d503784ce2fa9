"""Jobs with known answers, for `python -m profiling check`.

Where a line ends with `# <- NAME`, job NAME retains there; TRUTH has the bytes a run where they are known.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import copy
import ctypes
import functools
import json
import logging
import logging.handlers
import random
import threading
from typing import Any, ClassVar

import numpy as np
import pandas as pd

LEAKING: dict[str, int | None] = {
    "child_task": 120_033,
    "worker_thread": 90_033,
    "task_group": 100_066,
    "deep_copy": None,
    "parsed": None,
    "under_churn": 40_033,
    "small_strings": None,
    "unbounded_memo": 60_033,
    "default_argument": 80_033,
    "class_registry": 50_057,
    "closures": 70_033,
    "kept_errors": None,
    "kept_generator": 64_057,
    "pending_futures": None,
    "kept_array": 400_000,
    "view_of_array": 800_000,
    "kept_frame": None,
    "log_buffer": None,
    "backlog": 100_033,
    "bytes_joined": 200_033,
    "context_values": 30_033,
    "beside_a_cache": 40_033,
    "grows_from_the_fourth_run": 90_033,
}
STABLE = (
    "steady",
    "warm_cache",
    "sawtooth",
    "evicting_cache",
    "bounded_deque",
    "replaced_frame",
    "step_once",
    "churn",
    "cycles",
    "random_cache",
    "threads_come_and_go",
)
NATIVE: dict[str, int | None] = {"native_pages": 300_000, "native_small": 256_000}

kept: list[Any] = []
cache: dict[Any, Any] = {}
lru: collections.OrderedDict[int, bytes] = collections.OrderedDict()
recent: collections.deque[bytes] = collections.deque(maxlen=20)
queue: asyncio.Queue[bytes] | None = None
memory_handler = logging.handlers.MemoryHandler(capacity=1_000_000, flushLevel=100)
template = {"rows": [{"symbol": f"S{i}", "bid": i * 0.5, "tags": ["a", "b"]} for i in range(300)]}
text = json.dumps(template)
runs = 0
rng = random.Random(5)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]


def steady() -> int:
    return sum(range(1_000))


async def child_task() -> None:
    async def child() -> None:
        kept.append(bytes(120_000))  # <- child_task

    await asyncio.create_task(child())


async def worker_thread() -> None:
    await asyncio.to_thread(lambda: kept.append(bytes(90_000)))  # <- worker_thread


async def task_group() -> None:
    async def child() -> None:
        await asyncio.sleep(0)
        kept.append(bytes(50_000))  # <- task_group

    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        group.create_task(child())


def deep_copy() -> None:
    kept.append(copy.deepcopy(template))  # <- deep_copy


def parsed() -> None:
    kept.append(json.loads(text))  # <- parsed


def under_churn() -> None:
    churned = [bytes(1_000) for _ in range(20_000)]
    kept.append(bytes(40_000))  # <- under_churn
    del churned


def small_strings() -> None:
    kept.extend(f"symbol {number}" for number in range(1_000))  # <- small_strings


@functools.cache
def remembered(key: int) -> bytes:
    return bytes(60_000)  # <- unbounded_memo


def unbounded_memo() -> None:
    global runs
    runs += 1
    remembered(runs)


def default_argument(seen: list[bytes] = []) -> None:  # noqa: B006 - the mistake is the point
    seen.append(bytes(80_000))  # <- default_argument


class Handler:
    registry: ClassVar[list[Handler]] = []

    def __init__(self) -> None:
        self.buffer = bytearray(50_000)  # <- class_registry
        self.registry.append(self)


def class_registry() -> None:
    Handler()


def closures() -> None:
    payload = bytes(70_000)  # <- closures
    kept.append(lambda: payload)


def kept_errors() -> None:
    try:
        rows = [f"row {number}" * 20 for number in range(1_000)]  # <- kept_errors
        raise ValueError(len(rows))  # noqa: TRY301
    except ValueError as error:
        kept.append(error)


def kept_generator() -> None:
    def numbers() -> Any:
        state = bytearray(64_000)  # <- kept_generator
        while True:
            yield len(state)

    generator = numbers()
    next(generator)
    kept.append(generator)


async def pending_futures() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(500):
        kept.append(loop.create_future())  # noqa: PERF401  # <- pending_futures


def kept_array() -> None:
    kept.append(np.ones(50_000))  # <- kept_array


def view_of_array() -> None:
    prices = np.zeros((1_000, 100)) + 1.0  # <- view_of_array
    kept.append(prices[:1])


def kept_frame() -> None:
    frame = pd.DataFrame({"price": np.arange(20_000, dtype=float), "size": np.arange(20_000)})
    kept.append(frame.groupby(frame.index % 5_000).sum())  # <- kept_frame


def log_buffer() -> None:
    for number in range(300):
        memory_handler.emit(logging.makeLogRecord({"msg": f"tick {number}", "levelno": 20}))  # <- log_buffer


async def backlog() -> None:
    global queue
    queue = queue or asyncio.Queue()
    for _ in range(3):
        await queue.put(bytes(50_000))  # <- backlog
    queue.get_nowait()


def bytes_joined() -> None:
    kept.append(b"".join([b"0123456789" * 100] * 200))  # <- bytes_joined


def context_values() -> None:
    variable = contextvars.ContextVar[bytes]("request")
    context = contextvars.copy_context()
    context.run(variable.set, bytes(30_000))  # <- context_values
    kept.append(context)


def beside_a_cache() -> None:
    for key in range(len(cache), min(len(cache) + 20, 120)):
        cache[key] = bytes(2_000)
    kept.append(bytes(40_000))  # <- beside_a_cache


def grows_from_the_fourth_run() -> None:
    global runs
    runs += 1
    if runs > 5:
        kept.append(bytes(90_000))  # <- grows_from_the_fourth_run


def warm_cache() -> None:
    for key in range(len(cache), min(len(cache) + 20, 120)):
        cache[key] = bytes(10_000)


def sawtooth() -> None:
    global runs
    runs += 1
    kept.append(bytes(200_000))
    if runs % 4 == 0:
        kept.clear()


def evicting_cache() -> None:
    global runs
    for _ in range(10):
        runs += 1
        lru[runs] = bytes(5_000)
        if len(lru) > 50:
            lru.popitem(last=False)


def bounded_deque() -> None:
    for _ in range(5):
        recent.append(bytes(30_000))


def replaced_frame() -> None:
    cache["latest"] = pd.DataFrame({"price": np.arange(50_000, dtype=float)}).rolling(5).mean()


def step_once() -> None:
    global runs
    runs += 1
    if runs == 7:
        kept.append(bytes(3_000_000))


def churn() -> None:
    rows = [{"symbol": str(number), "price": number * 1.5} for number in range(20_000)]
    rows.sort(key=lambda row: -float(str(row["price"])))


def cycles() -> None:
    for _ in range(500):
        node: dict[str, Any] = {"payload": bytes(1_000)}
        node["self"] = node


def random_cache() -> None:
    for _ in range(30):
        cache[rng.randrange(60)] = bytes(rng.randrange(1_000, 20_000))


def threads_come_and_go() -> None:
    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def native_pages() -> None:
    ctypes.memset(libc.malloc(300_000), 1, 300_000)


def native_small() -> None:
    for _ in range(1_000):
        ctypes.memset(libc.malloc(240), 1, 240)


def fails() -> None:
    raise ValueError("no price")
