"""What may not grow against a saved run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.pytest_plugin.checks import NOISE_BLOCKS, NOISE_BYTES, Check, Figures, Line, grown_lines, parse_checks

SHARES = st.decimals(min_value=0, max_value=10**9, places=3).map(float)
CHECKS = st.one_of(
    st.builds(Check, st.sampled_from(["peak", "retained", "blocks"]), SHARES, is_share=st.just(True)),
    st.builds(Check, st.just("blocks"), SHARES, is_share=st.just(False)),
    st.builds(Check, st.sampled_from(["peak", "retained"]), st.integers(0, 10**18), is_share=st.just(False)),
)
TEXTS = st.text(min_size=1, max_size=20)
SIZES = st.integers(-(10**15), 10**15)
LINES = st.builds(Line, TEXTS, st.integers(1, 10**6), st.none() | TEXTS, st.none() | TEXTS, SIZES)
TABLES = st.lists(LINES, max_size=5).map(tuple)


@given(st.lists(CHECKS, max_size=4))
def test_what_it_prints_it_parses(checks: list[Check]) -> None:
    assert parse_checks(",".join(map(str, checks))) == tuple(checks)
    assert parse_checks("\n".join(map(str, checks))) == tuple(checks)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("peak:10%", Check("peak", 10.0, is_share=True)),
        (" retained : 4 KB ", Check("retained", 4_000, is_share=False)),
        ("peak:1.5MiB", Check("peak", 1_572_864, is_share=False)),
        ("blocks:100", Check("blocks", 100.0, is_share=False)),
        ("blocks:0.5%", Check("blocks", 0.5, is_share=True)),
        ("peak:0%", Check("peak", 0.0, is_share=True)),
    ],
)
def test_each_form_is_read(text: str, check: Check) -> None:
    assert parse_checks(text) == (check,)


def test_nothing_is_no_check() -> None:
    assert parse_checks("") == ()
    assert parse_checks(" ,\n") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "peak",
            "'peak' is not of the form FIELD:GROWTH, like 'peak:10%'; FIELD is peak, retained or blocks; GROWTH is ",
        ),
        ("time:10%", "'time:10%' is not of the form FIELD:GROWTH"),
        ("peak:10%%", "'peak:10%%' is not of the form FIELD:GROWTH"),
        ("peak:", "'peak:' is not of the form FIELD:GROWTH"),
        ("peak:ten%", "'peak:ten%': 'ten' is not a number; write 0 or more"),
        ("peak:-10%", "'peak:-10%': '-10' is not a number; write 0 or more"),
        ("blocks:4 KB", "'blocks:4 KB': '4 KB' is not a number; write 0 or more"),
        ("peak:4 apples", "'peak:4 apples': '4 apples' is not a size"),
        ("retained:-4 KB", "'retained:-4 KB': GROWTH must be 0 or more"),
        ("peak:10%,blocks", "'blocks' is not of the form"),
    ],
)
def test_other_forms_are_refused_with_what_fits(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_checks(text)


@given(st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused_in_words(text: str) -> None:
    try:
        checks = parse_checks(text)
    except ValueError:
        return
    assert parse_checks(",".join(map(str, checks))) == checks


@given(
    st.builds(Figures, peak_bytes=SIZES, retained_bytes=SIZES, blocks=SIZES, peak_lines=TABLES, retained_lines=TABLES)
)
def test_figures_go_through_json_and_back(figures: Figures) -> None:
    assert Figures.from_info(json.loads(json.dumps(figures.to_info()))) == figures


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert Figures.from_info(SAVED.to_info() | {"colour": "red"}) == SAVED


@pytest.mark.parametrize("key", ["peak_bytes", "retained_bytes", "blocks", "peak_lines", "retained_lines", "note"])
def test_figures_that_miss_a_key_are_refused(key: str) -> None:
    info = SAVED.to_info()
    del info[key]
    with pytest.raises(KeyError):
        Figures.from_info(info)


LOADED = Line("shop/orders.py", 9, "load", "orders = json.loads(text)", 8 << 20)
COPIED = Line("shop/orders.py", 12, "load", "copies = list(orders)", 2 << 20)
KEPT = Line("shop/cache.py", 3, "remember", "_seen.append(order)", 1 << 20)
SAVED = Figures(peak_bytes=10 << 20, retained_bytes=0, blocks=0, peak_lines=(LOADED, COPIED), retained_lines=())


def failure(check: str, now: Figures, saved: Figures = SAVED) -> str | None:
    """The sentence of a failure, without the saved run's name, which ends the sentence."""
    (one,) = parse_checks(check)
    told = one.failure(now, saved, "saved.json")
    return told and told.splitlines()[0].removesuffix(" - against saved.json")


def test_text_of_each_line_that_grew_stands_below_the_name_of_the_saved_run() -> None:
    grown = (replace(COPIED, size_bytes=6 << 20), Line("<made>", 4, None, None, 3 << 20))
    (check,) = parse_checks("peak:10%")
    told = check.failure(replace(SAVED, peak_bytes=17 << 20, peak_lines=(LOADED, *grown)), SAVED, "0001_before.json")
    assert told is not None
    first, *texts = told.splitlines()
    assert first.endswith("; +4.0 MiB at shop/orders.py:12 load; +3.0 MiB at <made>:4 - against 0001_before.json")
    assert texts == ["  shop/orders.py:12  copies = list(orders)"]


def test_growth_is_told_with_the_lines_that_grew() -> None:
    now = replace(SAVED, peak_bytes=14 << 20, peak_lines=(LOADED, replace(COPIED, size_bytes=6 << 20)))
    assert failure("peak:10%", now) == (
        "peak is 14.0 MiB, was 10.0 MiB, +40% (allowed: peak:10%); +4.0 MiB at shop/orders.py:12 load"
    )


def test_line_that_moved_is_the_same_line() -> None:
    moved = replace(LOADED, line=109)
    new = Line("shop/orders.py", 110, "load", "more = deepcopy(orders)", 3 << 20)
    now = replace(SAVED, peak_bytes=13 << 20, peak_lines=(moved, replace(COPIED, line=112), new))
    assert grown_lines(now.peak_lines, SAVED.peak_lines) == [(new, 3 << 20)]


def test_line_whose_text_is_not_known_is_told_by_its_number() -> None:
    before, after = (Line("<made>", 4, None, None, size) for size in (1_000, 5_000))
    other = Line("<made>", 5, None, None, 7_000)
    assert grown_lines([after, other], [before]) == [(other, 7_000), (after, 4_000)]


def test_lines_with_the_same_text_count_together() -> None:
    twice = (replace(COPIED, line=20), replace(COPIED, line=30))
    assert grown_lines(twice, [COPIED]) == [(twice[0], 2 << 20)]
    assert grown_lines(twice, [replace(COPIED, size_bytes=4 << 20)]) == []


def test_retained_and_blocks_are_told_by_what_stays() -> None:
    now = replace(SAVED, retained_bytes=1 << 20, blocks=3_000, retained_lines=(KEPT,))
    assert failure("retained:4 KB", now) == (
        "retained per run is 1.0 MiB, was 0 B (allowed: retained:4000 B); +1.0 MiB at shop/cache.py:3 remember"
    )
    assert failure("blocks:100", now) == (
        "blocks kept per run is 3000, was 0 (allowed: blocks:100); +1.0 MiB at shop/cache.py:3 remember"
    )
    assert failure("peak:0%", now) is None


@pytest.mark.parametrize("field", ["peak", "retained"])
def test_share_is_allowed_to_the_byte_on_both_sides(field: str) -> None:
    saved, at, over = (
        replace(SAVED, peak_bytes=size_bytes, retained_bytes=size_bytes)
        for size_bytes in (1_000_000, 1_100_000, 1_100_001)
    )
    assert failure(f"{field}:10%", at, saved) is None
    assert failure(f"{field}:10%", over, saved) is not None


def test_share_leaves_room_for_noise_and_a_size_does_not() -> None:
    at = replace(SAVED, retained_bytes=NOISE_BYTES, blocks=NOISE_BLOCKS)
    over = replace(SAVED, retained_bytes=NOISE_BYTES + 1, blocks=NOISE_BLOCKS + 1)
    for field in ("retained", "blocks"):
        assert failure(f"{field}:10%", at) is None
        assert failure(f"{field}:10%", over) is not None
    assert failure("retained:1 B", replace(SAVED, retained_bytes=1)) is None
    assert failure("retained:1 B", replace(SAVED, retained_bytes=2)) is not None


def test_less_than_was_saved_never_fails() -> None:
    saved = replace(SAVED, retained_bytes=1 << 20, blocks=500)
    for check in ("peak:0%", "peak:0 B", "retained:0%", "blocks:0"):
        assert failure(check, replace(SAVED, peak_bytes=1), saved) is None


def test_saved_run_that_gave_memory_back_is_no_room_to_grow_into() -> None:
    saved = replace(SAVED, retained_bytes=-(1 << 20))
    assert failure("retained:50%", replace(SAVED, retained_bytes=-(1 << 20) + NOISE_BYTES), saved) is None
    told = failure("retained:50%", replace(SAVED, retained_bytes=0), saved)
    assert told == "retained per run is 0 B, was -1.0 MiB (allowed: retained:50%)"


def test_three_lines_are_told_and_none_that_is_a_small_part_of_the_growth() -> None:
    new = [Line("a.py", number, None, f"line {number}", size << 20) for number, size in enumerate((5, 9, 6, 7), 1)]
    now = replace(SAVED, peak_bytes=40 << 20, peak_lines=(LOADED, COPIED, *new))
    told = failure("peak:10%", now)
    assert told is not None
    assert told.endswith("; +9.0 MiB at a.py:2; +7.0 MiB at a.py:4; +6.0 MiB at a.py:3")
    small = Line("a.py", 9, None, "small", 1 << 19)
    told = failure("peak:10%", replace(now, peak_lines=(LOADED, COPIED, new[1], small)))
    assert told is not None
    assert told.endswith("(allowed: peak:10%); +9.0 MiB at a.py:2")


def test_growth_over_noise_is_told_without_a_share() -> None:
    now = replace(SAVED, retained_bytes=1 << 20)
    at, over = (failure("retained:0%", now, replace(SAVED, retained_bytes=4_096 + more)) for more in (0, 1))
    assert at == "retained per run is 1.0 MiB, was 4.0 KiB (allowed: retained:0%)"
    assert over == "retained per run is 1.0 MiB, was 4.0 KiB, +25494% (allowed: retained:0%)"


@pytest.mark.parametrize("whose", ["now", "saved"])
def test_peak_without_lines_says_why(whose: str) -> None:
    note = "the extension is not built"
    now = replace(SAVED, peak_bytes=14 << 20, note=note if whose == "now" else None)
    told = failure("peak:10%", now, replace(SAVED, note=note if whose == "saved" else None))
    assert told == f"peak is 14.0 MiB, was 10.0 MiB, +40% (allowed: peak:10%); the lines are not known, because {note}"
