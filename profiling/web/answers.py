"""The answers about runs, jobs and verdicts, key by key. `_mb` is MB of 2^20 bytes, `_bytes` bytes, `_s` seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from profiling.compare.diff import GroupBy
from profiling.records import Level, Outcome, Outlook, State
from profiling.web.shapes import Key, Shape, an, many, moment, number, numbers, one_of, switch, text, texts, whole

GROUPS: tuple[str, ...] = get_args(GroupBy)

COST = Shape(
    "Cost",
    "The profiler's own cost.",
    {
        "duration_ms": number("wall time, waiting included"),
        "stall_ms": number("the longest that the event loop was held in one piece"),
        "memory_mb": number("the most memory that was in use for it at once"),
    },
)

_SAMPLED = "; with samples only"
LINES = Shape(
    "Lines",
    "What the lines of a run add up to: of the process if they are exact, of the job if they are estimated.",
    {
        "traced_mb": number("alive after the run, without the profiler's own"),
        "traced_diff_bytes": whole("alive after the run less before it"),
        "traced_peak_mb": number("the most that was alive in the run; null if not known", null=True),
        "profiler_mb": number("the profiler's own share of the traced memory"),
        "traces": whole("how many traces there were, or samples"),
        "sites": whole("how many lines had something alive"),
        "period": whole("number of the session of tracing or sampling; only runs of one session can be compared"),
        "sampled_every_bytes": replace(number("one sample every so many bytes, in the mean" + _SAMPLED), optional=True),
        "traced_error_bytes": replace(whole("standard error of traced_mb, in bytes" + _SAMPLED), optional=True),
        "traced_diff_error_bytes": replace(whole("standard error of traced_diff_bytes" + _SAMPLED), optional=True),
    },
)

RUN = Shape(
    "Run",
    "One run of a job.",
    {
        "id": whole("number of the run, from 1, over all jobs of the process"),
        "job": text("the job"),
        "level": one_of("how closely the run was watched", *(level for level in Level if level is not Level.ADAPTIVE)),
        "outcome": one_of("how the run ended", *Outcome),
        "started_at": moment("when the run began"),
        "duration_s": number("how long the run took, without the profiler"),
        "rss_mb": number("resident memory of the process after the run"),
        "rss_diff_bytes": whole("resident memory after the run less before it"),
        "peak_mb": number("the most resident memory in the run; null if the kernel does not tell", null=True),
        "memory_percent": number("rss_mb in per cent of the limit"),
        "blocks_diff": whole("blocks of Python's small-object allocator, after the run less before it"),
        "held_free_mb": number("freed by the program and held by the C allocator, after the run", null=True),
        "lines": an("exact figures; null at levels without, and if `degraded` says why", LINES, null=True),
        "samples": an("estimates; null likewise", LINES, null=True),
        "overlapped_with": texts("jobs that ran at the same time"),
        "collected": switch("whether the run's own garbage was collected at its end, so that none counts"),
        "degraded": text("why less was measured than the level promises; null if nothing is missing", null=True),
        "cost": an("what profiling the run cost", COST),
    },
)

_PLACE = {
    "file": text("the file, as short as the import path allows"),
    "line": whole("number of the line"),
    "function": text("the function the line is in; null if not known", null=True),
    "source": text("the line's text; null if the file cannot be read", null=True),
}
_ERROR = whole("standard error of the size; null if it is exact", null=True)

KEPT_SITE = Shape(
    "KeptSite",
    "A line, and what it kept in a run.",
    _PLACE
    | {
        "size_diff_bytes": whole("alive after the run less before it"),
        "count_diff": whole("blocks, likewise"),
        "error_bytes": _ERROR,
    },
)
PEAK_SITE = Shape(
    "PeakSite",
    "A line, and what it held when the run held most.",
    _PLACE
    | {"size_bytes": whole("alive at the peak"), "count": whole("blocks alive at the peak"), "error_bytes": _ERROR},
)
RUN_WITH_SITES = Shape(
    "RunWithSites",
    "One run, with the lines that kept the most in it.",
    {
        **RUN.keys,
        "sites": many("the lines that kept the most, largest first", KEPT_SITE),
        "peak_sites": many(
            "the lines that held the most at the peak; null if it was not watched", PEAK_SITE, null=True
        ),
    },
)
RUNS = Shape("Runs", "The runs in the history.", {"runs": many("newest first", RUN)})

TOTALS = Shape(
    "Totals",
    "What all lines changed by, listed or not: attributed + unattributed = size_diff, listed + omitted = attributed.",
    {
        "size_diff_bytes": whole("change of what is alive"),
        "count_diff": whole("change in blocks"),
        "attributed_bytes": whole("the part that lines explain"),
        "unattributed_bytes": whole("the part that no line explains"),
        "listed_bytes": whole("the part of the lines in `sites`"),
        "omitted_bytes": whole("the part of lines that are not in `sites`"),
        "rss_diff_bytes": whole("change of the resident memory"),
    },
)
CHANGED_SITE = Shape(
    "ChangedSite",
    "A line, a function or a file, and what it changed by.",
    {
        **_PLACE,
        "line": whole("number of the line; null if lines are summed up", null=True),
        "size_bytes": whole("alive now"),
        "size_diff_bytes": whole("change of what is alive"),
        "count": whole("blocks alive now"),
        "count_diff": whole("change in blocks"),
        "path": text("the file as its code names it"),
        "error_bytes": _ERROR,
    },
)

FORECAST = Shape(
    "Forecast",
    "When the memory is full.",
    {
        "outlook": one_of("whether that can be told", *Outlook),
        "reason": text("why, in a sentence"),
        "full_in_s": whole("seconds from the end of the last run; null unless the outlook is `full`", null=True),
        "interval_s": numbers(
            "the earliest and the latest of these seconds; null as the latest: no bound",
            "integer",
            null=True,
            null_within=True,
        ),
        "full_at": moment("the same as a time", null=True),
    },
)
SITE = Shape("Site", "A line.", {key: _PLACE[key] for key in ("file", "line")})
SUSPECT = Shape(
    "Suspect",
    "A line that keeps more with every run.",
    {
        "site": an("the line", SITE),
        "bytes_per_run": whole("bytes that the line keeps per run"),
        "stack": texts("how the line is reached, innermost first, as file:line"),
    },
)
ACCUSATION = Shape(
    "Accusation",
    "What `leaking` or `native_growth` rests on; it holds until less than half of it is alive.",
    {
        "state": one_of("what it says", *(state for state in State if state.is_accusation)),
        "since_run": whole("how many runs had completed when it was made"),
        "births": numbers("numbers of the first and the last run whose memory it rests on", "integer"),
        "site": an("the line that keeps the memory; null for small lines together and for a C heap", SITE, null=True),
        "bytes_held": whole("memory of these runs that was alive when it was made"),
        "bytes_per_run": whole("bytes per run that had stayed alive when it was made"),
    },
)
BOUND = Shape(
    "Bound",
    "The limit of a store, as the store knows it by itself.",
    {
        "kind": text("deque, functools.lru_cache or the name of its type"),
        "items": whole("what is in it"),
        "max_items": whole("what may be in it"),
    },
)
VERDICT = Shape(
    "Verdict",
    "What a job's runs say together; docs/levels.md has what the states mean.",
    {
        "state": one_of("only leaking and native_growth are accusations", *State),
        "reason": text("why, in a sentence or two"),
        "runs": whole("completed runs that it rests on"),
        "bytes_per_run": number("bytes per run that stay alive; null for insufficient_runs", null=True),
        "interval_bytes": numbers("the 95 % interval of bytes_per_run", null=True),
        "native_bytes_per_run": number(
            "bytes per run by which the C heap grows beside Python's; null if it does not", null=True
        ),
        "accusation": an("null without one", ACCUSATION, null=True),
        "bound": an("of a store that fills up and knows its own limit; null if none is known", BOUND, null=True),
        "forecast": an("null if it is not known how often the job runs", FORECAST, null=True),
        "suspects": many("the lines that keep more with every run, largest first", SUSPECT),
    },
)


def _only(condition: str, keys: dict[str, Key]) -> dict[str, Key]:
    """Return keys that are there under a condition, which stands in their description."""
    return {
        name: replace(key, description=f"{condition}: {key.description}", optional=True) for name, key in keys.items()
    }


DIFF = Shape(
    "Diff",
    "What changed from run to run; with `seconds`, over that time.",
    {
        "group_by": one_of("what a row of `sites` is of", *GROUPS),
        "sampled_every_bytes": number("one sample every so many bytes; null if the figures are exact", null=True),
        "totals": an("the sums over all lines", TOTALS),
        "sites": many("the largest changes first", CHANGED_SITE),
        **_only(
            "without `seconds`",
            {
                "job": text("the job"),
                "run": an("the run", RUN),
                "against": an("the run that it is compared with", RUN),
                "verdict": an("what the job's runs say together", VERDICT),
            },
        ),
        **_only(
            "with `seconds`",
            {
                "seconds": number("how long it was"),
                "collected": switch("whether garbage was collected at both ends"),
                "jobs": texts("those that were at work meanwhile"),
                "rss_mb": number("resident memory at the end"),
                "memory_percent": number("rss_mb in per cent of the limit"),
                "cost": an("what looking cost", COST),
            },
        ),
    },
)

JOB_VERDICT = Shape(
    "JobVerdict",
    "A job and what its runs say together.",
    {"job": text("the job"), "verdict": an("null before its first run", VERDICT, null=True)},
)
LAST_RUN = Shape(
    "LastRun",
    "How a job's last run ended.",
    {
        "outcome": text("completed, failed, or another word of the scheduler"),
        "started_at": moment("when the run began", null=True),
        "duration_s": number("how long the run took", null=True),
        "error": text("what the run failed with; null without a scheduler", null=True),
    },
)
JOB = Shape(
    "Job",
    "A job. Without a scheduler that knows more: what its runs in the history tell.",
    {
        "id": text("name of the job"),
        "description": text("what the job does; empty without a scheduler"),
        "state": one_of("what the job does now", "idle", "running", "paused"),
        "next_run_at": moment("when it runs next; null while it is paused, and without a scheduler", null=True),
        "last_run": an("null before the first run has ended", LAST_RUN, null=True),
        "runs": whole("runs so far; without a scheduler those in the history"),
        "failures": whole("how many of them failed"),
        "coalesced_slots": whole("slots that came too late and were made up for by one run"),
    },
)
JUDGED_JOB = Shape(
    "JudgedJob",
    "A job with its verdict.",
    {**JOB.keys, "verdict": an("what its runs say together; null before the first", VERDICT, null=True)},
)
JOBS = Shape(
    "Jobs",
    "All jobs.",
    {
        "scheduler_enabled": switch("whether slots fire by themselves; false without a scheduler"),
        "jobs": many("each job with its verdict", JUDGED_JOB),
    },
)
