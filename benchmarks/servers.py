"""Servers in processes of their own, and a client that is light enough not to be what is measured."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

START_TIMEOUT_S = 60.0


@contextmanager
def server(arguments: list[str], environment: dict[str, str], folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """Run a Python process that prints or logs `http://127.0.0.1:PORT`; gives it and its port."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=os.environ | environment, cwd=folder, stdout=output, stderr=output
        )
    try:
        yield psutil.Process(process.pid), _port_of(process, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    until_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until_s and process.poll() is None:
        _, found, rest = log.read_text().partition("http://127.0.0.1:")
        if found and "\n" in rest:
            return int(rest.split()[0])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def requests_per_second(port: int, path: str, *, seconds: float, connections: int = 16) -> float:
    """Answers a second to GET requests on kept connections, each sent when the one before is answered."""
    return asyncio.run(_load(port, path, seconds, connections))


async def _load(port: int, path: str, seconds: float, connections: int) -> float:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(request), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    for client in clients:
        client.send()
    began_s = time.perf_counter()
    await asyncio.sleep(seconds)
    answered = sum(client.answered for client in clients)
    took_s = time.perf_counter() - began_s
    for client in clients:
        client.close()
    return answered / took_s


class _Client(asyncio.Protocol):
    """Counts answers; each of these servers' answers comes in one piece."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._transport: asyncio.Transport | None = None
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200"), data[:200]
        self.answered += 1
        self.send()

    def send(self) -> None:
        assert self._transport
        self._transport.write(self._request)

    def close(self) -> None:
        assert self._transport
        self._transport.close()
