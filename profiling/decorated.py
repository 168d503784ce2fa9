"""The decorator `@profiler.run("prices")`: each call of the function is one run.

The run of a generator lasts from its first step to its end. Between two steps the consumer runs, so the samples of that
time are not attributed to the job.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar, cast

from profiling.samples import sampler

F = TypeVar("F", bound=Callable[..., Any])


class AnyRun(AbstractContextManager[Any], AbstractAsyncContextManager[Any], Protocol):
    """A context manager around a call, plain or async."""


def decorated(function: F, new_run: Callable[[], AnyRun]) -> F:
    """Return the function with a new run around each of its calls. Raises TypeError if it is not callable."""
    if not callable(function):
        raise TypeError(f"a run decorates a function, not {function!r}; write @profiler.run(...) above its `def`")
    if inspect.isasyncgenfunction(function):
        made = _async_generator(function, new_run)
    elif inspect.isgeneratorfunction(function):
        made = _generator(function, new_run)
    elif inspect.iscoroutinefunction(function):
        made = _coroutine(function, new_run)
    else:
        made = _plain(function, new_run)
    return cast("F", functools.wraps(function)(made))


def _plain(function: Callable[..., Any], new_run: Callable[[], AnyRun]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with new_run():
            return function(*args, **kwargs)

    return call


def _coroutine(function: Callable[..., Any], new_run: Callable[[], AnyRun]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        async with new_run():
            return await function(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], new_run: Callable[[], AnyRun]) -> Callable[..., Any]:
    def within(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with new_run():
            return (yield from function(*args, **kwargs))

    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _Steps(within(*args, **kwargs)))

    return call


def _async_generator(function: Callable[..., Any], new_run: Callable[[], AnyRun]) -> Callable[..., Any]:
    async def within(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        async with new_run():
            steps: AsyncGenerator[Any, Any] = function(*args, **kwargs)
            try:
                item = await anext(steps)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        item = await steps.athrow(error)
                    else:
                        item = await steps.asend(sent)
            except StopAsyncIteration:
                pass  # the generator has ended
            finally:
                await steps.aclose()

    def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        return _AsyncSteps(within(*args, **kwargs))

    return call


class _Apart:
    """A label that is only set within `step`; the label of the consumer is restored afterwards."""

    def __init__(self) -> None:
        self._has_begun = False
        self._label: sampler.Label | None = None

    @contextmanager
    def step(self) -> Iterator[None]:
        consumers = sampler.job_label.get()
        if self._has_begun:
            sampler.set_current_job(self._label)
        try:
            yield
        finally:
            self._has_begun, self._label = True, sampler.job_label.get()
            sampler.set_current_job(consumers)


class _Steps(Generator[Any, Any, Any]):
    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator
        self._apart = _Apart()

    def send(self, value: Any) -> Any:
        with self._apart.step():
            return self._generator.send(value)

    def throw(self, *error: Any) -> Any:
        with self._apart.step():
            return self._generator.throw(*error)


class _AsyncSteps(AsyncGenerator[Any, Any]):
    def __init__(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._generator = generator
        self._apart = _Apart()

    async def asend(self, value: Any) -> Any:
        with self._apart.step():
            return await self._generator.asend(value)

    async def athrow(self, *error: Any) -> Any:
        with self._apart.step():
            return await self._generator.athrow(*error)
