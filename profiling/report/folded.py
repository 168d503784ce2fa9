"""Stacks as text: folded for flame graphs (`a;b;c 4096`), and as a list for people."""

from __future__ import annotations

from collections.abc import Iterator

from profiling.records.stack_profile import Frame, StackProfile, StackRow
from profiling.report.pprof import NO_FRAME, module_of
from profiling.source import short_path
from profiling.units import format_bytes, format_change

MAX_LISTED = 100  # stacks in a text for people
FIGURES = {"inuse_space": "live_bytes", "alloc_space": "allocated_bytes"}
NO_OWNER = "(before scopes were known)"


def to_folded(profile: StackProfile, figure: str = "inuse_space") -> str:
    """Return a line for each owner and stack, outermost frame first; stacks that have shrunk are left out."""
    names = [_name(frame).replace(";", ",") for frame in profile.frames]
    sums: dict[str, int] = {}
    for row in profile.rows:
        size_bytes = round(getattr(row, FIGURES[figure]))
        if size_bytes > 0:
            stack = [names[number] for number in reversed(row.stack)] or [NO_FRAME[1]]
            line = ";".join([(row.owner or NO_OWNER).replace(";", ","), *stack])
            sums[line] = sums.get(line, 0) + size_bytes
    return "".join(f"{line} {size_bytes}\n" for line, size_bytes in sorted(sums.items()))


def stacks_to_text(profile: StackProfile, figure: str = "inuse_space") -> str:
    """Return the largest stacks, or the largest changes, for people."""
    return "\n".join(_lines(profile, FIGURES[figure])) + "\n"


def _lines(profile: StackProfile, figure: str) -> Iterator[str]:
    is_change = profile.seconds is not None
    rows = sorted(profile.rows, key=lambda row: -abs(getattr(row, figure)))
    total_bytes = round(sum(getattr(row, figure) for row in rows))
    what = "alive" if figure == "live_bytes" else "allocated, freed since or not"
    told = f"{format_change(total_bytes)} in {profile.seconds:.1f} s" if is_change else format_bytes(total_bytes)
    yield f"{told} {what}, estimated from one sample every {format_bytes(round(profile.bytes_per_sample))}"
    for row in rows[:MAX_LISTED]:
        size_bytes = round(getattr(row, figure))
        if size_bytes:
            yield ""
            yield from _stack(
                profile, row, format_change(size_bytes) if is_change else format_bytes(size_bytes), figure
            )
    if len(rows) > MAX_LISTED:
        yield f"\n{len(rows) - MAX_LISTED} smaller stacks are not listed"


def _stack(profile: StackProfile, row: StackRow, size: str, figure: str) -> Iterator[str]:
    blocks = round(row.live_blocks if figure == "live_bytes" else row.allocated_blocks)
    yield f"{size} in {blocks} blocks of {row.owner or NO_OWNER}"
    for number in row.stack:
        file, function, line = profile.frames[number]
        yield f"    {short_path(file)}:{line} {function}" if file else f"    {function}"
    if not len(row.stack):
        yield f"    {NO_FRAME[1]}"


def _name(frame: Frame) -> str:
    file, function, line = frame
    return f"{module_of(file)}.{function}:{line}" if file else function
