"""Labels for work in threads, which do not inherit the context of their creator.

While sampling is on, `ThreadPoolExecutor.submit` and `threading.Thread.start` pass on the label of their caller. So
work in `run_in_executor`, thread pools and plain threads is attributed to the right job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from profiling.samples import sampler

_submit = ThreadPoolExecutor.submit
_start = threading.Thread.start


def follow() -> None:
    """Start to pass labels on to threads; a second call changes nothing."""
    ThreadPoolExecutor.submit = _submit_with_label  # type: ignore[method-assign, assignment]
    threading.Thread.start = _start_with_label  # type: ignore[method-assign, assignment]


def leave() -> None:
    """Stop to pass labels on, unless somebody else has patched the same methods since."""
    if ThreadPoolExecutor.submit is _submit_with_label:
        ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign]
    if threading.Thread.start is _start_with_label:
        threading.Thread.start = _start  # type: ignore[method-assign]


def _submit_with_label(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    label = sampler.job_label.get()
    if label is None:
        return _submit(pool, work, *args, **kwargs)
    # A worker that the pool starts now also works for others, so the worker itself gets no label.
    token = sampler.job_label.set(None)
    try:
        return _submit(pool, _Labelled(label, work), *args, **kwargs)
    finally:
        sampler.job_label.reset(token)


class _Labelled:
    """A call that runs under a label."""

    __slots__ = ("_label", "_work")

    def __init__(self, label: sampler.Label, work: Callable[..., Any]) -> None:
        self._label = label
        self._work = work

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        previous = sampler.set_current_job(self._label)
        try:
            return self._work(*args, **kwargs)
        finally:
            sampler.set_current_job(previous)


def _start_with_label(thread: threading.Thread) -> None:
    label = sampler.job_label.get()
    if label is not None:
        work = thread.run

        def run() -> None:
            del thread.run  # uncovers the method of the class again, and leaves no reference cycle
            _Labelled(label, work)()

        thread.run = run  # type: ignore[method-assign]
    _start(thread)
