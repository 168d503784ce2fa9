"""The answers about runs, jobs and verdicts, key by key. `_mb` is MB of 2**20 bytes, `_bytes` bytes, `_s` seconds."""

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
        "duration_ms": number("wall time, including waiting"),
        "stall_ms": number("longest time that the event loop was blocked in one piece"),
        "memory_mb": number("most memory that the measurement used at once"),
    },
)

_SAMPLED = "; with samples only"
LINES = Shape(
    "Lines",
    "What the lines of a run add up to: of the process if they are exact, of the job if they are estimated.",
    {
        "traced_mb": number("memory alive after the run, without the profiler's own"),
        "traced_diff_bytes": whole("memory alive after the run minus before it"),
        "traced_peak_mb": number("most memory that was alive in the run; null if not known", null=True),
        "profiler_mb": number("the profiler's own share of the traced memory"),
        "traces": whole("number of traces, or of samples"),
        "sites": whole("number of lines with live memory"),
        "period": whole("number of the session of tracing or sampling; only runs of one session can be compared"),
        "sampled_every_bytes": replace(number("bytes per sample, on average" + _SAMPLED), optional=True),
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
        "rss_diff_bytes": whole("resident memory after the run minus before it"),
        "peak_mb": number("most resident memory in the run; null if the kernel does not report it", null=True),
        "memory_percent": number("rss_mb in per cent of the limit"),
        "blocks_diff": whole("blocks of Python's small-object allocator, after the run minus before it"),
        "held_free_mb": number("freed by the program but kept by the C allocator, after the run", null=True),
        "lines": an("exact figures; null if the level has none, or for the reason in `degraded`", LINES, null=True),
        "samples": an("estimates; null if the level has none, or for the reason in `degraded`", LINES, null=True),
        "overlapped_with": texts("jobs that ran at the same time"),
        "collected": switch("whether the run's own garbage was collected at its end, so that no garbage counts"),
        "degraded": text("why less was measured than the level promises; null if nothing is missing", null=True),
        "cost": an("the cost of profiling the run", COST),
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
    "A line, and the memory that it kept in a run.",
    _PLACE
    | {
        "size_diff_bytes": whole("bytes alive after the run minus before it"),
        "count_diff": whole("blocks alive after the run minus before it"),
        "error_bytes": _ERROR,
    },
)
PEAK_SITE = Shape(
    "PeakSite",
    "A line, and the memory that it held at the run's peak.",
    _PLACE
    | {
        "size_bytes": whole("bytes alive at the peak"),
        "count": whole("blocks alive at the peak"),
        "error_bytes": _ERROR,
    },
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
    "The changes of all lines, listed or not: attributed + unattributed = size_diff, listed + omitted = attributed.",
    {
        "size_diff_bytes": whole("change of the live bytes"),
        "count_diff": whole("change of the live blocks"),
        "attributed_bytes": whole("the part that lines explain"),
        "unattributed_bytes": whole("the part that no line explains"),
        "listed_bytes": whole("the part of the lines in `sites`"),
        "omitted_bytes": whole("the part of lines that are not in `sites`"),
        "rss_diff_bytes": whole("change of the resident memory"),
    },
)
CHANGED_SITE = Shape(
    "ChangedSite",
    "A line, a function or a file, and its change.",
    {
        **_PLACE,
        "line": whole("number of the line; null if lines are summed up by file or function", null=True),
        "size_bytes": whole("bytes alive now"),
        "size_diff_bytes": whole("change of the live bytes"),
        "count": whole("blocks alive now"),
        "count_diff": whole("change of the live blocks"),
        "path": text("the path of the file as in its code object"),
        "error_bytes": _ERROR,
    },
)

FORECAST = Shape(
    "Forecast",
    "When the memory will be full.",
    {
        "outlook": one_of("whether that can be forecast", *Outlook),
        "reason": text("why, in a sentence"),
        "full_in_s": whole("seconds from the end of the last run; null unless the outlook is `full`", null=True),
        "interval_s": numbers(
            "the earliest and the latest of these seconds; the latest is null if there is no bound",
            "integer",
            null=True,
            null_within=True,
        ),
        "full_at": moment("when the memory will be full; null unless the outlook is `full`", null=True),
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
    "The memory that `leaking` or `native_growth` rests on; it holds until less than half is alive.",
    {
        "state": one_of("the state of the accusation", *(state for state in State if state.is_accusation)),
        "since_run": whole("completed runs when the job was accused"),
        "births": numbers("numbers of the first and the last run whose memory it rests on", "integer"),
        "site": an("the line that keeps the memory; null for small lines together and for a C heap", SITE, null=True),
        "bytes_held": whole("memory of these runs that was alive when the job was accused"),
        "bytes_per_run": whole("bytes per run that had stayed alive when the job was accused"),
    },
)
BOUND = Shape(
    "Bound",
    "The limit of a store, as the store knows it by itself.",
    {
        "kind": text("deque, functools.lru_cache or the name of its type"),
        "items": whole("number of items in the store"),
        "max_items": whole("highest number of items"),
    },
)
VERDICT = Shape(
    "Verdict",
    "The verdict on a job's runs; docs/levels.md explains the states.",
    {
        "state": one_of("only leaking and native_growth are accusations", *State),
        "reason": text("why, in a sentence or two"),
        "runs": whole("completed runs that it rests on"),
        "bytes_per_run": number("bytes per run that stay alive; null for insufficient_runs", null=True),
        "interval_bytes": numbers("the 95 % interval of bytes_per_run", null=True),
        "native_bytes_per_run": number(
            "bytes per run by which the C heap grows beside Python's; null if it does not", null=True
        ),
        "accusation": an("what an accusation rests on; null unless the state is an accusation", ACCUSATION, null=True),
        "bound": an("of a store that fills up and knows its own limit; null if none is known", BOUND, null=True),
        "forecast": an("null if the limit or the time between runs is not known", FORECAST, null=True),
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
    "The changes from run to run or, with `seconds`, over that time.",
    {
        "group_by": one_of("what each row of `sites` sums up", *GROUPS),
        "sampled_every_bytes": number("bytes per sample; null if the figures are exact", null=True),
        "totals": an("the sums over all lines", TOTALS),
        "sites": many("the largest changes first", CHANGED_SITE),
        **_only(
            "without `seconds`",
            {
                "job": text("the job"),
                "run": an("the run", RUN),
                "against": an("the run that it is compared with", RUN),
                "verdict": an("the verdict on the job's runs", VERDICT),
            },
        ),
        **_only(
            "with `seconds`",
            {
                "seconds": number("the time between the two ends"),
                "collected": switch("whether garbage was collected at both ends"),
                "jobs": texts("jobs that ran in this time"),
                "rss_mb": number("resident memory at the end"),
                "memory_percent": number("rss_mb in per cent of the limit"),
                "cost": an("the cost of the measurement", COST),
            },
        ),
    },
)

JOB_VERDICT = Shape(
    "JobVerdict",
    "A job and its verdict.",
    {"job": text("the job"), "verdict": an("the verdict; null before the first run", VERDICT, null=True)},
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
    "A job; without a scheduler, as its runs in the history describe it.",
    {
        "id": text("name of the job"),
        "description": text("what the job does; empty without a scheduler"),
        "state": one_of("what the job does now", "idle", "running", "paused"),
        "next_run_at": moment("the next run; null while the job is paused, and without a scheduler", null=True),
        "last_run": an("the last run; null before the first run has ended", LAST_RUN, null=True),
        "runs": whole("runs so far; without a scheduler, those in the history"),
        "failures": whole("how many of them failed"),
        "coalesced_slots": whole("slots that came too late and were replaced by one run"),
    },
)
JUDGED_JOB = Shape(
    "JudgedJob",
    "A job with its verdict.",
    {**JOB.keys, "verdict": an("the verdict; null before the first run", VERDICT, null=True)},
)
JOBS = Shape(
    "Jobs",
    "All jobs.",
    {
        "scheduler_enabled": switch("whether slots fire by themselves; false without a scheduler"),
        "jobs": many("each job with its verdict", JUDGED_JOB),
    },
)
