"""A scope in C: a block under a label that many blocks share."""

from __future__ import annotations

import asyncio
import copy
import gc
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextvars import ContextVar, copy_context

import numpy as np
import pytest

from profiling.samples import sampler
from profiling.samples.estimates import by_job
from profiling.samples.sampled_run import OWN_DOUBLINGS, SampledRun, shared_label
from profiling.samples.sampling import Sampling

Start = Callable[..., None]


@pytest.fixture(autouse=True)
def no_label() -> Iterator[None]:
    yield
    sampler.job_label.set(None)
    sampler.set_default_label(None)


def make(count: int = 100) -> Sequence[object]:
    return [bytes(967) for _ in range(count)]


def held_by(name: str) -> float:
    found = by_job(sampler.snapshot()).get(name)
    return found.size_bytes if found else 0.0


def test_label_is_on_the_block_and_the_one_before_comes_back(sampling: Start) -> None:
    sampling(64)
    outer, inner = sampler.label("outer"), sampler.label("inner")
    with sampler.scope(outer):
        assert sampler.job_label.get() is outer
        with sampler.scope(inner):
            assert sampler.job_label.get() is inner
            assert (outer.active, inner.active) == (1, 1)
        assert sampler.job_label.get() is outer
    assert sampler.job_label.get() is None
    assert (outer.calls, outer.active, inner.calls, inner.active) == (1, 0, 1, 0)


async def test_async_with_is_the_same(sampling: Start) -> None:
    sampling(64)
    label, kept = sampler.label("async"), []
    async with sampler.scope(label):
        kept.append(make())
        await asyncio.create_task(asyncio.sleep(0))
        assert sampler.job_label.get() is label
    assert sampler.job_label.get() is None
    assert held_by("async") == pytest.approx(100_000, rel=0.1)
    assert label.allocated_bytes >= held_by("async")


def test_error_passes_and_the_label_comes_back(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    error = KeyError("this one")
    with pytest.raises(KeyError) as raised, sampler.scope(label):
        raise error
    assert raised.value is error
    assert sampler.job_label.get() is None
    assert label.active == 0


async def test_error_passes_through_async_with(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    with pytest.raises(asyncio.CancelledError):
        async with sampler.scope(label):
            raise asyncio.CancelledError
    assert label.active == 0


def test_scope_under_way_is_not_entered_again_but_one_that_has_ended_is(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    scope = sampler.scope(label)
    with scope, pytest.raises(RuntimeError, match=r"under way: call scope\(\) anew for each block"), scope:
        pass
    assert (label.calls, label.active, sampler.job_label.get()) == (1, 0, None)
    with scope:
        pass
    assert label.calls == 2
    assert sampler.job_label.get() is None


def test_scope_of_the_same_name_within_keeps_the_label_that_is_there(sampling: Start) -> None:
    sampling(64)
    run, scope = sampler.label("job"), sampler.label("job")
    sampler.set_current_job(run)
    with sampler.scope(scope), sampler.scope(scope):
        assert sampler.job_label.get() is run
        assert scope.active == 2
    assert sampler.job_label.get() is run
    assert scope.calls == 2


@pytest.mark.parametrize("wrong", ["name", None, 3])
def test_scope_takes_a_label_and_nothing_else(wrong: object) -> None:
    if (why := sampler.unavailable_reason()) is not None:
        pytest.skip(why)
    with pytest.raises(TypeError, match="a scope takes a label"):
        sampler.scope(wrong)  # type: ignore[arg-type]
    scope = sampler.scope(sampler.label("job"))
    with pytest.raises(TypeError):
        copy.copy(scope)
    with pytest.raises(TypeError):
        type(scope)()
    with pytest.raises(TypeError):
        type("Sub", (type(scope),), {})


def test_references_stay_the_same_over_a_hundred_thousand_blocks(sampling: Start) -> None:
    sampling(1 << 20)
    label = sampler.label("job")
    with sampler.scope(label):
        pass
    before, blocks = sys.getrefcount(label), sys.getallocatedblocks()
    for _ in range(100_000):
        with sampler.scope(label):
            pass
    assert sys.getrefcount(label) == before
    assert abs(sys.getallocatedblocks() - blocks) < 1_000
    assert (label.calls, label.active) == (100_001, 0)


def test_generator_closed_in_another_context_puts_no_label_there(sampling: Start) -> None:
    sampling(64)
    label, other = sampler.label("job"), sampler.label("other")

    def steps() -> Generator[int, None, None]:
        with sampler.scope(label):
            yield 1

    generator = steps()
    copy_context().run(next, generator)
    assert label.active == 1
    with sampler.scope(other):
        generator.close()
        assert sampler.job_label.get() is other
    assert label.active == 0


def test_scope_entered_before_sampling_starts_only_counts(sampling: Start) -> None:
    label = sampler.label("job")
    with sampler.scope(label):
        sampling(64)
        with sampler.scope(label):
            assert sampler.job_label.get() is label
    assert sampler.job_label.get() is None
    assert (label.calls, label.active) == (2, 0)


def test_sampling_may_stop_and_start_in_the_middle(sampling: Start) -> None:
    label, kept = sampler.label("middle"), list[object]()
    sampling(64)
    with sampler.scope(label):
        sampler.stop()
        kept.append(make())
        sampling(64)
        kept.append(make())
    assert sampler.job_label.get() is None
    assert held_by("middle") == pytest.approx(100_000, rel=0.1)


def test_arrays_in_a_scope_are_sampled_once_numpy_was_found(sampling: Start) -> None:
    sampling(1_024)
    sampler.find_arrays()
    label, kept = sampler.label("arrays"), []

    def work() -> None:
        with sampler.scope(label):
            kept.append(np.ones(100_000))

    copy_context().run(work)
    assert held_by("arrays") == pytest.approx(800_000, rel=0.05)


def test_task_that_is_never_ended_is_collected_with_its_scope(sampling: Start) -> None:
    sampling(1 << 20)
    label, current = sampler.label("job"), ContextVar[object]("current")

    class Task:
        def __init__(self) -> None:
            self.generator = self.steps()

        def steps(self) -> Iterator[None]:
            current.set(self)
            with sampler.scope(label):
                yield

    def begin() -> weakref.ref[Task]:
        task = Task()
        next(task.generator)
        return weakref.ref(task)

    found = copy_context().run(begin)
    gc.collect()
    assert found() is None
    assert label.active == 0


def test_run_within_a_scope_of_its_name_takes_nothing_from_it() -> None:
    if (why := sampler.unavailable_reason()) is not None:
        pytest.skip(why)
    sampling, kept = Sampling(64), list[object]()
    try:
        sampling.ensure_session()
        label = shared_label("twice")
        with sampler.scope(label):
            run = SampledRun("twice", sampling)
            run.open()
            kept.append(make())
            run.leave()
            assert sampler.job_label.get() is label
            taken = label.taken
            kept.append(make())
            assert label.taken > taken + 50
    finally:
        sampling.close()


async def test_call_that_stays_lasts_as_long_as_the_context_of_its_task(sampling: Start) -> None:
    sampling(64)
    label, held = sampler.label("task"), ContextVar[object]("held")

    async def work() -> None:
        call = sampler.scope(label)
        call.stay()
        held.set(call)
        del call
        await asyncio.sleep(0)
        assert (sampler.job_label.get(), label.active) == (label, 1)

    gc.disable()  # the call ends with its last reference, and needs no collector
    try:
        await asyncio.create_task(work())
        await asyncio.sleep(0)
        assert (label.calls, label.active) == (1, 0)
    finally:
        gc.enable()
    assert sampler.job_label.get() is None


def test_busy_label_is_sampled_more_coarsely_by_itself_until_its_rate_is_set(sampling: Start) -> None:
    sampling(64)
    label = shared_label("busy", doubles=True)
    with sampler.scope(label):
        make(256)
        assert label.doublings == label.taken // 256 == 1
        make(256 * 64)
        assert (label.doublings, label.own_doublings) == (OWN_DOUBLINGS, 0)
    label.own_doublings = 2
    label.doublings = 0
    with sampler.scope(label):
        make(256)
    assert label.doublings == 0
    assert 0.95 < label.allocated_bytes / (1_000 * 256 * 66) < 1.25  # the list takes some, whenever it grows


async def test_asynchronous_generator_finished_by_the_loop_leaves_no_label(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")

    async def steps() -> AsyncIterator[int]:
        async with sampler.scope(label):
            yield 1

    async def consume() -> None:
        generator = steps()
        assert await anext(generator) == 1
        await generator.aclose()  # type: ignore[attr-defined]

    await asyncio.create_task(consume())
    assert sampler.job_label.get() is None
    assert label.active == 0
