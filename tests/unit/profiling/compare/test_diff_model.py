"""Comparisons against a model of plain dictionaries."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from profiling.compare.diff import GroupBy, compare, largest
from profiling.records import UNKNOWN_SITE, SiteDiff, SiteKey
from profiling.source import Place
from tests.unit.profiling.make import Rows, lines, places_of, run, table

Group = tuple[str, int | None, str | None]

known_keys = st.tuples(st.sampled_from(["a.py", "b.py", "c.py"]), st.integers(1, 40))
# Few and small figures, so that ties and lines that did not change are frequent.
figures = st.tuples(st.integers(0, 5) | st.integers(0, 10**9), st.integers(0, 3))
tables = st.dictionaries(known_keys | st.just(UNKNOWN_SITE), figures, max_size=40)
group_bys: st.SearchStrategy[GroupBy] = st.sampled_from(["line", "file", "function"])


def change_of(now: Rows, past: Rows, key: SiteKey) -> tuple[int, int]:
    size_bytes, count = now.get(key, (0, 0))
    old_bytes, old_count = past.get(key, (0, 0))
    return size_bytes - old_bytes, count - old_count


def group_of(key: SiteKey, group_by: GroupBy) -> Group:
    path, line = key
    if group_by == "line":
        return path, line, f"f{line // 10}"
    return path, None, f"f{line // 10}" if group_by == "function" else None


def modelled(now: Rows, past: Rows, group_by: GroupBy) -> dict[Group, tuple[int, ...]]:
    """Bytes alive, their change, blocks alive and their change, of each group in which anything changed."""
    sums: dict[Group, Counter[str]] = {}
    for key in (now.keys() | past.keys()) - {UNKNOWN_SITE}:
        size_diff_bytes, count_diff = change_of(now, past, key)
        size_bytes, count = now.get(key, (0, 0))
        summed = sums.setdefault(group_of(key, group_by), Counter())
        summed.update({"bytes": size_bytes, "change": size_diff_bytes, "count": count, "count change": count_diff})
    rows = {
        group: tuple(summed[name] for name in ("bytes", "change", "count", "count change"))
        for group, summed in sums.items()
    }
    return {group: row for group, row in rows.items() if row[1] or row[3]}


def told(site: SiteDiff) -> tuple[Group, tuple[int, ...]]:
    row = (site.size_bytes, site.size_diff_bytes, site.count, site.count_diff)
    return (site.path, site.line, site.function), row


@given(tables, tables)
def test_changed_has_exactly_the_lines_that_differ(now: Rows, past: Rows) -> None:
    model = {key: change_of(now, past, key) for key in now.keys() | past.keys()}
    found = [(key, (size_bytes, count)) for key, size_bytes, count in table(now).changed_since(table(past)).rows()]
    assert len(found) == len(dict(found))
    assert dict(found) == {key: change for key, change in model.items() if change != (0, 0)}


@given(tables, tables, group_bys)
def test_sites_are_those_of_the_model(now: Rows, past: Rows, group_by: GroupBy) -> None:
    sites = compare(run(2, now), run(1, past), places_of, group_by=group_by, limit=1_000).change.sites
    assert dict(map(told, sites)) == modelled(now, past, group_by)
    assert len(sites) == len(modelled(now, past, group_by))


@given(tables, tables, group_bys, st.integers(1, 50))
def test_limit_takes_the_largest_changes_and_ties_are_in_the_order_of_the_files(
    now: Rows, past: Rows, group_by: GroupBy, limit: int
) -> None:
    model = modelled(now, past, group_by)
    in_order = sorted(model, key=lambda group: (-abs(model[group][1]), group[0], group[1] or 0, group[2] or ""))
    diff = compare(run(2, now), run(1, past), places_of, group_by=group_by, limit=limit)
    assert [told(site)[0] for site in diff.change.sites] == in_order[:limit]
    assert diff.change.totals.omitted_bytes == sum(model[group][1] for group in in_order[limit:])


@given(tables, tables, group_bys, st.integers(0, 10**9), st.integers(0, 10**9))
def test_totals_are_those_of_the_model(
    now: Rows, past: Rows, group_by: GroupBy, now_bytes: int, past_bytes: int
) -> None:
    later, earlier = (
        run(2, lines=lines(now, traced_bytes=now_bytes)),
        run(1, lines=lines(past, traced_bytes=past_bytes)),
    )
    totals = compare(later, earlier, places_of, group_by=group_by).change.totals
    changes = {key: change_of(now, past, key) for key in now.keys() | past.keys()}
    assert totals.size_diff_bytes == now_bytes - past_bytes
    assert totals.count_diff == sum(count for _, count in changes.values())
    assert totals.attributed_bytes == sum(change[0] for key, change in changes.items() if key != UNKNOWN_SITE)
    assert totals.unattributed_bytes == now_bytes - past_bytes - totals.attributed_bytes


@given(tables, st.integers(0, 50))
def test_largest_are_the_first_of_the_known_lines_that_grew(rows: Rows, limit: int) -> None:
    grown = [(key, *row) for key, row in rows.items() if row[0] > 0 and key != UNKNOWN_SITE]
    assert largest(table(rows), limit) == sorted(grown, key=lambda row: (-row[1], row[0]))[:limit]


def test_a_run_against_itself_has_no_sites_and_no_change() -> None:
    same = run(1, {("a.py", 1): (100, 2), UNKNOWN_SITE: (7, 1)})
    diff = compare(same, same, places_of)
    assert diff.change.sites == ()
    assert (
        diff.change.totals.size_diff_bytes,
        diff.change.totals.count_diff,
        diff.change.totals.unattributed_bytes,
    ) == (0, 0, 0)


def test_line_that_holds_as_many_bytes_in_more_blocks_is_a_site() -> None:
    (site,) = compare(run(2, {("a.py", 1): (100, 4)}), run(1, {("a.py", 1): (100, 2)}), places_of).change.sites
    assert (site.size_diff_bytes, site.count_diff) == (0, 2)


def test_files_in_which_nothing_changed_are_not_read() -> None:
    asked: set[str] = set()

    def noting(keys: object) -> dict[SiteKey, Place]:
        wanted = list(keys)  # type: ignore[call-overload]
        asked.update(path for path, _ in wanted)
        return places_of(wanted)

    now, past = {("a.py", 1): (5, 1), ("b.py", 1): (5, 1)}, {("a.py", 1): (4, 1), ("b.py", 1): (5, 1)}
    for group_by, read in (("line", {"a.py"}), ("function", {"a.py"}), ("file", set())):
        asked.clear()
        compare(run(2, now), run(1, past), noting, group_by=group_by)  # type: ignore[arg-type]
        assert asked == read
