"""What is rendered for JSON is JSON, and has the keys and the figures of the contract to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.compare.diff import compare
from profiling.records import Accusation, Bound, Level, SiteKey, State, Verdict
from profiling.report.json import diff_to_dict, run_to_dict, run_with_sites_to_dict, verdict_to_dict
from profiling.web import answers
from tests.integration.debug.declared import differences
from tests.unit.profiling.make import MB, RUN, Rows, counters, lines, places_of, run

VERDICT = Verdict(state=State.LEAKING, reason="it grows", runs=12, bytes_per_run=9.5, interval_bytes=(9.0, 10.0))
TOO_FEW = Verdict(
    state=State.INSUFFICIENT_RUNS, reason="2 runs so far", runs=2, bytes_per_run=None, interval_bytes=None
)

keys = st.tuples(st.sampled_from(["a.py", "b.py"]), st.integers(1, 30))
tables = st.dictionaries(keys, st.tuples(st.integers(0, 10**9), st.integers(0, 1000)), max_size=20)


def through_json(document: dict[str, Any]) -> Any:
    return orjson.loads(orjson.dumps(document))


@given(tables, tables, st.integers(1, 5), st.integers(0, 10**6))
def test_diff_is_json_and_adds_up(now: Rows, past: Rows, limit: int, unattributed: int) -> None:
    later = run(2, lines=lines(now, traced_bytes=sum(size_bytes for size_bytes, _ in now.values()) + unattributed))
    document = diff_to_dict(compare(later, run(1, past), places_of, limit=limit), VERDICT)
    assert through_json(document) == document
    totals = document["totals"]
    assert totals["attributed_bytes"] + totals["unattributed_bytes"] == totals["size_diff_bytes"]
    assert totals["listed_bytes"] + totals["omitted_bytes"] == totals["attributed_bytes"]
    assert totals["listed_bytes"] == sum(site["size_diff_bytes"] for site in document["sites"])


def test_diff_tells_both_runs_and_each_site_in_full() -> None:
    later = run(2, {("a.py", 12): (150, 3)}, after=counters(103 * MB))
    earlier = run(1, {("a.py", 12): (100, 1)}, after=counters(101 * MB))
    document = diff_to_dict(compare(later, earlier, places_of), VERDICT)
    assert (document["job"], document["group_by"]) == ("work", "line")
    assert (document["run"], document["against"]) == (run_to_dict(later), run_to_dict(earlier))
    assert document["totals"] == {
        "size_diff_bytes": 50,
        "count_diff": 2,
        "attributed_bytes": 50,
        "unattributed_bytes": 0,
        "listed_bytes": 50,
        "omitted_bytes": 0,
        "rss_diff_bytes": 2 * MB,
    }
    assert document["sites"] == [
        {
            "file": "short/a.py",
            "line": 12,
            "function": "f1",
            "source": "text of 12",
            "size_bytes": 150,
            "size_diff_bytes": 50,
            "count": 3,
            "count_diff": 2,
            "path": "a.py",
            "error_bytes": None,
        }
    ]


def test_verdict_has_its_interval_or_null() -> None:
    assert verdict_to_dict(VERDICT) == {
        "state": "leaking",
        "reason": "it grows",
        "runs": 12,
        "bytes_per_run": 9.5,
        "interval_bytes": [9.0, 10.0],
        "native_bytes_per_run": None,
        "accusation": None,
        "bound": None,
        "forecast": None,
        "suspects": [],
    }


def test_bound_says_what_fills_up_and_how_far() -> None:
    bound = Bound(kind="deque", items=3_050, max_items=5_000)
    assert verdict_to_dict(replace(VERDICT, bound=bound))["bound"] == {
        "kind": "deque",
        "items": 3_050,
        "max_items": 5_000,
    }
    told = verdict_to_dict(TOO_FEW)
    assert (told["bytes_per_run"], told["interval_bytes"]) == (None, None)


@pytest.mark.parametrize(
    ("site", "told"), [(("/x/a.py", 7), {"file": "/x/a.py", "line": 7}), (None, None)], ids=["a line", "a C heap"]
)
def test_accusation_says_what_it_rests_on(site: SiteKey | None, told: object) -> None:
    accusation = Accusation(
        state=State.LEAKING, since_run=40, births=(3, 52), site=site, bytes_held=400_000.4, bytes_per_run=9_999.6
    )
    document = verdict_to_dict(replace(VERDICT, accusation=accusation, native_bytes_per_run=852_000.5))
    assert through_json(document) == document
    assert document["native_bytes_per_run"] == 852_000.5
    assert document["accusation"] == {
        "state": "leaking",
        "since_run": 40,
        "births": [3, 52],
        "site": told,
        "bytes_held": 400_000,
        "bytes_per_run": 10_000,
    }


@pytest.mark.parametrize("state", list(State))
def test_verdict_of_each_state_is_one_that_the_openapi_document_knows(state: State) -> None:
    assert differences(verdict_to_dict(replace(VERDICT, state=state)), answers.VERDICT, set()) == []


def test_run_says_what_its_level_or_its_platform_does_not_tell_with_null() -> None:
    unknown = replace(counters(), c_heap_free_bytes=None)
    degraded = replace(RUN, after=unknown, peak_rss_bytes=None, degraded="no memory was left", level=Level.COUNTERS)
    told = through_json(run_to_dict(degraded))
    assert (told["level"], told["degraded"]) == ("counters", "no memory was left")
    assert [told[key] for key in ("peak_mb", "held_free_mb", "lines")] == [None, None, None]


@pytest.mark.parametrize(("rss_bytes", "rss_mb", "percent"), [(MB, 1.0, 0.2), (443_999_999, 423.43, 82.7)])
def test_run_tells_its_rss_to_two_places_and_its_share_to_one(rss_bytes: int, rss_mb: float, percent: float) -> None:
    told = run_to_dict(replace(RUN, after=counters(rss_bytes)))
    assert (told["rss_mb"], told["memory_percent"]) == (rss_mb, percent)


def test_sites_of_a_run_are_told_in_full() -> None:
    kept = run(7, lines=lines({}, retained={("a.py", 12): (70, 2)}))
    document = run_with_sites_to_dict(kept, places_of, limit=1)
    assert through_json(document) == document
    assert document["sites"] == [
        {
            "file": "short/a.py",
            "line": 12,
            "function": "f1",
            "source": "text of 12",
            "size_diff_bytes": 70,
            "count_diff": 2,
            "error_bytes": None,
        }
    ]
