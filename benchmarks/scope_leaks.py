"""Real leaks in a real service: 20 FastAPI routes under uvicorn, of which one leaks some 2 KB per call.

    python -m benchmarks.scope_leaks --trials 5

The service runs in a process of its own, and 300 requests per second come from this one. Windows last one second
instead of five, with the CPU time that a window of five seconds may take, so that the five minutes in which a leak must
be told take one minute: a verdict counts windows.

Prints for each trial the window in which the leak was told, the line, and the innocents that were accused; the exit
status is 1 if a trial failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.servers import server
from profiling.source import functions_and_texts

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "benchmarks" / "leaking_service.py"
ROUTES = 20
REQUESTS_PER_S = 300
WINDOW_S = 1.0
WINDOWS = 60  # within which a leak must be told: five minutes of windows of 5 s
LIMIT_S = 400.0
CONNECTIONS = 4
ASKED_EVERY_S = 2.0

LEAKS = {
    "list": ("leak_list",),
    "task": ("leak_task", "wait_for_ever"),
    "thread": ("leak_thread", "stay"),
    "session": ("Session.__init__", "Sessions.__call__"),
}
"""By kind, the functions whose lines may be told."""
ACCUSATIONS = {"leaking", "native_growth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was told of one service."""

    is_told: bool
    windows: int  # of the route until then
    place: str  # the function and the line of the first suspect
    is_right: bool  # whether the line is in one of the functions that leak
    innocents: Sequence[str]
    seconds: float
    requests_per_s: float
    worst_status: int

    def __str__(self) -> str:
        return (
            f"after {self.windows} windows in {self.seconds:.0f} s, {self.place}; innocents accused: "
            f"{', '.join(self.innocents) or 'none'}; {self.requests_per_s:.0f} requests/s, "
            f"worst status {self.worst_status}"
        )


class Traffic:
    """Requests to all routes in turn, at a steady pace, over some connections that are kept."""

    def __init__(self, port: int) -> None:
        self.answers = 0
        self.worst_status = 0
        self._port = port
        self._began_s = time.monotonic()
        self._next = 0

    @property
    def seconds(self) -> float:
        """Return how long the traffic has lasted."""
        return time.monotonic() - self._began_s

    async def run(self) -> None:
        """Send requests until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._connection())

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with closing(writer):
            while True:
                number, self._next = self._next, self._next + 1
                await asyncio.sleep(self._began_s + number / REQUESTS_PER_S - time.monotonic())
                path = f"/route{number % ROUTES}/{number}"
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().splitlines() if line.startswith("content-length"))
                await reader.readexactly(int(length.split()[1]))
                self.answers += 1
                self.worst_status = max(self.worst_status, int(head.split()[1]))


def scopes(port: int) -> dict[str, Any]:
    """Return the scopes of the service by name."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/debug/scopes?limit=100")
        told = json.loads(connection.getresponse().read())
    return {scope["scope"]: scope for scope in told["scopes"]}


async def watched(port: int, guilty: str, functions: Sequence[str]) -> Trial:
    """Make the traffic until the leak is told, or the time is over; then return what was told."""
    traffic = Traffic(port)
    sending = asyncio.create_task(traffic.run())
    told: dict[str, Any] = {}
    until_s = time.monotonic() + LIMIT_S
    verdict: dict[str, Any] = {}
    while time.monotonic() < until_s and not sending.done():
        await asyncio.sleep(ASKED_EVERY_S)
        told = await asyncio.to_thread(scopes, port)
        verdict = told.get(guilty, {}).get("verdict") or {}
        if verdict.get("state") in ACCUSATIONS or verdict.get("runs", 0) > WINDOWS + 5:
            break
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    is_told = verdict.get("state") in ACCUSATIONS
    line = verdict["suspects"][0]["site"]["line"] if is_told else 0
    function = functions_and_texts(str(SERVICE), {line})[0].get(line, "")
    return Trial(
        windows=verdict.get("runs", 0),
        is_told=is_told,
        place=f"line {line} in {function}" if is_told else f"{verdict.get('state')}: {verdict.get('reason')}",
        is_right=is_told and function in functions,
        innocents=[
            name
            for name, scope in told.items()
            if name != guilty
            and scope["kind"] == "scope"  # the stacks of threads that stay are native growth of the process
            and (scope["verdict"] or {}).get("state") in ACCUSATIONS
        ],
        seconds=traffic.seconds,
        requests_per_s=traffic.answers / traffic.seconds,
        worst_status=traffic.worst_status,
    )


def trial(kind: str, seed: int) -> Trial:
    """Run a service with a leak of this kind in a route that the seed chooses."""
    number = random.Random(f"{kind} {seed}").randrange(ROUTES)
    variables = {"LEAK": kind, "GUILTY": str(number), "WINDOW_S": str(WINDOW_S), "PYTHONPATH": str(ROOT)}
    command = ["-m", "uvicorn", "--port=0", "--no-access-log", "benchmarks.leaking_service:app"]
    with tempfile.TemporaryDirectory() as folder, server(command, variables, Path(folder)) as (process, port):
        done = asyncio.run(watched(port, f"GET /route{number}/{{number}}", LEAKS[kind]))
        process.kill()  # a thread or a task that stays must not keep the server from its end
    return done


def main() -> int:
    """Run the trials, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5, metavar="N", help="of each kind (default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=LEAKS, default=list(LEAKS))
    wanted = parser.parse_args()
    failures = 0
    for seed in range(wanted.trials):
        for kind in wanted.kinds:
            done = trial(kind, seed)
            is_told = done.is_told and done.windows <= WINDOWS and done.is_right
            failures += not is_told or bool(done.innocents)
            print(f"{kind:<8} {seed}: {'told' if is_told else 'NOT TOLD'} {done}", flush=True)
    print(f"{failures} of {wanted.trials * len(wanted.kinds)} failed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
