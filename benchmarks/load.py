"""Load on one route of a server on this machine, bounded in time: by wrk where it is installed, else by a client here.

Each of a few kept connections sends its next request when the one before is answered, so that what is measured is what
the server can do, and latencies are those at that rate.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 16
TIMEOUT_S = 30.0
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a server did under load."""

    requests_per_s: float
    median_ms: float
    p99_ms: float
    refused: int  # answers of another status than 200, and requests without one

    def __str__(self) -> str:
        return f"{self.requests_per_s:,.0f}/s, median {self.median_ms:.1f} ms, 99 % within {self.p99_ms:.1f} ms"


def load(port: int, path: str, *, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Ask for `path` for so long."""
    if shutil.which("wrk"):
        return load_by_wrk(port, path, seconds, connections)
    return asyncio.run(_load(port, path, seconds, connections))


def client_name() -> str:
    """Return the name of the client that makes the load."""
    return "wrk" if shutil.which("wrk") else "a client in Python"


def load_by_wrk(port: int, path: str, seconds: float, connections: int) -> Load:
    """Make the load by wrk, whose one thread is lighter than the service."""
    arguments = ["--latency", "--threads=1", f"--connections={connections}", f"--duration={max(1, round(seconds))}s"]
    arguments.append(f"--timeout={TIMEOUT_S:.0f}s")  # its own 2 s would count a slow answer as none
    ended = subprocess.run(
        ["wrk", *arguments, f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, timeout=seconds + TIMEOUT_S, check=True,
    )  # fmt: skip
    return parse_wrk(ended.stdout)


def parse_wrk(text: str) -> Load:
    """Return the figures of a report of `wrk --latency`. Raises ValueError if a figure is missing."""
    return Load(
        requests_per_s=float(_figure(r"Requests/sec:\s+([\d.]+)", text)),
        median_ms=_milliseconds(_figure(r"^\s+50%\s+(\S+)", text)),
        p99_ms=_milliseconds(_figure(r"^\s+99%\s+(\S+)", text)),
        refused=sum(map(int, re.findall(r"(?:responses|connect|read|write|timeout):? (\d+)", text))),
    )


def of_latencies(latencies_s: Sequence[float], took_s: float, refused: int = 0) -> Load:
    """Return the figures of answers that took these seconds each."""
    ordered = sorted(latencies_s)
    return Load(
        requests_per_s=len(ordered) / took_s,
        median_ms=_at(ordered, 50) * 1000,
        p99_ms=_at(ordered, 99) * 1000,
        refused=refused,
    )


def _figure(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"wrk said nothing of {pattern!r}: {text}")
    return found[1]


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)([a-z]+)", text)
    if found is None or found[2] not in _UNITS_MS:
        raise ValueError(f"wrk told a time in a way that is not known here: {text}")
    return float(found[1]) * _UNITS_MS[found[2]]


def _at(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


async def _load(port: int, path: str, seconds: float, connections: int) -> Load:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    latencies_s: list[float] = []
    began_s = time.perf_counter()
    asking = [_ask(port, request, began_s + seconds, latencies_s) for _ in range(connections)]
    async with asyncio.timeout(seconds + TIMEOUT_S):
        refused = sum(await asyncio.gather(*asking))
    return of_latencies(latencies_s, time.perf_counter() - began_s, refused)


async def _ask(port: int, request: bytes, until_s: float, latencies_s: list[float]) -> int:
    """Ask over one connection. Return how many answers were not of status 200."""
    refused = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while (began_s := time.perf_counter()) < until_s:
            writer.write(request)
            refused += await _status(reader) != 200
            latencies_s.append(time.perf_counter() - began_s)
    finally:
        writer.close()
        await writer.wait_closed()
    return refused


async def _status(reader: asyncio.StreamReader) -> int:
    """Read an answer that tells its length to its end, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split()[1])
