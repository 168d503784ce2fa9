"""Stacks as a profile.proto of Google's pprof, gzipped, for `go tool pprof`, Grafana Pyroscope and Parca.

https://github.com/google/pprof/blob/main/proto/profile.proto. The protobuf runtime would take 6.6 MB and 70 ms at its
import; the eight messages of a profile need varints and lengths, and no more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from profiling.records import OwnerKind
from profiling.records.stack_profile import Frame, StackProfile
from profiling.source import short_path

SAMPLE_TYPES = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
)
NO_FRAME: Frame = ("", "(no Python code)", 0)
GZIP = 31  # window bits of zlib, with the header and the checksum of gzip
LEVEL = 4  # a quarter of the time of the default, for a few per cent more bytes
PIECE_BYTES = 1 << 16
_MASK = (1 << 64) - 1
_SMALL = [bytes([value]) for value in range(0x80)]


def to_pprof(profile: StackProfile, *, executable: str, build_id: str, default: str = "inuse_space") -> bytes:
    """Return the profile, gzipped.

    Args:
        profile: What to encode.
        executable: Path of the program, for the mapping.
        build_id: The build id of the program, in hexadecimal; empty if it has none.
        default: The sample type that tools show first.
    """
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    packed, waiting = [], bytearray()
    for message in _messages(profile, executable, build_id, default):
        waiting += message
        if len(waiting) >= PIECE_BYTES:  # each call of zlib takes a buffer of 16 KB
            packed.append(packer.compress(waiting))
            waiting = bytearray()
    return b"".join([*packed, packer.compress(waiting), packer.flush()])


class _Strings:
    """The table of strings, in which the first is empty."""

    def __init__(self) -> None:
        self.numbers = {"": 0}

    def __getitem__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def _messages(profile: StackProfile, executable: str, build_id: str, default: str) -> Iterator[bytes]:
    """Yield the fields of the profile in pieces."""
    strings = _Strings()
    for name, unit in SAMPLE_TYPES:
        yield _message(1, _value_type(strings, name, unit))
    yield from _samples(profile, strings)
    yield _message(3, _mapping(strings, executable, build_id))
    yield from _locations(profile.frames, strings)
    yield _field(9, round(profile.at_s * 1e9))
    if profile.seconds is not None:
        yield _field(10, round(profile.seconds * 1e9))
    yield _message(11, _value_type(strings, "space", "bytes"))
    yield _field(12, round(profile.bytes_per_sample))
    yield _field(13, strings[f"estimates of profiling, one sample per {round(profile.bytes_per_sample)} bytes"])
    yield _field(14, strings[default])
    for text in strings.numbers:
        yield _message(6, text.encode(errors="backslashreplace"))


def _samples(profile: StackProfile, strings: _Strings) -> Iterator[bytes]:
    no_frame = _varint(len(profile.frames) + 1)
    labels = {None: b""} | {owner: _label(strings, owner, kind) for owner, kind in profile.kinds.items()}
    ids = [_varint(number) for number in range(1, len(profile.frames) + 1)]
    for row in profile.rows:
        values = tuple(map(round, (row.allocated_blocks, row.allocated_bytes, row.live_blocks, row.live_bytes)))
        if any(values):
            stack = b"".join([ids[number] for number in row.stack]) or no_frame
            yield _message(2, _message(1, stack) + _message(2, b"".join(map(_varint, values))) + labels[row.owner])


def _label(strings: _Strings, owner: str, kind: OwnerKind) -> bytes:
    key = "job" if kind is OwnerKind.JOB else "scope"
    return _message(3, _field(1, strings[key]) + _field(2, strings[owner]))


def _locations(frames: Iterable[Frame], strings: _Strings) -> Iterator[bytes]:
    """Yield a location for each frame, the last of them for memory without a frame, and a function for each."""
    functions: dict[tuple[str, str], int] = {}
    for number, (file, function, line) in enumerate((*frames, NO_FRAME), 1):
        known = len(functions)
        function_id = functions.setdefault((file, function), known + 1)
        if function_id > known:
            name = f"{module_of(file)}.{function}" if file else function
            names = _field(2, strings[name]) + _field(3, strings[function]) + _field(4, strings[file])
            yield _message(5, _field(1, function_id) + names)
        yield _message(4, _field(1, number) + _field(2, 1) + _message(4, _field(1, function_id) + _field(2, line)))


def module_of(file: str) -> str:
    """Return the dotted name of the module in a file: `volaris.jobs.prices`."""
    return short_path(file).removesuffix(".py").removesuffix("/__init__").strip("/").replace("/", ".")


def _mapping(strings: _Strings, executable: str, build_id: str) -> bytes:
    has = b"".join(_field(number, 1) for number in (7, 8, 9))  # functions, names of files, line numbers
    return _field(1, 1) + _field(5, strings[executable]) + _field(6, strings[build_id]) + has


def _value_type(strings: _Strings, name: str, unit: str) -> bytes:
    return _field(1, strings[name]) + _field(2, strings[unit])


def _field(number: int, value: int) -> bytes:
    """Return a field with a whole number; zero is the default, and left out."""
    return _varint(number << 3) + _varint(value) if value else b""


def _message(number: int, content: bytes) -> bytes:
    """Return a field with a message, a text or packed numbers."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    if 0 <= value < 0x80:
        return _SMALL[value]
    value &= _MASK  # a negative number in two's complement
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)
