"""The samples of one run: what its job held before and after, and when it held most."""

from __future__ import annotations

from profiling.records import LinesOfRun
from profiling.samples import sampler
from profiling.samples.estimates import Live, lines_of_run, live


class SampledRun:
    """From `open` to `leave` what is allocated in this context is put down to the job; `close` tells what stayed."""

    def __init__(self, job: str, sampling: sampler.Sampling) -> None:
        self._job = job
        self._sampling = sampling
        self._watch: int | None = None

    def open(self) -> None:
        """Begin. Raises SamplerUnavailable."""
        self._period = self._sampling.period()
        self._before = live(sampler.snapshot(self._job))
        self._since = sampler.mark()
        self._watch = sampler.watch(self._job, self._since)
        self._label = sampler.enter(self._job)

    def leave(self) -> None:
        """Work for whom this context worked before."""
        sampler.enter(self._label)

    def close(self) -> LinesOfRun | None:
        """What the run kept; None where sampling was stopped meanwhile, and its samples with it."""
        if sampler.stretch() != self._period:
            return None
        peak = self._peak()
        after = live(sampler.snapshot(self._job, since=self._since))
        return lines_of_run(self._before, after, peak, self._period)

    def _peak(self) -> Live | None:
        if self._watch is None:
            return None
        number, self._watch = self._watch, None
        return live(sampler.take_peak(number))
