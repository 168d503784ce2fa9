"""Where the result of a check is written, and where the output of the user's code goes in the meantime."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STDOUT, STDERR = 1, 2  # the descriptors that a process, its C code and its children print to


def open_closed_streams() -> None:
    """Replace stdout or stderr by the null device if it was closed when the process began."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for the rest of the process


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Redirect to stderr whatever the block prints to stdout, from C code and child processes too."""
    with contextlib.redirect_stdout(sys.stderr):
        _flush()
        try:
            kept = os.dup(STDOUT)
        except OSError:  # stdout is closed
            yield
            return
        try:
            os.dup2(STDERR, STDOUT)
            yield
        finally:
            _flush()
            os.dup2(kept, STDOUT)
            os.close(kept)


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full, or not there
            stream.flush()  # type: ignore[union-attr]


def why_not_written(text: str, stream: TextIO) -> str | None:
    """Write a result. Return why that failed, or None if it is written or its reader has closed the pipe.

    Characters that the stream's encoding does not have are escaped.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _lose(stream)
    except (OSError, ValueError) as error:
        _lose(stream)
        return str(error)
    return None


def _lose(stream: TextIO) -> None:
    """Discard the text that could not be written: from Python 3.14 on the stream keeps it, and would write it later."""
    end_of_stdout(os.devnull)
    with contextlib.suppress(OSError, ValueError):
        stream.flush()


def end_of_stdout(path: str | None = None) -> None:
    """Redirect further output of the process to the file, by default to stderr, because the result is complete."""
    with contextlib.suppress(OSError):
        where = STDERR if path is None else os.open(path, os.O_WRONLY)
        os.dup2(where, STDOUT)
        if path is not None:
            os.close(where)
