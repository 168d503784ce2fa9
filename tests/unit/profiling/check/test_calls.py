"""What is run to its end, and where."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from types import FrameType

import pytest

from profiling.check.calls import Caller
from profiling.records import UNKNOWN_SITE

run_to_end = Caller(("/shop/jobs.py", 7)).run_to_end
seen: list[object] = []
label: ContextVar[str] = ContextVar("label", default="none")


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def plain() -> None:
    seen.append("end")


async def coroutine() -> None:
    await asyncio.sleep(0)
    seen.append("end")


def generator() -> Iterator[int]:
    yield 1
    yield 2
    seen.append("end")


async def async_generator() -> AsyncIterator[int]:
    yield 1
    await asyncio.sleep(0)
    yield 2
    seen.append("end")


def returns_an_awaitable() -> Awaitable[None]:
    return coroutine()


def runs_a_loop_of_its_own() -> None:
    asyncio.run(coroutine())


@pytest.mark.parametrize(
    "function", [plain, coroutine, generator, async_generator, returns_an_awaitable, runs_a_loop_of_its_own]
)
def test_function_of_any_kind_is_run_to_its_end_each_time(function: Callable[[], object], loop: asyncio.Runner) -> None:
    run_to_end(function, loop)
    run_to_end(function, loop)
    assert seen == ["end", "end"]


def test_task_of_one_run_goes_on_in_the_next_and_bears_the_context_of_its_run(loop: asyncio.Runner) -> None:
    async def work(gate: asyncio.Event) -> None:
        await gate.wait()
        seen.append(label.get())

    async def begin() -> None:
        seen.append(gate := asyncio.Event())
        seen.append(asyncio.create_task(work(gate)))

    async def end() -> None:
        gate, task = seen[:2]
        assert isinstance(gate, asyncio.Event)
        assert isinstance(task, asyncio.Task)
        gate.set()
        await task
        seen.append(label.get())

    for name, function in (("first", begin), ("second", end)):
        label.set(name)
        run_to_end(function, loop)
    assert seen[2:] == ["first", "second"]


def test_function_of_unknown_place_is_run_too(loop: asyncio.Runner) -> None:
    Caller(UNKNOWN_SITE).run_to_end(coroutine, loop)
    assert seen == ["end"]


def its_caller() -> None:
    seen.append(sys._getframe(1))


async def its_awaiting_caller() -> None:
    its_caller()
    seen.append(sys._getframe(1))


def its_iterator() -> Iterator[None]:
    seen.append(sys._getframe(1))
    yield


async def its_async_iterator() -> AsyncIterator[None]:
    seen.append(sys._getframe(1))
    yield


@pytest.mark.parametrize("function", [its_caller, its_awaiting_caller, its_iterator, its_async_iterator])
def test_call_stands_at_the_place_in_the_users_code(function: Callable[[], object], loop: asyncio.Runner) -> None:
    run_to_end(function, loop)
    frame = seen[-1]
    assert isinstance(frame, FrameType)
    assert (frame.f_code.co_filename, frame.f_lineno) == ("/shop/jobs.py", 7)


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("no price")])
def test_what_a_function_raises_comes_out(error: BaseException, loop: asyncio.Runner) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise error

    async def fails_in_the_loop() -> None:
        raise error

    for function in (fails, fails_in_the_loop):
        with pytest.raises(type(error)):
            run_to_end(function, loop)
