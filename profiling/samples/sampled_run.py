"""The samples of one run: what it kept, what its job holds after it, and what was alive at the run's peak."""

from __future__ import annotations

from weakref import WeakSet, WeakValueDictionary

from profiling.records import LineProfile
from profiling.samples import sampler
from profiling.samples.estimates import LiveEstimate, estimate_live, line_profile
from profiling.samples.sampling import Sampling

_heirs: WeakValueDictionary[str, sampler.Label] = WeakValueDictionary()
"""Labels, by job, for work that outlives its run, like a server or a worker that one run has started.

The birth of such a label is that of the job's latest run. The label lasts as long as a context has the label of a run
that has ended.
"""

_at_work: WeakSet[sampler.Label] = WeakSet()
"""The labels of runs that have not ended, and of scopes, so that a run within one of the same name takes nothing."""


OWN_DOUBLINGS = 4  # of a scope's bytes per sample, from 4 KB to 64 KB, before its first window has ended


def shared_label(name: str, *, doubles: bool = False) -> sampler.Label:
    """Return a label for a scope, which all of its calls share. Raises SamplerUnavailable.

    If it `doubles`, a busy scope is sampled more and more coarsely in its first seconds, until its rate is adjusted.
    """
    label = sampler.label(name)
    label.own_doublings = OWN_DOUBLINGS if doubles else 0
    _at_work.add(label)
    return label


class SampledRun:
    """Gives what this context allocates between `open` and `leave` the run's birth; `close` returns what is left."""

    def __init__(self, job: str, sampling: Sampling, *, all_threads: bool = False, is_suspect: bool = False) -> None:
        self._job = job
        self._all_threads = all_threads
        self._is_suspect = is_suspect
        self._sampling = sampling
        self._watch: int | None = None
        self.birth: int | None = None  # None before `open`
        self.allocated_bytes = 0.0  # estimated bytes that were allocated under its own label; known after `leave`

    def open(self) -> None:
        """Begin to attribute samples to the run. Raises SamplerUnavailable."""
        self._session = self._sampling.ensure_session()
        label = self._sampling.label(self._job, is_suspect=self._is_suspect)
        self.birth = label.birth
        self._watch = sampler.watch(label.birth)
        self._label = label
        heir = self._heir()
        heir.birth, heir.doublings = label.birth, label.doublings
        self._previous = sampler.set_current_job(label)
        if self._previous is not None and self._previous.job == self._job and self._previous not in _at_work:
            # an event loop that was made since the label was set has copied it, and now works for this run
            self._previous.bequeath(heir)
        _at_work.add(label)
        if self._all_threads:
            sampler.set_default_label(label)

    def leave(self) -> None:
        """Restore the label that this context had before `open`."""
        sampler.set_current_job(self._previous)
        _at_work.discard(self._label)
        self.allocated_bytes = self._label.allocated_bytes
        self._label.bequeath(self._heir())
        self._sampling.learn(self._job, self._label.taken)
        if self._all_threads:
            sampler.set_default_label(self._sampling.outside)

    def _heir(self) -> sampler.Label:
        heir = _heirs.get(self._job)
        if heir is None:
            heir = _heirs[self._job] = sampler.label(self._job, self._label.birth)
        return heir

    def close(self) -> LineProfile | None:
        """Return what the run kept, or None if sampling was stopped in the meantime, which discarded its samples."""
        if sampler.current_session() != self._session:
            return None
        peak = self._peak()
        self._sampling.let_go(is_urgent=False)
        after = estimate_live(sampler.snapshot(self._job, births=(self.birth,) if self.birth else ()))
        return line_profile(after, peak, self._session)

    def _peak(self) -> LiveEstimate | None:
        if self._watch is None:
            return None
        number, self._watch = self._watch, None
        return estimate_live(sampler.take_peak(number))
