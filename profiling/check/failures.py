"""What a function or a file of the user's failed with, in words and from the user's frame on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from profiling.errors import CannotCheck, TargetFailed
from profiling.source import PROFILER_FILES, is_user_code


@contextmanager
def failures_told(what: str) -> Iterator[None]:
    """Turn whatever the user's code raises in the block into TargetFailed, its exit too.

    An interrupt stays an interrupt, and what is wrong with the call of the check passes.
    """
    try:
        yield
    except (KeyboardInterrupt, CannotCheck):
        raise
    except BaseException as error:
        raise TargetFailed(what, in_words(error), users_traceback(error)) from error


def in_words(error: BaseException) -> str:
    """Return `ValueError: no price`, or `SystemExit` for an error without a message."""
    name = type(error).__name__
    message = _message(error)
    return f"{name}: {message}" if message else name


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # its own `__str__` is broken
        return "its message cannot be had"


def users_traceback(error: BaseException) -> str:
    """Return the traceback from the user's first frame on, or an empty text if no frame is the user's."""
    frames = error.__traceback__
    while frames is not None and not is_users_frame(frames.tb_frame):
        frames = frames.tb_next
    if frames is None:
        return ""
    return "".join(traceback.TracebackException(type(error), error, frames, compact=True).format())


def is_users_frame(frame: FrameType) -> bool:
    """Return whether a frame runs the user's code."""
    return not is_ours(frame) and is_user_code(frame.f_code.co_filename)


def is_ours(frame: FrameType) -> bool:
    """Return whether a frame runs code of the profiler; some frames of the check stand in the user's file."""
    is_of_check = str(frame.f_globals.get("__name__")).startswith("profiling.check.")
    return is_of_check or frame.f_code.co_filename.startswith(PROFILER_FILES)
