"""The samples of one run: what it kept, what its job holds after it, and what was alive at the run's peak."""

from __future__ import annotations

from profiling.records import LinesOfRun
from profiling.samples import sampler
from profiling.samples.estimates import Live, lines_of_run, live
from profiling.samples.sampling import Sampling


class SampledRun:
    """From `open` to `leave` what is allocated in this context bears the run's own birth; `close` tells what stayed."""

    def __init__(self, job: str, sampling: Sampling) -> None:
        self._job = job
        self._sampling = sampling
        self._watch: int | None = None
        self.birth: int | None = None  # until `open`

    def open(self) -> None:
        """Begin. Raises SamplerUnavailable."""
        self._period = self._sampling.period()
        label = sampler.label(self._job)
        self.birth = label.birth
        self._watch = sampler.watch(label.birth)
        self._previous = sampler.enter(label)

    def leave(self) -> None:
        """Restore the label that this context had before `open`."""
        sampler.enter(self._previous)

    def close(self) -> LinesOfRun | None:
        """Return what the run kept, or None if sampling was stopped meanwhile, and its samples with it."""
        if sampler.stretch() != self._period:
            return None
        peak = self._peak()
        after = live(sampler.snapshot(self._job, birth=self.birth))
        return lines_of_run(after, peak, self._period)

    def _peak(self) -> Live | None:
        if self._watch is None:
            return None
        number, self._watch = self._watch, None
        return live(sampler.take_peak(number))
