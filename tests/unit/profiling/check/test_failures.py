"""A failure of the user's code, in words."""

from __future__ import annotations

import asyncio

import pytest

from profiling.check.failures import failures_told, in_words
from profiling.errors import TargetFailed


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no price"), "ValueError: no price"),
        (ValueError(), "ValueError"),
        (SystemExit(3), "SystemExit: 3"),
        (SystemExit(), "SystemExit"),
        (Unspeakable(), "Unspeakable: its message cannot be read"),
    ],
)
def test_error_is_told_by_type_and_message(error: BaseException, told: str) -> None:
    assert in_words(error) == told


def test_interrupt_stays_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), failures_told("it failed"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("error", [SystemExit(0), asyncio.CancelledError(), StopIteration(), GeneratorExit()])
def test_what_would_end_the_process_or_a_task_is_a_failure(error: BaseException) -> None:
    with pytest.raises(TargetFailed, match=type(error).__name__), failures_told("it failed"):
        raise error
