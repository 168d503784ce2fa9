"""Look at a service again and again, and show what it tells: as a live table, or as lines of text."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, TextIO

from profiling.errors import NoAnswer
from profiling.remote import Service
from profiling.top.readings import Reading, printable, reading_of
from profiling.top.table import lines

MAX_ROWS = 40
MAX_TRIES = 12  # requests until one meets the same worker of a server
MIN_WAIT_TIMES, MAX_WAIT_S = 50, 30.0  # times the time of the answers, so that they take little of a large service
TIMEOUT_S = 10.0

Show = Callable[[Reading], None]


class Reader:
    """Reads a service, of whose workers the first one that answers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._process = ""
        self.took_s = 0.0  # time of the last answers

    def read(self) -> Reading:
        """Return what the service tells now. Raises NoAnswer."""
        began_s = time.monotonic()
        health = self._json("/health")
        scopes, jobs, note = [], [], ""
        try:
            scopes = self._json(f"/scopes?limit={MAX_ROWS}")["scopes"]
        except NoAnswer as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            jobs, note = self._json("/jobs")["jobs"], "no samples are taken"
        self.took_s = time.monotonic() - began_s
        return reading_of(health, scopes, jobs, at=datetime.now().astimezone(), process=self._process, note=note)

    def forget(self) -> None:
        """Let another process answer, because this one is gone."""
        self._process = ""

    def _json(self, route: str) -> Any:
        for _ in range(MAX_TRIES):
            answer = self._service.ask(route, timeout_s=TIMEOUT_S)
            self._process = self._process or answer.process
            if answer.process == self._process:
                return _parsed(answer.body)
        raise NoAnswer(f"process {self._process} no longer answers")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise NoAnswer("the answer is no JSON; is this the address of a service with debug routes?") from error


def follow(
    service: Service,
    output: TextIO,
    *,
    interval_s: float = 1.0,
    updates: int | None = None,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Show a service until the user interrupts it. Raises NoAnswer if the service does not answer at first.

    If the service goes away later, its last reading is shown again, with the reason, until it is back.

    Args:
        service: The service.
        output: A terminal, for a live table, or a pipe, for lines of text.
        interval_s: The time from one look to the next, in seconds; longer if the answers take long.
        updates: The number of looks; None for no end.
        wait: Waits for so many seconds.
    """
    reader = Reader(service)
    reading = reader.read()
    with showing(output) as show:
        for number in itertools.count(1):
            show(reading)
            if number == updates:
                return
            wait(max(interval_s, min(MAX_WAIT_S, reader.took_s * MIN_WAIT_TIMES)))
            reading = _next(reader, reading)


def _next(reader: Reader, last: Reading) -> Reading:
    try:
        return reader.read()
    except NoAnswer as error:
        reader.forget()
        return replace(last, note=printable(f"as of then, because {error}"))


def showing(output: TextIO) -> AbstractContextManager[Show]:
    """Return what shows readings: a live table at a terminal if rich is installed, else lines of text."""
    if output.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            from profiling.top.screen import live_table
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "rich":
                raise
        else:
            return live_table(output)
    return _as_lines(output)


@contextmanager
def _as_lines(output: TextIO) -> Iterator[Show]:
    def show(reading: Reading) -> None:
        output.write("\n".join(lines(reading, MAX_ROWS)) + "\n\n")
        output.flush()

    yield show
