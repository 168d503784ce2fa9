"""The page of a stored profile, which knows what was alive by stack, and nothing else: pure functions."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime

from profiling.records import LiveStack, LiveStacks, OwnerKind
from profiling.records.stack_profile import StackProfile
from profiling.records.timeline import Parts
from profiling.report.headline import Alert, Headline, size_text
from profiling.report.page.document import report_html
from profiling.report.page.state import PageState, Row, order, shares_of
from profiling.report.stacks import stacks_to_dict
from profiling.source import is_user_code, short_path
from profiling.stacks import STARTERS, inside_loop, renumbered

MAX_ROWS = 100
MAX_STACKS = 5_000
NO_OWNER = "(before scopes were known)"


def profile_html(profile: StackProfile, when: str = "") -> bytes:
    """Return the report of a profile as one file. Looks up the packages of files, so call this in a thread.

    Args:
        profile: The profile.
        when: At which moment the memory was alive, such as "at the peak", if that is known.
    """
    live = stacks_of(profile, MAX_STACKS)
    return report_html(state_of(profile, when), {"memory/stacks": json.dumps(stacks_to_dict(live)).encode()})


def state_of(profile: StackProfile, when: str = "") -> PageState:
    """Return the first screen: who holds how much. Of a change, only what was added counts."""
    held: dict[str | None, float] = defaultdict(float)
    for row in profile.rows:
        held[row.owner] += max(0.0, row.live_bytes)
    rows = sorted(
        (_row(profile, owner, round(held_bytes)) for owner, held_bytes in held.items() if held_bytes), key=order
    )
    total_bytes = sum(row.held_bytes or 0 for row in rows)
    return PageState(
        at=datetime.fromtimestamp(profile.at_s, UTC),
        process=None,
        usage=None,
        headline=Headline(
            alert=Alert.CALM,
            memory=_memory(profile, total_bytes, when),
            cause=_cause(profile),
            deadline=None,
            end="",
        ),
        shares=shares_of(total_bytes, rows, Parts()),
        rows=tuple(rows[:MAX_ROWS]),
        can_steer=False,
        unjudged="",
    )


def stacks_of(profile: StackProfile, limit: int) -> LiveStacks:
    """Return the `limit` largest stacks. Of a change, only what was added counts."""
    grown = [row for row in profile.rows if row.live_bytes > 0]
    is_start = [function in STARTERS for _, function, _ in profile.frames]
    stacks = sorted(
        (
            LiveStack(row.owner, inside_loop(row.stack, is_start), round(row.live_bytes), round(row.live_blocks))
            for row in grown
            if len(row.stack)
        ),
        key=lambda stack: -stack.size_bytes,
    )
    unattributed_bytes = round(sum(row.live_bytes for row in grown if not len(row.stack)))
    size_bytes = sum(stack.size_bytes for stack in stacks) + unattributed_bytes
    listed, frames = renumbered(stacks[:limit], profile.frames)
    return LiveStacks(
        frames=frames,
        stacks=listed,
        size_bytes=size_bytes,
        unattributed_bytes=unattributed_bytes,
        omitted_bytes=sum(stack.size_bytes for stack in stacks[limit:]),
        rss_bytes=size_bytes,
        bytes_per_sample=profile.bytes_per_sample,
    )


def _row(profile: StackProfile, owner: str | None, held_bytes: int) -> Row:
    kind = OwnerKind.OUTSIDE if owner is None else profile.kinds.get(owner, OwnerKind.JOB)
    return Row(name=owner or NO_OWNER, kind=kind, calls=0, held_bytes=held_bytes, pace_bytes=None, verdict=None)


def _memory(profile: StackProfile, total_bytes: int, when: str) -> str:
    if profile.seconds is None:
        return f"{size_text(total_bytes)} were alive{when and f' {when}'}."
    return f"{size_text(total_bytes)} more were alive after {profile.seconds:.0f} s."


def _cause(profile: StackProfile) -> str:
    """Return which line held most: of each stack the innermost line of the user's own code, or else the innermost."""
    is_users = [is_user_code(file) for file, _, _ in profile.frames]
    held: dict[tuple[str, int], float] = defaultdict(float)
    for row in profile.rows:
        if len(row.stack) and row.live_bytes > 0:
            number = next((number for number in row.stack if is_users[number]), row.stack[0])
            file, _, line = profile.frames[number]
            held[file, line] += row.live_bytes
    if not held:
        return "No line is known."
    (file, line), size_bytes = max(held.items(), key=lambda entry: entry[1])
    return f"{short_path(file)}:{line} held most, {size_text(size_bytes)}."
