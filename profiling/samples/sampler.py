"""The sampler: a sample of what is allocated and still alive, with its job and the whole stack that allocated it.

This is the Python interface of `_sampler.c`. With b bytes per sample, a block of n bytes is sampled with probability 1
- exp(-n / b), and stands for n divided by that probability (Horvitz and Thompson, 1952). So sums are unbiased, and each
has a standard error.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import tracemalloc
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from profiling.errors import SamplerUnavailable
from profiling.records import SamplerStatistics
from profiling.samples.births import SampledBirths
from profiling.samples.estimates import SampleTable


def _load() -> tuple[Any, str | None]:
    """Return the extension, or None and the reason why it is missing."""
    try:
        return importlib.import_module("profiling.samples._sampler"), None
    except ImportError as error:
        return (
            None,
            f"the C extension profiling.samples._sampler is missing; reinstall with a C compiler ({error})",
        )


_sampler, _why = _load()

BYTES_PER_SAMPLE = 65_536
MAX_SAMPLES = 65_536  # alive at once, about 40 bytes each; if there are more, the bytes per sample are doubled


class Label(Protocol):
    """What a context's work is attributed to. Each sample reads the label when it is taken; `label` creates labels."""

    @property
    def job(self) -> str | None:
        """Return the name of the job, or None for work outside jobs."""
        ...

    birth: int  # of new blocks, 32 bits: the number of one run, or of one window of a shared label

    doublings: int  # how often its bytes per sample are doubled, compared with the process
    own_doublings: int  # how many of these it may still make by itself, one every 256 samples, until they are set

    @property
    def taken(self) -> int:
        """Return how many samples were taken under this label."""
        ...

    @property
    def calls(self) -> int:
        """Return how many calls were begun under this label, if it is a scope's."""
        ...

    @property
    def active(self) -> int:
        """Return how many of these calls have not ended."""
        ...

    @property
    def allocated_bytes(self) -> float:
        """Return the estimated bytes that were allocated under this label, whether they were freed since or not."""
        ...

    def bequeath(self, heir: Label) -> None:
        """Replace this label by another one in contexts that outlive its run."""
        ...


job_label: ContextVar[Label | None] = ContextVar("profiling_job", default=None)
"""The label of this context; child tasks and `asyncio.to_thread` inherit it."""


def unavailable_reason() -> str | None:
    """Return why `start` can never work in this process, or None if it can."""
    return _why


def why_not_now() -> str | None:
    """Return why `start` would fail now, or None if it would work."""
    if _sampler is not None and not _sampler.is_installed() and tracemalloc.is_tracing():
        # Stopping tracemalloc would restore the allocators that it found, and remove our hooks.
        return (
            "tracemalloc is already on (by PYTHONTRACEMALLOC, -X tracemalloc or tracemalloc.start); "
            "start sampling before tracemalloc, or stop tracemalloc first"
        )
    return unavailable_reason()


def start(
    bytes_per_sample: float = BYTES_PER_SAMPLE,
    *,
    finest_bytes: float | None = None,
    max_samples: int = MAX_SAMPLES,
    seed: int | None = None,
) -> None:
    """Start sampling: one sample for every `bytes_per_sample` allocated bytes, on average.

    The first call installs the hooks, which stay in place. `set_bytes_per_sample` can later go down to about
    `finest_bytes`, by default `bytes_per_sample`.

    Raises:
        SamplerUnavailable: The extension is missing, or tracemalloc was on before the hooks were installed.
        ValueError: A number of bytes is out of range.
        RuntimeError: Sampling is already on.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    if not _sampler.is_installed():
        _sampler.stop()  # blocks that were freed while our hooks were out would count as alive for ever
        if (why := why_not_now()) is not None:
            raise SamplerUnavailable(why)
        _sampler.install()
    exponent = max(0, round(math.log2(bytes_per_sample / finest_bytes))) if finest_bytes else 0
    base_bytes = bytes_per_sample / 2**exponent
    if seed is None:
        seed = int.from_bytes(os.urandom(8), "little")
    _sampler.start(base_bytes, exponent, max_samples, seed, job_label)
    global _starts, _base_bytes
    _starts += 1
    _base_bytes = base_bytes


_base_bytes = float(BYTES_PER_SAMPLE)
_starts = 0


def current_session() -> int | None:
    """Return the number of the current session of sampling, or None if sampling is off."""
    return _starts if is_on() else None


def stop() -> None:
    """Stop sampling and forget all samples. Do nothing if sampling is off.

    The hooks stay in place, where they cost up to 5 % of the run time of code that allocates a lot.
    """
    if _sampler is not None:
        _sampler.stop()


def is_on() -> bool:
    """Return whether samples are being taken. Another tool that was installed before us may have removed our hooks."""
    return _sampler is not None and _sampler.is_on() and _sampler.is_installed()


def set_bytes_per_sample(bytes_per_sample: float) -> None:
    """Set the bytes per sample for new samples, rounded to a power of two times the finest value.

    Samples that are alive keep the value that they were taken with. Does nothing while sampling is off.
    """
    if _sampler is not None:
        _sampler.set_rate(_exponent(bytes_per_sample))


def set_share(share: float, coarsest_bytes: float) -> None:
    """Let the sampler increase the bytes per sample, up to `coarsest_bytes`, if it exceeds this share of CPU time.

    This holds until the next start. The share is checked within 20 ms of sampling, so also in the middle of a long run.
    """
    if _sampler is not None:
        _sampler.set_share(share, _exponent(coarsest_bytes))


def _exponent(bytes_per_sample: float) -> int:
    return max(0, round(math.log2(bytes_per_sample / _base_bytes)))


def double_interval() -> None:
    """Double the bytes per sample of new and of existing samples, and drop at random those that are now too many."""
    if _sampler is not None:
        _sampler.thin()


@contextmanager
def labelled(job: str) -> Iterator[None]:
    """Attribute to `job` what this context allocates, with its child tasks and the threads that copy the context."""
    previous = set_current_job(job)
    try:
        yield
    finally:
        job_label.set(previous)


def label(job: str | None, birth: int | None = None) -> Label:
    """Return a label with this birth, or with a new one. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    made: Label = _sampler.Label(job, next_birth() if birth is None else birth)
    return made


def _no_scope(_: Label) -> Any:
    raise SamplerUnavailable(_why)


scope: Callable[[Label], Any] = _sampler.Scope if _sampler is not None else _no_scope
"""Return a context manager, `with` or `async with`, for one call under the label. Raises SamplerUnavailable."""


def next_birth() -> int:
    """Return a birth that no label of this process has had. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    drawn: int = _sampler.next_birth()
    return drawn


def set_default_label(default: Label | None) -> None:
    """Set the label for contexts that have none, like those of threads and executors that inherit no context.

    The owner of the label advances its birth. With None, such memory has no job and the birth 0.
    """
    if _sampler is not None:
        _sampler.set_default_label(default)


def set_current_job(work: str | Label | None) -> Label | None:
    """Attribute this context's work, including NumPy's arrays, to a label from now on; return the previous label.

    The name of a job stands for a new label of that job. None removes the label.
    """
    previous = job_label.get()
    if _sampler is not None:
        job_label.set(label(work) if isinstance(work, str) else work)
        if work is not None:
            find_arrays()
    return previous


def share_birth(other: Label | None) -> None:
    """Give another label the birth of this context's label, if both belong to the same job.

    This is for an event loop that was created before a run: it has copied the label of its creator, and knows no other.
    """
    own = job_label.get()
    if other is not None and own is not None and other.job == own.job:
        other.birth = own.birth


def find_arrays() -> None:
    """Sample NumPy's arrays of this context and of scopes too, if NumPy is loaded: they bypass Python's allocators.

    A scope itself does not look for NumPy, so this must be called once after NumPy was imported.
    """
    umath: Any = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    api = getattr(umath, "_ARRAY_API", None)
    if _sampler is not None and api is not None:
        _sampler.sample_arrays(api)


def let_go() -> None:
    """Release the stacks that no sample refers to any more.

    Stacks hold code objects. Without this, a program that compiles templates would seem to keep those that it drops.
    """
    if _sampler is not None:
        _sampler.let_go()


def mark() -> int:
    """Return a number for `snapshot` that separates later samples from earlier ones."""
    return _sampler.mark() if _sampler is not None else 0


def snapshot(job: str | None = None, *, since: int = 0, births: Collection[int] = ()) -> SampleTable:
    """Return what is alive, of one job or of all.

    The `fresh` figures are of blocks with one of the given births or, without births, of blocks that were sampled after
    the mark `since`.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    return SampleTable(
        *_sampler.snapshot(sys.intern(job) if job is not None else None, since, array("I", sorted(births)))
    )


def volumes() -> tuple[SampleTable, float]:
    """Return what was allocated since the last call, freed or not, and the bytes whose stacks are no longer known.

    The figures `all` are of what was allocated, without variances. Raises SamplerUnavailable.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    table, purged_bytes = _sampler.volumes()
    return SampleTable(*table), purged_bytes


def births(
    job: str | None = None, *, outside_jobs: bool = False, oldest: int = 0, held_by: list[Any] | None = None
) -> SampledBirths:
    """Return what is alive by stack and birth: of one job, of all jobs, or outside jobs; no birth before `oldest`.

    With `held_by`, only memory counts that can be reached from these objects, and that few other objects refer to.
    Raises SamplerUnavailable.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    wanted = sys.intern(job) if job is not None else None
    return SampledBirths(*_sampler.births(job is not None or outside_jobs, wanted, oldest, held_by))


def tracked_objects() -> tuple[list[Any], int, float]:
    """Return all objects that the collector tracks but tuples; the number of tuples, and their bytes.

    Raises SamplerUnavailable.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    objects, tuples, tuples_bytes = _sampler.tracked_objects()
    return objects, tuples, tuples_bytes


def one_of_each_type(objects: list[Any]) -> list[Any]:
    """Return the first object of each type. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    first: list[Any] = _sampler.one_of_each_type(objects)
    return first


def of_types(objects: list[Any], types: tuple[type, ...]) -> list[Any]:
    """Return the objects of exactly these types. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    chosen: list[Any] = _sampler.of_types(objects, types)
    return chosen


def watch(birth: int) -> int | None:
    """Record the peak of what is alive of this birth, for `take_peak`. Return None if there are too many watches."""
    number = _sampler.watch(birth) if _sampler is not None else -1
    return number if number >= 0 else None


def take_peak(number: int) -> SampleTable:
    """Return the samples of the watched birth that were alive at its peak, to within 5 %, and end the watch."""
    return SampleTable(*_sampler.take_peak(number))


def statistics() -> SamplerStatistics:
    """Return the statistics of the sampler since its start."""
    if _sampler is None:
        return SamplerStatistics(0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0)
    return SamplerStatistics(*_sampler.statistics())


def remove_hooks() -> None:
    """Remove the hooks, under which pymalloc reports no figures. Call this only in a forked child."""
    if _sampler is not None:
        _sampler.lift()


def table_bytes() -> int:
    """Return the bytes of the sampler's tables, which are not in any sample or trace."""
    return statistics().table_bytes
