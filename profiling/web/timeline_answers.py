"""The answer of the timeline, key by key."""

from __future__ import annotations

from profiling.records.timeline import EventKind, Span
from profiling.web.shapes import Key, Shape, many, moment, numbers, one_of, text, whole


def _sizes(description: str) -> Key:
    return numbers(description, "integer", null_within=True)


HELD = Shape(
    "Held",
    "What a job or a scope has held.",
    {
        "scope": text("the name of the job or scope"),
        "bytes": _sizes("estimated bytes alive, read every ten seconds; null if not known"),
    },
)
EVENT = Shape(
    "Event",
    "An event in the past of the process.",
    {
        "at": moment("when it was noted"),
        "kind": one_of("what has happened", *EventKind),
        "subject": text("the job or scope; null for the process", null=True),
        "state": text(
            "the new verdict or pressure (ok, warning, critical), the level of a degraded run, or whether the process "
            "before a restart had closed its profiler (closed, not_closed)"
        ),
        "text": text("the event in a sentence"),
    },
)
TIMELINE = Shape(
    "Timeline",
    "The memory of the process over a span, oldest first: lists of one length, with an entry for each step.",
    {
        "span": one_of("how far it goes back", *Span),
        "step_s": whole("seconds from entry to entry; steps in which the process did not run have no entry"),
        "now": moment("when the answer was made"),
        "at": numbers("the beginning of each step, in seconds since the epoch", "integer"),
        "rss_bytes": _sizes("resident memory, mean of the step"),
        "peak_bytes": _sizes("resident memory, highest reading of the step"),
        "limit_bytes": _sizes("memory limit"),
        "python_bytes": _sizes("estimate of Python's heap, with what is free in its arenas; null without samples"),
        "c_heap_bytes": _sizes("bytes of the C heap in use, without what Python and NumPy have got from it"),
        "free_bytes": _sizes("bytes freed by the program but kept by the C allocator"),
        "rest_bytes": _sizes("the RSS without these parts: libraries, stacks, mapped files"),
        "held": many("the jobs and scopes that hold most, the largest first", HELD),
        "events": many("events of the span, oldest first", EVENT),
    },
)
