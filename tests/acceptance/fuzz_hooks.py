"""What schemathesis is told beside the OpenAPI document: loaded into its process by SCHEMATHESIS_HOOKS.

Most values that it makes up are of symbols and jobs that there are none of. A part of them is replaced here by what is
there, and requests that OpenAPI 2.0 cannot tell from good ones are mended: those rules stand in the descriptions of
the parameters, and have tests of their own. Only requests that are meant to be good are touched.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict, deque
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import MissingContentType, MissingHeaderNotRejected

SEEN = Path(os.environ["VOLARIS_FUZZ_SEEN"])  # a line for each answer: the operation, its status and its form
ROOT = Path(__file__).parents[2]
FILES = (  # of which one is in a run, whichever application is asked
    *("tests/acceptance/own_application.py", "volaris/jobs/prices.py", "volaris/store/prices.py"),
    *("volaris/scheduler/loop.py", "volaris/market/simulated.py"),
)
PLACES = {
    "symbol": ("AAPL", "MSFT", "AAPL", None),
    "job_id": ("prices_1m", "retention", "prices_1m", None),
    "scope": ("prices_1m", "(outside jobs)", "prices_1m", None),
    "run_id": (1, 2, 3, None),
}

WAITS = int(os.environ["VOLARIS_FUZZ_WAITS"])  # comparisons over a second, of which each takes one

# Keys that no row has, at the ends of what a column holds: whoever forges a cursor may send them.
FORGED: dict[str, list[list[object]]] = {
    "symbols": [[""], ["\U0010ffff"]],
    "prices": [["0001-01-01T00:00:00Z", ""], ["9999-12-31T23:59:59.999999Z", "\U0010ffff"]],
    "options": [["0001-01-01", -1.7e308, False], ["9999-12-31", 1.7e308, True], ["2025-10-17", 1e-320, True]],
    "iv": [["0001-01-01"], ["9999-12-31"]],
    "screener": [["iv30", -1.7e308, ""], ["iv_rank", 1.7e308, "\U0010ffff"]],
}

_cursors: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=20))  # by list
_tags: deque[str] = deque(maxlen=20)
_waits = count(1)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Mend what is meant to be a good request."""
    query = case.query
    _bound_seconds(query)
    _bound_updates(case.path, query)
    _bound_fetches(case.path, query)
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    for name, value in list(case.path_parameters.items()):
        case.path_parameters[name] = _place(name, value)
    _mend_list(case.path, query)
    _mend_diff(case.path, query)
    if case.path.endswith("/source"):
        query["path"] = str(ROOT / FILES[_number(query.get("path")) % len(FILES)])
    if "If-None-Match" in case.headers and _number(case.headers["If-None-Match"]) % 4 and _tags:
        case.headers["If-None-Match"] = ", ".join(_tags)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Remember what the answer tells of further requests."""
    form = response.headers.get("content-type", ["none"])[0].partition(";")[0]
    with SEEN.open("a") as seen:
        seen.write(f"{case.operation.label}\t{response.status_code}\t{form}\n")
    _tags.extend(response.headers.get("etag", []))
    if form == "application/json" and b'"next_cursor":"' in response.content:
        _cursors[_list_at(case.path)].append(response.json()["next_cursor"])


# What the service is meant to do otherwise than a check wants it.
MEANT = {
    (MissingContentType, 304),  # RFC 9110, 15.4.5: it has no content, and should not describe any
    (MissingHeaderNotRejected, 403),  # a 401 has to name a scheme to log in by; the 403 says which header is missing
}


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the failure counts."""
    return (type(failure), response.status_code) not in MEANT


def _bound_seconds(query: dict[str, Any]) -> None:
    """A comparison over a good number of seconds takes as long."""
    if str(query.get("seconds")).isdecimal() and 1 < int(query["seconds"]) <= 600:
        query["seconds"] = 1


def _bound_updates(path: str, query: dict[str, Any]) -> None:
    """A stream of a good number of updates takes as many seconds."""
    if path.endswith("/events") and str(query.get("updates", 10)).isdecimal() and int(query.get("updates", 10)) <= 60:
        query["updates"] = 1


def _bound_fetches(path: str, query: dict[str, Any]) -> None:
    """All chains of the index take seconds, so they are fetched once, and not for each request."""
    if path.endswith("/screener") and query.get("fresh") == "always":
        query["fresh"] = "stale"


def _place(name: str, value: object) -> object:
    """One of those that are there, in three cases of four."""
    known = PLACES[name]
    chosen = known[_number(value) % len(known)]
    return value if chosen is None else chosen


def _mend_list(path: str, query: dict[str, Any]) -> None:
    if "cursor" in query:  # only one of this list is one
        name = _list_at(path)
        forged = [_cursor(name, key) for key in FORGED[name]]
        cursors = [*_cursors[name], *forged]
        query["cursor"] = cursors[_number(query["cursor"]) % len(cursors)]
        if path.endswith("/screener"):  # where it is of one order, too
            query["sort"] = _parts(query["cursor"])[1]
    if query.get("format", "json") != "json":  # which gives all rows
        query.pop("cursor", None)
        query.pop("limit", None)
    if {"min_strike", "max_strike"} <= query.keys() and float(query["min_strike"]) > float(query["max_strike"]):
        query["min_strike"], query["max_strike"] = query["max_strike"], query["min_strike"]


def _mend_diff(path: str, query: dict[str, Any]) -> None:
    if not path.endswith("/memory/diff"):
        return
    if "seconds" in query and next(_waits) > WAITS:
        del query["seconds"]
    if "seconds" in query:
        for name in ("job", "run", "against"):
            query.pop(name, None)
    else:
        query.pop("gc", None)
        query["job"] = _place("job_id", query["job"]) if query.get("job") else PLACES["job_id"][0]


def _list_at(path: str) -> str:
    """The name of the list below that path, or what stands there."""
    return path.split("/")[3] if path.count("/") > 2 else path


def _cursor(name: str, key: list[object]) -> str:
    return urlsafe_b64encode(json.dumps([name, *key]).encode()).decode().rstrip("=")


def _parts(cursor: str) -> list[Any]:
    parts: list[Any] = json.loads(urlsafe_b64decode(cursor + "=="))
    return parts


def _number(value: object) -> int:
    return crc32(str(value).encode(errors="replace"))
