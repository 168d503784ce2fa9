"""Clients that ask a server over and over while its workers come and go, and what became of their requests."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

ROUTES = ("/keep/1", "/keep/2", "/keep/3", "/debug/scopes", "/keep/4", "/debug/memory/live")


class Clients:
    """Some threads, each with one request at a time on a connection of its own.

    A request whose connection is closed without an answer is sent again, up to `retries` times, before it is lost.
    """

    def __init__(
        self, port: int, *, limit_s: float, with_debug_routes: bool, threads: int = 4, retries: int = 0
    ) -> None:
        self.told: Counter[str] = Counter()  # answers, lost, hangs
        self.workers: set[int] = set()  # ids of the processes that have answered
        self.notes: list[str] = []
        self._port = port
        self._limit_s = limit_s
        self._retries = retries
        self._paths = ROUTES if with_debug_routes else [path for path in ROUTES if path.startswith("/keep")]
        self._is_over = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def wait_for(self, workers: int) -> bool:
        """Wait until so many processes have answered; return False if they do not come for the time limit."""
        with self._changed:
            while len(self.workers) < workers:
                before = len(self.workers)
                if not self._changed.wait_for(lambda: len(self.workers) > before, self._limit_s):  # noqa: B023
                    return False
        return True

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ask in this block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            for path in self._paths:
                told = self._answer(path)
                for _ in range(self._retries):
                    if told[0] != "closed":
                        break
                    told = self._answer(path)
                kind, text = told
                self._note(path, "lost" if kind == "closed" else kind, text)

    def _answer(self, path: str) -> tuple[str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._limit_s)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except TimeoutError:
            return "hangs", f"no answer in {self._limit_s:g} s"
        except (OSError, http.client.HTTPException) as error:
            return "closed", repr(error)
        finally:
            connection.close()
        return ("answers", text) if answer.status == 200 else ("lost", f"{answer.status}: {text[:200]}")

    def _note(self, path: str, kind: str, text: str) -> None:
        with self._changed:
            self.told[kind] += 1
            if kind != "answers":
                self.notes.append(f"{path}: {text}")
            elif path.startswith("/keep"):
                worker = json.loads(text)["pid"]
                if worker not in self.workers:
                    self.workers.add(worker)
                    self._changed.notify_all()
