"""Runs, windows, verdicts and reports in several threads at once: nothing fails, nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial

import pytest

from profiling.errors import NotEnoughRuns, UnknownJob
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.samples import sampler

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
]

RUNS = 60
SCOPES = 12
KEPT = 10_000


class Users:
    """What several threads do with one profiler."""

    def __init__(self, profiler: Profiler) -> None:
        self.profiler = profiler
        self.kept = deque[bytes](maxlen=KEPT)  # or the endless threads fill the memory while the others wait
        self.errors: list[BaseException] = []
        self.is_over = threading.Event()

    def thread(self, work: Callable[[], object], *, is_endless: bool = True) -> threading.Thread:
        """Return a thread that does the work, again and again if it is endless."""

        def loop() -> None:
            try:
                work()
                while is_endless and not self.is_over.is_set():
                    work()
            except BaseException as error:
                self.errors.append(error)

        return threading.Thread(target=loop)

    def runs(self, job: str) -> None:
        for _ in range(RUNS):
            with self.profiler.run(job):
                self.kept.append(bytes(5_000))

    def calls(self) -> None:
        for number in range(SCOPES):
            with self.profiler.scope(f"/{number}"):
                self.kept.append(bytes(1_000))

    def reads(self) -> None:
        for job in (*self.profiler._histories.jobs(), "/0", "a"):
            with suppress(UnknownJob, NotEnoughRuns):
                self.profiler.verdict(job)
                self.profiler.diff(job)
        self.profiler.history.runs()
        self.profiler.scopes()
        self.profiler.live(group_by="scope")
        self.profiler.statistics()

    def verdicts(self) -> None:
        asyncio.run(self.judged())

    async def judged(self) -> None:
        await self.profiler.verdicts()


def test_all_of_a_profiler_is_used_by_many_threads_at_once() -> None:
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=4_096, window_s=0.0)) as profiler:
        profiler.start_watching()
        users = Users(profiler)
        workers = [users.thread(partial(users.runs, job), is_endless=False) for job in ("a", "/1")]
        others = [users.thread(work) for work in (users.calls, users.reads, users.verdicts, profiler.end_windows)]
        for thread in (*workers, *others):
            thread.start()
        for thread in workers:
            thread.join()
        users.is_over.set()
        for thread in others:
            thread.join()
        assert users.errors == []
        assert profiler.statistics().runs == 2 * RUNS
        assert profiler._judging.cases.of("a").runs == RUNS
        assert {scope.active for scope in profiler.scopes()} == {0}
