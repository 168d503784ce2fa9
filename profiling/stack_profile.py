"""Memory by call stack, computed from readings of the samples by pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import overload

from profiling.records import UNKNOWN_SITE, OwnerKind
from profiling.records.stack_profile import Frame, StackProfile, StackRow
from profiling.samples.estimates import SampleTable, users_frame
from profiling.samples.sampling import OUTSIDE_JOBS
from profiling.samples.volumes import Volume, VolumeKey

NOT_REMEMBERED: Frame = ("", "(lines that are not remembered)", 0)
FIGURES = 4  # live bytes and blocks, allocated bytes and blocks


class StackSums:
    """Sums over readings of the samples, by job or scope and by stack.

    A stack begins at the user's line that the reports name, without the frames of libraries that it has called; with
    `all_frames` it begins at the innermost frame.
    """

    def __init__(self, *, all_frames: bool = False) -> None:
        self._all_frames = all_frames
        self._frames: list[Frame] = []
        self._numbers: dict[Frame, int] = {}
        self._rows: dict[tuple[str | None, bytes], int] = {}
        self._figures = array("d")

    def add_live(self, table: SampleTable, sign: float = 1.0) -> None:
        """Add what is alive; with the sign -1, subtract it."""
        self._add(table, 0, sign)

    def add_allocated(self, table: SampleTable) -> None:
        """Add what was allocated in some time, by stack."""
        self._add(table, 2, 1.0)

    def add_lines(self, lines: Iterable[tuple[VolumeKey, Volume]], elsewhere_bytes: float) -> None:
        """Add what was allocated since sampling began, which is known by line, and of lines that are not remembered."""
        for key, volume in lines:
            is_known = key.site != UNKNOWN_SITE
            stack = [self._number((key.site[0], key.function, key.site[1]))] if is_known else []
            self._add_to(key.job, array("I", stack).tobytes(), 2, volume.size_bytes, volume.blocks)
        if elsewhere_bytes:
            stack = [self._number(NOT_REMEMBERED)]
            self._add_to(None, array("I", stack).tobytes(), 2, elsewhere_bytes, 0.0)

    def profile(
        self,
        scopes: Iterable[str],
        bytes_per_sample: float,
        at_s: float,
        *,
        seconds: float | None = None,
    ) -> StackProfile:
        """Return the sums; an owner that is none of the scopes is a job."""
        kinds = {owner: OwnerKind.JOB for owner, _ in self._rows if owner is not None}
        kinds |= dict.fromkeys(kinds.keys() & set(scopes), OwnerKind.SCOPE)
        if OUTSIDE_JOBS in kinds:
            kinds[OUTSIDE_JOBS] = OwnerKind.OUTSIDE
        return StackProfile(
            frames=self._frames,
            rows=_Rows(self._rows, self._figures),
            kinds=kinds,
            bytes_per_sample=bytes_per_sample,
            at_s=at_s,
            seconds=seconds,
        )

    def _add(self, table: SampleTable, first: int, sign: float) -> None:
        frame_of, numbers = users_frame(table.frames), [self._number(frame) for frame in table.frames]
        is_same = numbers == list(range(len(numbers)))  # as in the first reading
        for row in table.rows():
            stack = row.stack
            if len(stack):
                number = frame_of(stack)
                if number is None:  # the profiler's own
                    continue
                if not self._all_frames:
                    stack = stack[stack.index(number) :]
            packed = bytes(stack) if is_same else array("I", map(numbers.__getitem__, stack)).tobytes()
            self._add_to(row.job, packed, first, sign * row.figures[0], sign * row.figures[2])

    def _add_to(self, owner: str | None, stack: bytes, first: int, size_bytes: float, blocks: float) -> None:
        begin = self._rows.setdefault((owner, stack), len(self._figures))
        if begin == len(self._figures):
            self._figures.extend((0.0,) * FIGURES)
        self._figures[begin + first] += size_bytes
        self._figures[begin + first + 1] += blocks

    def _number(self, frame: Frame) -> int:
        number = self._numbers.setdefault(frame, len(self._frames))
        if number == len(self._frames):
            self._frames.append(frame)
        return number


class _Rows(Sequence[StackRow]):
    """The rows, each made when it is asked for, because all of them at once would take some megabytes."""

    def __init__(self, rows: Mapping[tuple[str | None, bytes], int], figures: Sequence[float]) -> None:
        self._keys = list(rows)
        self._figures = figures

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, at: int) -> StackRow: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[StackRow]: ...

    def __getitem__(self, at: int | slice) -> StackRow | Sequence[StackRow]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        owner, stack = self._keys[at]
        begin = FIGURES * (at % len(self))
        return StackRow(owner, memoryview(stack).cast("I"), *self._figures[begin : begin + FIGURES])
