"""A run around each call of a function, whatever kind of function it is."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing

import pytest

from profiling import Level, Outcome, Profiler
from profiling.samples import sampler

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.COUNTERS)) as profiler:
        yield profiler


def outcomes(profiler: Profiler) -> list[Outcome]:
    return [run.outcome for run in profiler.runs("x")]


def test_each_call_of_a_plain_function_is_a_run_and_gives_what_the_function_gives(profiler: Profiler) -> None:
    @profiler.run("x")
    def twice(number: int, *, more: int = 0) -> int:
        """Return twice the number."""
        return 2 * number + more

    assert [twice(2), twice(3, more=1)] == [4, 7]
    assert (twice.__name__, twice.__doc__) == ("twice", "Return twice the number.")
    assert outcomes(profiler) == [Outcome.COMPLETED] * 2


def test_error_passes_and_is_the_outcome_of_its_run(profiler: Profiler) -> None:
    @profiler.run("x")
    def fails() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        fails()
    assert outcomes(profiler) == [Outcome.FAILED]


async def test_calls_of_an_async_function_may_overlap(profiler: Profiler) -> None:
    @profiler.run("x")
    async def waits(number: int) -> int:
        await asyncio.sleep(0)
        return number

    assert inspect.iscoroutinefunction(waits)
    assert list(await asyncio.gather(waits(1), waits(2))) == [1, 2]
    assert outcomes(profiler) == [Outcome.COMPLETED] * 2


def test_generator_takes_what_is_sent_and_thrown_and_its_run_ends_with_it(profiler: Profiler) -> None:
    @profiler.run("x")
    def echoes() -> Generator[object, object, str]:
        told: object = None
        while told != "end":
            try:
                told = yield told
            except LookupError as error:
                told = f"caught {error.args[0]}"
        return "done"

    steps = echoes()
    assert inspect.isgeneratorfunction(echoes)
    assert "x" not in profiler.history.jobs()
    assert (next(steps), steps.send(1), steps.throw(LookupError("k"))) == (None, 1, "caught k")
    assert "x" not in profiler.history.jobs()
    with pytest.raises(StopIteration) as end:
        steps.send("end")
    assert end.value.value == "done"
    assert outcomes(profiler) == [Outcome.COMPLETED]


def test_generator_of_which_nobody_wants_more_has_completed(profiler: Profiler) -> None:
    closed = []

    @profiler.run("x")
    def counts() -> Generator[int, None, None]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    with closing(counts()) as numbers:
        assert next(numbers) == 0
    assert (closed, outcomes(profiler)) == ([True], [Outcome.COMPLETED])


async def test_async_generator_is_one_run_from_its_first_step_to_its_end(profiler: Profiler) -> None:
    @profiler.run("x")
    async def counts(end: int) -> AsyncGenerator[int, None]:
        for number in range(end):
            await asyncio.sleep(0)
            yield number

    assert [number async for number in counts(3)] == [0, 1, 2]
    assert outcomes(profiler) == [Outcome.COMPLETED]
    async with aclosing(counts(3)) as numbers:
        assert await anext(numbers) == 0
    assert outcomes(profiler) == [Outcome.COMPLETED] * 2


async def test_async_generator_takes_what_is_sent_and_thrown_and_fails_with_its_error(profiler: Profiler) -> None:
    @profiler.run("x")
    async def echoes() -> AsyncGenerator[object, object]:
        told: object = None
        while True:
            try:
                told = yield told
            except LookupError as error:
                told = error.args[0]

    steps = echoes()
    assert [await anext(steps), await steps.asend(1), await steps.athrow(LookupError("k"))] == [
        None,
        1,
        "k",
    ]
    with pytest.raises(ValueError, match="no more"):
        await steps.athrow(ValueError("no more"))
    assert outcomes(profiler) == [Outcome.FAILED]


@needs_samples
@pytest.mark.parametrize("is_async", [False, True])
async def test_what_the_consumer_keeps_between_two_steps_is_not_the_generators(is_async: bool) -> None:
    kept: list[bytes] = []
    with closing(Profiler(level=Level.SAMPLES, sample_bytes=256)) as profiler:

        @profiler.run("x")
        def makes() -> Iterator[bytes]:
            for _ in range(5):
                yield bytes(50_000)

        @profiler.run("x")
        async def makes_async() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield bytes(50_000)

        if is_async:
            async for made in makes_async():
                kept.extend((made, bytes(90_000)))
        else:
            for made in makes():
                kept.extend((made, bytes(90_000)))
        (run,) = profiler.runs("x")
    assert run.samples is not None
    assert run.samples.retained.size_bytes == pytest.approx(5 * 50_033, rel=0.1)
    assert sampler.job_label.get() is None


def test_run_that_decorates_no_function_says_what_to_write(profiler: Profiler) -> None:
    with pytest.raises(TypeError, match="a run decorates a function, not 5"):
        profiler.run("x")(5)  # type: ignore[type-var]
