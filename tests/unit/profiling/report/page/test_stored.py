"""The page of a stored profile: its parts sum up to what was alive, and it claims to know nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from profiling.records import OwnerKind
from profiling.records.stack_profile import StackProfile, StackRow
from profiling.report.page.first_screen import now_html
from profiling.report.page.stored import NO_OWNER, profile_html, stacks_of, state_of
from tests.unit.profiling.report.page.test_document import EVIL, Tags

MB = 1 << 20
FRAMES = [("/app/jobs.py", "collect", 7), ("/app/main.py", "main", 3), (f"{EVIL}.py", EVIL, 1)]
PROFILE = StackProfile(
    frames=FRAMES,
    rows=[
        StackRow("prices", [0, 1], 3.0 * MB, 30.0, 0.0, 0.0),
        StackRow(EVIL, [2, 1], 1.0 * MB, 10.0, 0.0, 0.0),
        StackRow(None, [], 1.0 * MB, 5.0, 0.0, 0.0),
        StackRow("gone", [1], -2.0 * MB, -5.0, 0.0, 0.0),
    ],
    kinds={"prices": OwnerKind.JOB, EVIL: OwnerKind.SCOPE},
    bytes_per_sample=65_536.0,
    at_s=1_790_000_000.0,
)
ROWS = st.lists(
    st.builds(
        StackRow,
        st.sampled_from([None, "a", "b"]),
        st.lists(st.integers(0, 2), max_size=3),
        st.integers(-(10**9), 10**9).map(float),
        st.integers(0, 1_000).map(float),
        st.just(0.0),
        st.just(0.0),
    ),
    max_size=8,
)


def test_sentence_names_the_line_that_held_most() -> None:
    assert state_of(PROFILE).headline.text == "5.0 MB were alive. /app/jobs.py:7 held most, 3.0 MB."
    assert "5.0 MB more were alive after 30 s." in state_of(replace(PROFILE, seconds=30.2)).headline.text
    assert state_of(replace(PROFILE, rows=[])).headline.text == "0 B were alive. No line is known."


def test_rows_are_the_owners_and_have_no_verdict() -> None:
    rows = state_of(PROFILE).rows
    assert [(row.name, row.kind, row.held_bytes) for row in rows] == [
        ("prices", OwnerKind.JOB, 3 * MB),
        (NO_OWNER, OwnerKind.OUTSIDE, MB),
        (EVIL, OwnerKind.SCOPE, MB),
    ]
    assert {row.verdict for row in rows} == {None}


def test_bar_ends_at_the_size_of_the_profile() -> None:
    assert "the bar is all live memory of the profile, 5.0 MB" in now_html(state_of(PROFILE))
    assert 'width="60.000%"' in now_html(state_of(PROFILE))


def test_nothing_is_called_calm_without_a_limit_and_verdicts() -> None:
    html = profile_html(PROFILE).decode().partition('id="answers"')[0].partition("<body>")[2]
    assert 'class="alert' not in html
    assert "no verdict yet" not in html


@given(ROWS, st.integers(1, 5))
def test_stacks_sum_up(rows: list[StackRow], limit: int) -> None:
    profile = replace(PROFILE, rows=rows)
    live = stacks_of(profile, limit)
    listed_bytes = sum(stack.size_bytes for stack in live.stacks)
    assert listed_bytes + live.omitted_bytes + live.unattributed_bytes == live.size_bytes
    assert live.size_bytes == sum(share.size_bytes for share in state_of(profile).shares)


def test_stacks_are_outermost_first() -> None:
    live = stacks_of(PROFILE, 9)
    assert [live.frames[number] for number in live.stacks[0].frames] == [FRAMES[1], FRAMES[0]]


def test_frames_of_a_test_begin_at_the_test() -> None:
    frames = [*FRAMES, ("/site-packages/_pytest/python.py", "pytest_pyfunc_call", 9)]
    rows = [StackRow("test", [0, 1, 3, 2], 1.0 * MB, 1.0, 0.0, 0.0)]
    assert stacks_of(replace(PROFILE, frames=frames, rows=rows), 9).frames == (FRAMES[1], FRAMES[0])


def test_names_of_others_are_no_markup() -> None:
    tags = {name for name, _ in Tags(profile_html(PROFILE).decode()).found}
    assert "img" not in tags
    assert {"h1", "table", "script"} <= tags
