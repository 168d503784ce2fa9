"""A profile.proto of pprof as stacks: what `profiling.report.pprof` writes, and heap profiles of other tools."""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterator

from profiling.records import OwnerKind
from profiling.records.stack_profile import Frame, StackProfile, StackRow

MAX_BYTES = 256 << 20  # of a profile, unpacked
GZIP = 31
_FIXED = {1: 8, 5: 4}  # bytes of the kinds of fields that a profile does not use

Fields = dict[int, list[int | bytes]]


def from_pprof(data: bytes) -> StackProfile:
    """Return the stacks of a heap profile. Raises ValueError if the data is none, or too large."""
    try:
        return _profile(_fields(_unpacked(data)))
    except (IndexError, KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"this is no profile of pprof: {error}") from error


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    unpacker = zlib.decompressobj(GZIP)
    unpacked = unpacker.decompress(data, MAX_BYTES)
    if not unpacker.eof:
        raise ValueError(f"the profile is cut off, or has over {MAX_BYTES} bytes")
    return unpacked


def _profile(fields: Fields) -> StackProfile:
    strings = [bytes(text).decode(errors="replace") for text in _all(fields, 6, bytes)]
    if not strings:
        raise ValueError("this is no profile of pprof: it has no texts")
    types = [strings[_one(_fields(each), 1)] for each in _all(fields, 1, bytes)]
    numbers, frames = _frames(fields, strings)
    at = {name: types.index(name) if name in types else None for name in ("inuse_space", "inuse_objects")}
    at |= {name: types.index(name) if name in types else None for name in ("alloc_space", "alloc_objects")}
    kinds: dict[str, OwnerKind] = {}
    rows = []
    for sample in map(_fields, _all(fields, 2, bytes)):
        values = [_signed(value) for value in _packed(sample, 2)]
        owner = _owner(sample, strings, kinds)
        stack = array("I", (number for location in _packed(sample, 1) for number in numbers[location]))
        rows.append(StackRow(owner, stack, *(float(values[i]) if i is not None else 0.0 for i in at.values())))
    nanos = _one(fields, 10)
    return StackProfile(
        frames=frames,
        rows=rows,
        kinds=kinds,
        bytes_per_sample=float(_one(fields, 12)),
        at_s=_one(fields, 9) / 1e9,
        seconds=nanos / 1e9 if nanos else None,
    )


def _frames(fields: Fields, strings: list[str]) -> tuple[dict[int, list[int]], list[Frame]]:
    """Return the numbers of the frames of each location, innermost first, and the frames."""
    functions: dict[int, tuple[str, str]] = {}
    for function in map(_fields, _all(fields, 5, bytes)):
        functions[_one(function, 1)] = strings[_one(function, 4)], strings[_one(function, 3) or _one(function, 2)]
    numbers: dict[int, list[int]] = {}
    frames: list[Frame] = []
    for location in map(_fields, _all(fields, 4, bytes)):
        own = numbers.setdefault(_one(location, 1), [])
        for line in map(_fields, _all(location, 4, bytes)):
            file, name = functions[_one(line, 1)]
            own.append(len(frames))
            frames.append((file, name, _one(line, 2)))
    return numbers, frames


def _owner(sample: Fields, strings: list[str], kinds: dict[str, OwnerKind]) -> str | None:
    for label in map(_fields, _all(sample, 3, bytes)):
        key, owner = strings[_one(label, 1)], strings[_one(label, 2)]
        if key in {"job", "scope"}:
            kinds[owner] = OwnerKind.JOB if key == "job" else OwnerKind.SCOPE
            return owner
    return None


def _fields(message: bytes) -> Fields:
    found: Fields = defaultdict(list)
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            found[number].append(value)
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("this is no profile of pprof: it is cut off")
            found[number].append(message[at : at + length])
            at += length
        else:
            at += _FIXED[kind]
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("this is no profile of pprof: a number is too long")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _one(fields: Fields, number: int) -> int:
    values = fields.get(number)
    if not values:
        return 0
    if not isinstance(values[-1], int):
        raise TypeError(f"field {number} is no number")
    return values[-1]


def _all(fields: Fields, number: int, kind: type[bytes]) -> Iterator[bytes]:
    for value in fields.get(number, ()):
        if not isinstance(value, kind):
            raise TypeError(f"field {number} is no message")
        yield value


def _packed(fields: Fields, number: int) -> Iterator[int]:
    """Yield the numbers of a repeated field, packed or one by one."""
    for value in fields.get(number, ()):
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            each, at = _varint(value, at)
            yield each
