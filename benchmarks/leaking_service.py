"""A FastAPI service of 20 routes, of which one leaks 2 KB per call in one of four ways; the others are ordinary routes.

`LEAK`, `GUILTY` and `WINDOW_S` in the environment choose the way, the number of the route and the length of a window.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fastapi import FastAPI

from profiling import Profiler, judging, windows
from profiling.asgi import DebugApp, ProfilerMiddleware
from profiling.process import full_collections

ROUTES = 20
BLOCK_BYTES = 33  # of a bytes object, beside its contents
GUILTY = int(os.environ.get("GUILTY", "0"))
LEAK = os.environ.get("LEAK", "list")

kept: list[bytes] = []
tasks: set[asyncio.Task[None]] = set()
never = threading.Event()
sessions: dict[int, Session] = {}


class Session:
    """What a middleware remembers of one client."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.headers = {f"header {number} {each}": each for each in range(4)}
        self.token = bytes(1_000)


def leak_list(number: int) -> None:
    """Keep 2 KB in a list of the route."""
    kept.append(bytes(2_048 - BLOCK_BYTES))


def leak_task(number: int) -> None:
    """Start a task that waits for what never comes."""
    task = asyncio.create_task(wait_for_ever(bytes(1_000)))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def wait_for_ever(document: bytes) -> None:
    """Wait for what never comes, with a document."""
    await asyncio.get_running_loop().create_future()
    print(document)


def leak_thread(number: int) -> None:
    """Start a thread that stays."""
    threading.Thread(target=stay, args=[bytes(500)], daemon=True).start()


def stay(document: bytes) -> None:
    """Wait for what never comes, with a document."""
    never.wait()
    print(document)


LEAKS: dict[str, Callable[[int], None]] = {
    "list": leak_list,
    "task": leak_task,
    "thread": leak_thread,
    "session": lambda number: None,  # the middleware keeps it
}


@lru_cache(maxsize=500)
def rate(number: int) -> bytes:
    """Return a cached rate."""
    return bytes(300 + number % 7)


recent: OrderedDict[int, bytes] = OrderedDict()
buffer: list[bytes] = []
ring: deque[bytes] = deque(maxlen=200)


def cached(number: int) -> None:
    """Fill a cache to its limit."""
    rate(number % 2_000)


def expires(number: int) -> None:
    """Keep the last 300 sessions."""
    recent[number] = bytes(400)
    if len(recent) > 300:
        recent.popitem(last=False)


def flushes(number: int) -> None:
    """Fill a buffer, and flush it every now and then."""
    buffer.append(bytes(1_000))
    if len(buffer) >= 100:
        buffer.clear()


def cycles(number: int) -> None:
    """Leave garbage for the collector."""
    node: list[Any] = [bytes(500)]
    node.append(node)


def turns(number: int) -> None:
    """Put a row into a ring."""
    ring.append(bytes(700))


def plain(number: int) -> None:
    """Allocate, and keep nothing."""
    [{"row": row, "text": str(row)} for row in range(20)]


INNOCENTS = (cached, expires, flushes, cycles, turns, plain)

# A border costs the same in a second as in five, so shares of the time are as much larger as windows are shorter.
WINDOW_S = float(os.environ.get("WINDOW_S", windows.WINDOW_S))
windows.MAX_SHARE *= windows.WINDOW_S / WINDOW_S
judging.MAX_SHARE *= windows.WINDOW_S / WINDOW_S
full_collections.MAX_GC_TIME_SHARE *= windows.WINDOW_S / WINDOW_S
app = FastAPI()
profiler = Profiler(window_s=WINDOW_S)


def add_route(route: int, work: Callable[[int], None]) -> None:
    """Add the route `/route<number>/{number}` that does this work."""

    @app.get(f"/route{route}/{{number}}")
    async def handle(number: int) -> dict[str, int]:
        work(number)
        return {"number": number}


for route in range(ROUTES):
    add_route(route, LEAKS[LEAK] if route == GUILTY else INNOCENTS[route % len(INNOCENTS)])


class Sessions:
    """A middleware that keeps a session of each client that comes to one route, if the leak is of this kind."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keep a session, and pass the request on."""
        if LEAK == "session" and scope["type"] == "http" and scope["path"].startswith(f"/route{GUILTY}/"):
            number = len(sessions)
            sessions[number] = Session(number)
        await self.app(scope, receive, send)


app.add_middleware(Sessions)
app.mount("/debug", DebugApp(profiler, open_to_all=True))
app.add_middleware(ProfilerMiddleware, profiler=profiler)
