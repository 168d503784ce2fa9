"""How the memory is shared out on the bar."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profiling.records import OwnerKind
from profiling.records.timeline import Parts
from profiling.report.page.hues import HUES, hues_of
from profiling.report.page.state import MAX_SHARES, Row, ShareKind, shares_of

MB = 1 << 20
SIZES = st.integers(0, 600 * MB)
MAYBE = st.none() | SIZES


def row(name: str, held_bytes: int | None) -> Row:
    return Row(name=name, kind=OwnerKind.JOB, calls=1, held_bytes=held_bytes, pace_bytes=None, verdict=None)


@given(SIZES, st.lists(MAYBE, max_size=9), MAYBE, MAYBE, MAYBE)
def test_shares_sum_up_to_the_rss_whatever_the_allocators_say(
    rss: int, held: list[int | None], python: int | None, c_heap: int | None, free: int | None
) -> None:
    rows = [row(f"job {number}", size) for number, size in enumerate(held)]
    shares = shares_of(rss, rows, Parts(python_bytes=python, c_heap_bytes=c_heap, free_bytes=free))
    assert sum(share.size_bytes for share in shares) == rss
    assert all(share.size_bytes > 0 for share in shares)


def test_memory_of_python_and_of_c_is_told_apart() -> None:
    rows = [row("small", MB), row("large", 20 * MB), row("none", None)]
    shares = shares_of(100 * MB, rows, Parts(python_bytes=40 * MB, c_heap_bytes=30 * MB, free_bytes=5 * MB))
    assert [(share.kind, share.name, share.size_bytes // MB) for share in shares] == [
        (ShareKind.OWNER, "large", 20),
        (ShareKind.OWNER, "small", 1),
        (ShareKind.PYTHON, "rest of Python's heap", 19),
        (ShareKind.C_HEAP, "C heap", 30),
        (ShareKind.FREE, "free in the C allocator", 5),
        (ShareKind.REST, "everything else", 25),
    ]


def test_small_owners_are_one_part() -> None:
    shares = shares_of(100 * MB, [row(f"job {number}", (9 - number) * MB) for number in range(8)], Parts())
    assert [share.kind for share in shares] == [ShareKind.OWNER] * MAX_SHARES + [ShareKind.OTHERS, ShareKind.REST]


@given(st.lists(st.text(), max_size=HUES, unique=True))
def test_few_names_have_different_hues_in_any_order(names: list[str]) -> None:
    found = hues_of(names)
    assert len(set(found.values())) == len(names)
    assert found == hues_of(reversed(names))
