"""How the memory is shared out on the bar."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profiling.records import Composition, OwnerKind
from profiling.report.page.hues import HUES, hues_of
from profiling.report.page.state import MAX_SHARES, Row, ShareKind, shares_of

MB = 1 << 20
SIZES = st.integers(0, 600 * MB)
MAYBE = st.none() | SIZES


def row(name: str, held_bytes: int | None) -> Row:
    return Row(name=name, kind=OwnerKind.JOB, calls=1, held_bytes=held_bytes, pace_bytes=None, verdict=None)


def composition(used: int | None, c_used: int | None, arenas_free: int | None, c_free: int | None) -> Composition:
    return Composition(
        rss_bytes=0,
        anonymous_bytes=None,
        file_backed_bytes=None,
        swapped_bytes=None,
        c_heap_used_bytes=c_used,
        c_heap_free_bytes=c_free,
        arenas_bytes=None,
        arenas_used_bytes=used,
        arenas_free_bytes=arenas_free,
        traced_bytes=None,
        profiler_bytes=0,
    )


@given(SIZES, st.lists(MAYBE, max_size=9), MAYBE, MAYBE, MAYBE, MAYBE, SIZES)
def test_shares_sum_up_to_the_rss_whatever_the_allocators_say(
    rss: int,
    held: list[int | None],
    used: int | None,
    c_used: int | None,
    free: int | None,
    c_free: int | None,
    py: int,
) -> None:
    rows = [row(f"job {number}", size) for number, size in enumerate(held)]
    shares = shares_of(rss, rows, composition(used, c_used, free, c_free), py)
    assert sum(share.size_bytes for share in shares) == rss
    assert all(share.size_bytes > 0 for share in shares)


def test_memory_of_python_and_of_c_is_told_apart() -> None:
    rows = [row("small", MB), row("large", 20 * MB), row("none", None)]
    shares = shares_of(100 * MB, rows, composition(30 * MB, 40 * MB, 2 * MB, 3 * MB), 10 * MB)
    assert [(share.kind, share.name, share.size_bytes // MB) for share in shares] == [
        (ShareKind.OWNER, "large", 20),
        (ShareKind.OWNER, "small", 1),
        (ShareKind.PYTHON, "rest of Python's heap", 19),
        (ShareKind.C_HEAP, "C heap", 30),
        (ShareKind.FREE, "free in allocators", 5),
        (ShareKind.REST, "everything else", 25),
    ]


def test_small_owners_are_one_part() -> None:
    shares = shares_of(100 * MB, [row(f"job {number}", (9 - number) * MB) for number in range(8)], None, 0)
    assert [share.kind for share in shares] == [ShareKind.OWNER] * MAX_SHARES + [ShareKind.OTHERS, ShareKind.REST]


@given(st.lists(st.text(), max_size=HUES, unique=True))
def test_few_names_have_different_hues_in_any_order(names: list[str]) -> None:
    found = hues_of(names)
    assert len(set(found.values())) == len(names)
    assert found == hues_of(reversed(names))
