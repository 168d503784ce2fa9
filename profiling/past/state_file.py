"""The file in which the past outlives the process: written as a whole, and read once, at the start.

Processes of one service share a folder. Each claims the first file that no living process has claimed, so a process
that starts again finds the file of the one before it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from profiling.past.events import MAX_EVENTS
from profiling.past.rings import WIDTH
from profiling.records.timeline import EventKind, PastEvent, Span

VERSION = 1
MAX_BYTES = 1 << 20
MAX_FILES = 64  # processes that share a folder; a further one keeps its past to itself

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is kept over a restart."""

    saved_s: float  # since the epoch
    is_closed: bool  # whether the profiler was closed; otherwise the process was killed, or never closed it
    names: Sequence[str | None]  # of the columns
    rows: Mapping[Span, array[int]]
    events: Sequence[PastEvent]


def dumps(state: State) -> bytes:
    """Return the state as a line of JSON and the rows after it."""
    rows = b"".join(state.rows[span].tobytes() for span in Span)
    head = {
        "version": VERSION,
        "byteorder": sys.byteorder,
        "width": WIDTH,
        "saved_s": state.saved_s,
        "is_closed": state.is_closed,
        "names": list(state.names),
        "lengths": [len(state.rows[span]) for span in Span],
        "events": [asdict(event) for event in state.events],
        "crc32": zlib.crc32(rows),
    }
    return json.dumps(head).encode() + b"\n" + rows


def loads(data: bytes) -> State:
    """Return the state. Raises ValueError, KeyError or TypeError if the data is not that of `dumps`."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has over {MAX_BYTES} bytes")
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    if (head["version"], head["byteorder"], head["width"]) != (VERSION, sys.byteorder, WIDTH):
        raise ValueError("another version has written it, or another machine")
    if zlib.crc32(rest) != head["crc32"]:
        raise ValueError("its checksum is wrong")
    rows, numbers = {}, array("I")
    numbers.frombytes(rest)
    for span, length in zip(Span, head["lengths"], strict=True):
        rows[span], numbers = numbers[: int(length)], numbers[int(length) :]
    events = [PastEvent(**{**event, "kind": EventKind(event["kind"])}) for event in head["events"][-MAX_EVENTS:]]
    if not all(name is None or isinstance(name, str) for name in head["names"]):
        raise ValueError("a name is no text")
    return State(
        saved_s=float(head["saved_s"]),
        is_closed=bool(head["is_closed"]),
        names=head["names"],
        rows=rows,
        events=events,
    )


def read_state(path: Path) -> State:
    """Return the state in a file. Raises OSError, or ValueError if `StateFile.write` has not made the file."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        return loads(data)
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError("it is no stored timeline") from error


class StateFile:
    """The file that this process has claimed."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock  # descriptor of the locked file, whose lock ends with the process

    @classmethod
    def claim(cls, folder: Path) -> StateFile | None:
        """Claim a file in the folder, which is made if it is missing; return None, and log why, if that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(MAX_FILES):
                lock = os.open(folder / f"timeline-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(lock)
                    continue
                return cls(folder / f"timeline-{number}.bin", lock)
            _logger.warning("the past is not kept over restarts: all %d files in %s are in use", MAX_FILES, folder)
        except OSError as error:
            _logger.warning("the past is not kept over restarts: %s", error)
        return None

    def read(self) -> State | None:
        """Return the state of an earlier process, or None; log why if there is a file that cannot be used."""
        try:
            return read_state(self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _logger.warning("the past in %s is ignored: %s", self.path, error)
            return None

    def write(self, state: State) -> None:
        """Replace the file as a whole, so that a reader finds the old state or the new one. Raises OSError."""
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(dumps(state))
        new.replace(self.path)

    def close(self) -> None:
        """Give the file up, for another process to claim."""
        os.close(self._lock)
