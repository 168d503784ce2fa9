"""Always on: a sample of what is allocated and still alive, with the job and the whole stack that allocated it.

The face in Python of `_sampler.c`. A block of n bytes is taken with the chance 1 - exp(-n / rate) and stands for n
divided by that chance (Horvitz and Thompson, 1952): sums are unbiased, and each comes with its standard error.
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
    """Return the extension, or None and the reason why the extension is missing."""
    try:
        return importlib.import_module("profiling.samples._sampler"), None
    except ImportError as error:
        return (
            None,
            f"the extension profiling.samples._sampler is not there: install with a C compiler ({error})",
        )


_sampler, _why = _load()

BYTES_PER_SAMPLE = 65_536
MAX_SAMPLES = 65_536  # alive at once, about 40 bytes each; when they are more, the rate doubles


class Label(Protocol):
    """What a context's work is attributed to; made by `label`. Each sample reads the label when it is taken."""

    @property
    def job(self) -> str | None:
        """Return the job, or None for work outside jobs."""
        ...

    birth: int  # of the blocks allocated from now on: 32 bits, of one run or of one window of a shared label

    doublings: int  # of the rate in force: its work is sampled so much more coarsely

    @property
    def taken(self) -> int:
        """Return how many samples were taken under this label."""
        ...

    @property
    def calls(self) -> int:
        """Return how many blocks were entered under this label, as a scope."""
        ...

    @property
    def active(self) -> int:
        """Return how many of these blocks are under way."""
        ...

    @property
    def allocated_bytes(self) -> float:
        """Return an estimate of the bytes that were allocated under this label, freed since or not."""
        ...

    def bequeath(self, heir: Label) -> None:
        """Let another label stand in for this one, in contexts that outlive its run."""
        ...


job_label: ContextVar[Label | None] = ContextVar("profiling_job", default=None)
"""The label of this context: child tasks and `asyncio.to_thread` inherit it."""


def unavailable_reason() -> str | None:
    """Return why `start` cannot work in this process, or None if it can."""
    return _why


def why_not_now() -> str | None:
    """Return why `start` would fail now, or None if it would work."""
    if _sampler is not None and not _sampler.is_installed() and tracemalloc.is_tracing():
        # It would put back the allocators that it found, and with them take ours out.
        return (
            "tracemalloc is on (by PYTHONTRACEMALLOC, -X tracemalloc or tracemalloc.start): "
            "start sampling before it, or stop it first"
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

    The first call puts the hooks in place, and there they stay. `set_bytes_per_sample` can go down to about
    `finest_bytes`, or to `bytes_per_sample` if that is not given. Raises SamplerUnavailable if the extension is
    missing, or if tracemalloc is on but the hooks are not yet in place; ValueError for a number of bytes that makes no
    sense; RuntimeError if sampling is on.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    if not _sampler.is_installed():
        _sampler.stop()  # what was freed without us would count for ever
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
    """Forget all samples and rest. Do nothing if sampling is off.

    The hooks stay in place, where they cost up to 5 % of the run time of what allocates a lot.
    """
    if _sampler is not None:
        _sampler.stop()


def is_on() -> bool:
    """Return whether samples are being taken. Another tool that was there before us may have taken our hooks out."""
    return _sampler is not None and _sampler.is_on() and _sampler.is_installed()


def set_bytes_per_sample(bytes_per_sample: float) -> None:
    """Take samples at another rate from here on: at the power of two times the finest rate that is nearest.

    Samples that are alive keep the rate that they were taken at. Does nothing while sampling is off.
    """
    if _sampler is not None:
        _sampler.set_rate(_exponent(bytes_per_sample))


def set_share(share: float, coarsest_bytes: float) -> None:
    """Let the rate become coarser by itself, up to that one, when samples take more than the share of the CPU time.

    Until the next start. It is looked at within 10 ms of sampling, so also in the middle of a long run.
    """
    if _sampler is not None:
        _sampler.set_share(share, _exponent(coarsest_bytes))


def _exponent(bytes_per_sample: float) -> int:
    return max(0, round(math.log2(bytes_per_sample / _base_bytes)))


def double_interval() -> None:
    """Double the rate in force and that of each sample; samples that it would not have taken go, without bias."""
    if _sampler is not None:
        _sampler.thin()


@contextmanager
def labelled(job: str) -> Iterator[None]:
    """Attribute to `job` what is allocated in this context, by its child tasks and by threads that copy it."""
    previous = set_current_job(job)
    try:
        yield
    finally:
        job_label.set(previous)


def label(job: str | None, birth: int | None = None) -> Label:
    """Return a label with this birth, or with one of its own. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    made: Label = _sampler.Label(job, next_birth() if birth is None else birth)
    return made


def _no_scope(_: Label) -> Any:
    raise SamplerUnavailable(_why)


scope: Callable[[Label], Any] = _sampler.Scope if _sampler is not None else _no_scope
"""Return a context manager, `with` or `async with`, around one block under the label. Raises SamplerUnavailable."""


def next_birth() -> int:
    """Draw a number that no label of this process has had. Raises SamplerUnavailable."""
    if _sampler is None:
        raise SamplerUnavailable(_why)
    drawn: int = _sampler.next_birth()
    return drawn


def set_default_label(default: Label | None) -> None:
    """Attribute to this label what is allocated in contexts without one: threads and executors that inherit none.

    The owner of the label advances its birth. With None such memory has no job, and the birth 0.
    """
    if _sampler is not None:
        _sampler.set_default_label(default)


def set_current_job(work: str | Label | None) -> Label | None:
    """Attribute this context's work to a label from here on, NumPy's arrays included, and return the label before.

    A job's name stands for a new label of that job. None takes the label off.
    """
    previous = job_label.get()
    if _sampler is not None:
        job_label.set(label(work) if isinstance(work, str) else work)
        if work is not None:
            find_arrays()
    return previous


def share_birth(other: Label | None) -> None:
    """Give another label the birth of this context's label, if both are of one job.

    For an event loop that was made before a run: it copied the label of its maker, and knows no other.
    """
    own = job_label.get()
    if other is not None and own is not None and other.job == own.job:
        other.birth = own.birth


def find_arrays() -> None:
    """Let NumPy's arrays of this context, and of scopes, be sampled too, if NumPy is loaded.

    They do not use Python's allocators. Scopes look for no NumPy, so it has to be found once before they know of it.
    """
    umath: Any = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    api = getattr(umath, "_ARRAY_API", None)
    if _sampler is not None and api is not None:
        _sampler.sample_arrays(api)


def let_go() -> None:
    """Let go of stacks that no sample has any more.

    They hold code objects: a program that compiles templates or statements would else seem to keep those that it drops.
    """
    if _sampler is not None:
        _sampler.let_go()


def mark() -> int:
    """Return a number that tells samples taken from here on from earlier ones, for `snapshot`."""
    return _sampler.mark() if _sampler is not None else 0


def snapshot(job: str | None = None, *, since: int = 0, births: Collection[int] = ()) -> SampleTable:
    """Return what is alive, of one job or of all.

    The `fresh` figures are of the blocks with these births or, without any, of those that came after the mark `since`.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    return SampleTable(
        *_sampler.snapshot(sys.intern(job) if job is not None else None, since, array("I", sorted(births)))
    )


def births(
    job: str | None = None, *, outside_jobs: bool = False, oldest: int = 0, held_by: list[Any] | None = None
) -> SampledBirths:
    """Return what is alive by stack and birth: of one job, of all, or of what is outside jobs; and of no older birth.

    With `held_by` only what can be reached from these objects, and is not shared with many others. Raises
    SamplerUnavailable.
    """
    if _sampler is None:
        raise SamplerUnavailable(_why)
    wanted = sys.intern(job) if job is not None else None
    return SampledBirths(*_sampler.births(job is not None or outside_jobs, wanted, oldest, held_by))


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
    """Keep the peak of what is alive of this birth, for `take_peak`. Return None if there are too many watches."""
    number = _sampler.watch(birth) if _sampler is not None else -1
    return number if number >= 0 else None


def take_peak(number: int) -> SampleTable:
    """Return what was alive of the watched birth when that was most, to within 5 %, and end the watch."""
    return SampleTable(*_sampler.take_peak(number))


def statistics() -> SamplerStatistics:
    """Return what the sampler has done since its start and what its tables cost."""
    if _sampler is None:
        return SamplerStatistics(0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0)
    return SamplerStatistics(*_sampler.statistics())


def remove_hooks() -> None:
    """Take the hooks off the allocators, which tell their figures to nobody else. In a forked child only."""
    if _sampler is not None:
        _sampler.lift()


def table_bytes() -> int:
    """Return the bytes of the sampler's tables, which are in no sample and no trace."""
    return statistics().table_bytes
