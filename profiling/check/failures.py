"""How the user's code failed: the error as text, and the traceback from the user's first frame on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from profiling.errors import CannotCheck, TargetFailed
from profiling.source import PROFILER_FILES, is_user_code


@contextmanager
def failures_told(what: str) -> Iterator[None]:
    """Turn whatever the user's code raises in the block, SystemExit too, into TargetFailed.

    KeyboardInterrupt and CannotCheck pass unchanged.
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
    except Exception:  # its own `__str__` fails
        return "its message cannot be read"


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
    """Return whether a frame runs code of the profiler. Some of these frames have the file name of the user's code."""
    is_of_check = str(frame.f_globals.get("__name__")).startswith("profiling.check.")
    return is_of_check or frame.f_code.co_filename.startswith(PROFILER_FILES)
