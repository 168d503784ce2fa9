"""Runs, windows, verdicts and reports in several threads at once: nothing fails, nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from profiling.errors import NotEnoughRuns, UnknownJob
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.samples import sampler

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

RUNS = 60
SCOPES = 12


def test_all_of_a_profiler_is_used_by_many_threads_at_once() -> None:
    errors: list[BaseException] = []
    is_over = threading.Event()
    kept: list[bytes] = []
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=4_096, window_s=0.0)) as profiler:
        profiler.start_watching()

        def guarded(work: Callable[[], None], *, again: bool = True) -> threading.Thread:
            def loop() -> None:
                try:
                    while True:
                        work()
                        if not again or is_over.is_set():
                            return
                except BaseException as error:
                    errors.append(error)

            return threading.Thread(target=loop)

        def runs(job: str) -> None:
            for _ in range(RUNS):
                with profiler.run(job):
                    kept.append(bytes(5_000))

        def calls() -> None:
            for number in range(SCOPES):
                with profiler.scope(f"/{number}"):
                    kept.append(bytes(1_000))

        def reads() -> None:
            for job in (*profiler._jobs(), "/0", "a"):
                try:
                    profiler.verdict(job)
                    profiler.diff(job)
                except (UnknownJob, NotEnoughRuns):
                    continue
            profiler.history.runs()
            profiler.scopes()
            profiler.live(group_by="scope")
            profiler.statistics()

        def verdicts() -> None:
            asyncio.run(judged())

        async def judged() -> None:
            await profiler.verdicts()

        workers = [guarded(lambda: runs("a"), again=False), guarded(lambda: runs("/1"), again=False)]
        others = [guarded(work) for work in (calls, reads, verdicts, profiler.end_windows)]
        for thread in (*workers, *others):
            thread.start()
        for thread in workers:
            thread.join()
        is_over.set()
        for thread in others:
            thread.join()
        assert errors == []
        assert profiler.statistics().runs == 2 * RUNS
        assert profiler._judging.cases.of("a").runs == RUNS
        assert {scope.active for scope in profiler.scopes()} == {0}
