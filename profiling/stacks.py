"""Live memory by stack, from one reading of the samples: a pure function."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from profiling.records import LiveStack, LiveStacks
from profiling.samples.estimates import LOOP_FUNCTIONS, SampleTable, users_frame

# Beside loops: what calls the function of a command, in `profiling.check.calls`, and what calls a test.
STARTERS = LOOP_FUNCTIONS | {"Caller.run_to_end", "pytest_pyfunc_call"}


def live_stacks(table: SampleTable, rss_bytes: int, limit: int) -> LiveStacks:
    """Return the `limit` largest stacks.

    The profiler's own memory does not count. Frames outside of the event loop are left out, because whoever started the
    loop has not called what the loop calls. So are those of a command that runs a function or a test.
    """
    frame_of = users_frame(table.frames)
    is_loop = [function in STARTERS for _, function, _ in table.frames]
    # Plain tuples and arrays, because thousands of other objects would let the garbage collector stop the service.
    numbers: dict[tuple[str | None, tuple[int, ...]], int] = {}
    sizes, counts = array("d"), array("d")
    unattributed_bytes = 0.0
    for row in table.rows():
        if not len(row.stack):
            unattributed_bytes += row.figures[0]
        elif frame_of(row.stack) is not None:
            number = numbers.setdefault((row.job, inside_loop(row.stack, is_loop)), len(sizes))
            if number == len(sizes):
                sizes.append(0.0)
                counts.append(0.0)
            sizes[number] += row.figures[0]
            counts[number] += row.figures[2]
    keys, size_bytes = list(numbers), list(map(round, sizes))
    ranked = sorted(numbers.values(), key=lambda number: -size_bytes[number])
    stacks = (LiveStack(*keys[number], size_bytes[number], round(counts[number])) for number in ranked[:limit])
    listed, frames = renumbered(stacks, table.frames)
    return LiveStacks(
        frames=frames,
        stacks=listed,
        size_bytes=sum(size_bytes) + round(unattributed_bytes),
        unattributed_bytes=round(unattributed_bytes),
        omitted_bytes=sum(size_bytes[number] for number in ranked[limit:]),
        rss_bytes=rss_bytes,
        bytes_per_sample=table.bytes_per_sample,
    )


def inside_loop(stack: Sequence[int], is_loop: Sequence[bool]) -> tuple[int, ...]:
    """Return the frames up to the loop, or up to whatever starts the program's code, outermost first."""
    end = next((place for place, number in enumerate(stack) if place and is_loop[number]), len(stack))
    return tuple(reversed(stack[:end]))


def renumbered(
    stacks: Iterable[LiveStack], frames: Sequence[tuple[str, str, int]]
) -> tuple[tuple[LiveStack, ...], tuple[tuple[str, str, int], ...]]:
    """Return the stacks with numbers for the frames that they use, and these frames."""
    numbers: dict[int, int] = {}
    listed = tuple(
        LiveStack(
            stack.scope,
            tuple(numbers.setdefault(number, len(numbers)) for number in stack.frames),
            stack.size_bytes,
            stack.count,
        )
        for stack in stacks
    )
    return listed, tuple(frames[number] for number in numbers)
