"""The most memory that a block of code held at once, and the lines that held it.

The amount is exact: tracemalloc's high-water mark. The mark has no lines, so the lines are estimated by the sampler,
which keeps what a job holds at its peak, to within 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from profiling.adaptive import is_quiet
from profiling.errors import SamplerUnavailable
from profiling.records import SiteTable
from profiling.samples import sampler
from profiling.samples.estimates import SampleTable, estimate_live, table_of
from profiling.samples.sampling import Sampling
from profiling.traces import tracing

JOB = "test"
SAMPLE_BYTES = 512.0  # bytes per sample: tests are small, and for larger ones the sampler coarsens by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The peak of one block."""

    size_bytes: int  # traced memory above what there was before the block; exact
    held: SiteTable | None  # by line, estimated; None if the lines are not known
    why: str | None  # why the lines are not known
    samples: SampleTable | None = None  # what was held, by stack; None if the lines are not known


class PeakWatch:
    """A context manager around a block; its `peak` is set when the block has ended."""

    def __init__(self) -> None:
        self._sampling = Sampling(SAMPLE_BYTES)
        self._tracing = tracing.Tracing()
        self._number: int | None = None
        self._why: str | None = None
        self.peak: Peak | None = None  # None until the block has ended, and if the block failed

    def __enter__(self) -> Self:
        try:
            self._sampling.ensure_session()  # before tracing begins, because the sampler cannot start after tracing
        except SamplerUnavailable as error:
            self._why = str(error)
        self._tracing.ensure_session()
        self._label = sampler.job_label.get()
        if self._why is None:
            self._watch()
        tracing.reset_peak()
        self._before_bytes = tracing.traced_bytes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            # The code in the block, for example, may have stopped tracing.
            peak_bytes = tracing.traced_peak_bytes() if tracing.is_on() else None
            samples = self._held()
            held = table_of(estimate_live(samples)) if samples else None
            if kind is None and peak_bytes is not None and self._before_bytes is not None:
                self.peak = Peak(
                    size_bytes=max(0, peak_bytes - self._before_bytes), held=held, why=self._why, samples=samples
                )
        finally:
            sampler.set_current_job(self._label)
            self._sampling.close()
            close_when_quiet(self._tracing)

    def _watch(self) -> None:
        label = self._label
        if label is None or label.job != JOB:
            label = sampler.label(JOB)
        label.birth = sampler.next_birth()  # for the same label, which an event loop has copied into its own context
        sampler.set_current_job(label)
        self._number = sampler.watch(label.birth)

    def _held(self) -> SampleTable | None:
        if not sampler.is_on():
            self._why = self._why or "sampling was stopped during the test"
            return None
        if self._number is None:
            self._why = self._why or "too many peaks are watched at once"
            return None
        return sampler.take_peak(self._number)


class Closes(Protocol):
    """Something that switches tracing off."""

    def close(self) -> None:
        """Switch tracing off. Call this while no other thread is active."""


_to_close: list[Closes] = []


def close_when_quiet(*more: Closes) -> None:
    """Switch tracing off, or leave that to a later call if another thread is active (python/cpython#128679)."""
    _to_close.extend(more)
    if is_quiet():
        while _to_close:
            _to_close.pop().close()
