"""The answers of the debug routes, as the OpenAPI document describes them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from volaris.web.schemas import Strict

GROUPS = ("line", "file", "function")


def _described(description: str) -> dict[str, str]:
    return {"description": description} if description else {}


def _number(description: str = "", *, optional: bool = False) -> fields.Float:
    return fields.Float(required=True, allow_none=optional, metadata=_described(description))


def _count(description: str = "", *, optional: bool = False) -> fields.Integer:
    return fields.Integer(required=True, allow_none=optional, metadata=_described(description))


def _text(description: str = "", *, optional: bool = False) -> fields.String:
    return fields.String(required=True, allow_none=optional, metadata=_described(description))


def _one_of(*words: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(words))


def _switch(description: str) -> fields.Boolean:
    return fields.Boolean(required=True, metadata=_described(description))


def _texts(description: str) -> fields.List:
    return fields.List(fields.String(), required=True, metadata=_described(description))


def _list_of(schema: type[Schema], *, optional: bool = False) -> fields.List:
    return fields.List(fields.Nested(schema), required=True, allow_none=optional)


def _nested(schema: type[Schema], *, optional: bool = False) -> fields.Nested:
    return fields.Nested(schema, required=True, allow_none=optional)


def _moment(*, optional: bool = False) -> fields.AwareDateTime:
    return fields.AwareDateTime(required=True, allow_none=optional, format="iso")


class IndexEntrySchema(Strict):
    """A debug route."""

    method = _text()
    path = _text()
    summary = _text()


class IndexSchema(Strict):
    """The debug routes there are."""

    routes = _list_of(IndexEntrySchema)


class HealthSchema(Strict):
    """Memory against the limit."""

    status = _one_of("ok", "warning", "critical")
    environment = _text("as `mount` was told it; null if it was not", optional=True)
    memory_mb = _number("resident memory, in MB of 2^20 bytes")
    memory_percent = _number("of the limit")
    scheduler_enabled = _switch("whether slots fire by themselves")


class UsageSchema(Strict):
    """What the process uses, in MB of 2^20 bytes."""

    rss_mb = _number()
    vms_mb = _number()
    percent = _number("RSS in per cent of the limit")
    available_mb = _number("to the limit")
    total_mb = _number("the limit")
    total_from = _text("what sets the limit")


class TypeSchema(Strict):
    """Objects of one type."""

    type = _text()
    count = _count()
    avg_size_bytes = _number()


class LargeObjectSchema(Strict):
    """One large object."""

    type = _text()
    size_mb = _number()
    repr = _text()


class CollectorSchema(Strict):
    """Python's cyclic collector."""

    collections = fields.List(fields.Integer(), required=True)
    threshold = fields.List(fields.Integer(), required=True)
    tracked_objects = _count()


class CompositionSchema(Strict):
    """What the resident memory is made of, in MB of 2^20 bytes; null where it is not known. The groups overlap."""

    rss_mb = _number()
    anonymous_mb = _number(optional=True)
    file_backed_mb = _number(optional=True)
    swapped_mb = _number(optional=True)
    c_heap_used_mb = _number(optional=True)
    c_heap_free_mb = _number(optional=True)
    arenas_mb = _number(optional=True)
    arenas_used_mb = _number(optional=True)
    arenas_free_mb = _number(optional=True)
    traced_mb = _number(optional=True)
    profiler_mb = _number()
    in_words = _texts("the notable parts, and what would help")


class SamplerSchema(Strict):
    """The sampler's tables."""

    sampled_every_bytes = _number("in the mean")
    alive = _count()
    taken = _count()
    lost = _count()
    stacks = _count()
    mb = _number()


class TracingSchema(Strict):
    """What the profiler does and keeps."""

    level = _text()
    tracing = _switch("whether tracemalloc is on")
    active_jobs = _texts("those that run now")
    runs = _count("since the start")
    history_runs = _count()
    history_mb = _number()
    tracemalloc_mb = _number()
    sampler = _nested(SamplerSchema, optional=True)
    series_of = _text("the job that is traced exactly for some runs, at level adaptive", optional=True)
    lost_share = _number(optional=True)


class WalkSchema(Strict):
    """What the walk over the heap took."""

    duration_s = _number()
    stall_ms = _number("the longest that the event loop was held")
    not_searched = _count()


class MemorySchema(Strict):
    """What the process holds."""

    current_usage = _nested(UsageSchema)
    top_objects = _list_of(TypeSchema)
    large_objects = _list_of(LargeObjectSchema)
    gc_stats = _nested(CollectorSchema)
    composition = _nested(CompositionSchema)
    tracing = _nested(TracingSchema)
    walk = _nested(WalkSchema)


class CostSchema(Strict):
    """The profiler's own cost."""

    duration_ms = _number()
    stall_ms = _number()
    memory_mb = _number()


class LinesSchema(Strict):
    """What the lines of a run add up to."""

    traced_mb = _number()
    traced_diff_bytes = _count()
    traced_peak_mb = _number(optional=True)
    profiler_mb = _number()
    traces = _count()
    sites = _count()
    period = _count("the number of the stretch of tracing or sampling; only runs of one stretch can be compared")
    sampled_every_bytes = fields.Float(metadata={"description": "in the mean; with samples only"})
    traced_error_bytes = fields.Integer(metadata={"description": "with samples only"})
    traced_diff_error_bytes = fields.Integer(metadata={"description": "with samples only"})


class RunSchema(Strict):
    """One run of a job."""

    id = _count()
    job = _text()
    level = _text("how closely it was watched")
    outcome = _one_of("completed", "failed", "cancelled")
    started_at = _moment()
    duration_s = _number()
    rss_mb = _number("after the run")
    rss_diff_bytes = _count()
    peak_mb = _number(optional=True)
    memory_percent = _number("of the limit")
    blocks_diff = _count()
    held_free_mb = _number("by the C allocator", optional=True)
    lines = _nested(LinesSchema, optional=True)
    samples = _nested(LinesSchema, optional=True)
    overlapped_with = _texts("jobs that ran meanwhile")
    collected = _switch("whether garbage was collected before and after it, so that none counts")
    degraded = _text("why it was watched less closely than it should have been", optional=True)
    cost = _nested(CostSchema)


class _Place(Strict):
    file = _text()
    line = _count()
    function = _text(optional=True)
    source = _text("the line's text", optional=True)


class KeptSiteSchema(_Place):
    """A line, and what it kept in a run."""

    size_diff_bytes = _count()
    count_diff = _count()
    error_bytes = _count("with samples only", optional=True)


class PeakSiteSchema(_Place):
    """A line, and what it held at the peak of a run."""

    size_bytes = _count()
    count = _count()
    error_bytes = _count("with samples only", optional=True)


class RunWithSitesSchema(RunSchema):
    """One run, with the lines that kept the most in it."""

    sites = _list_of(KeptSiteSchema)
    peak_sites = _list_of(PeakSiteSchema, optional=True)


class RunsSchema(Strict):
    """The runs in the history, newest first."""

    runs = _list_of(RunSchema)


class TotalsSchema(Strict):
    """What all lines changed by, listed or not."""

    size_diff_bytes = _count()
    count_diff = _count()
    attributed_bytes = _count()
    unattributed_bytes = _count()
    listed_bytes = _count()
    omitted_bytes = _count()
    rss_diff_bytes = _count()


class ChangedSiteSchema(Strict):
    """A line, a function or a file, and what it changed by."""

    file = _text()
    line = _count(optional=True)
    function = _text(optional=True)
    source = _text(optional=True)
    size_bytes = _count()
    size_diff_bytes = _count()
    count = _count()
    count_diff = _count()
    path = _text("as the code object names it")
    error_bytes = _count("with samples only", optional=True)


class ForecastSchema(Strict):
    """When the memory is full."""

    outlook = _one_of("full", "not_growing", "not_enough_runs")
    reason = _text()
    full_in_s = _count(optional=True)
    interval_s = fields.List(fields.Integer(allow_none=True), required=True, allow_none=True)
    full_at = _moment(optional=True)


class SuspectPlaceSchema(Strict):
    """Where a suspect is."""

    file = _text()
    line = _count()


class SuspectSchema(Strict):
    """A line that keeps more with every run."""

    site = _nested(SuspectPlaceSchema)
    bytes_per_run = _count()
    stack = _texts("how the line is reached")


class AccusationSchema(Strict):
    """What `leaking` or `native_growth` rests on; it holds until less than half of it is alive."""

    state = _one_of("leaking", "native_growth")
    since_run = _count("how many runs had completed when it was made")
    births = fields.List(
        fields.Integer(),
        required=True,
        validate=validate.Length(equal=2),
        metadata={"description": "numbers of the first and the last run whose memory it rests on"},
    )
    site = fields.Nested(
        SuspectPlaceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "the line that keeps it; null for small lines together and for a C heap"},
    )
    bytes_held = _count("of these runs, alive when it was made")
    bytes_per_run = _count("when it was made")


class VerdictSchema(Strict):
    """What a job's runs say together."""

    state = _one_of("leaking", "native_growth", "growing", "stable", "insufficient_runs")
    reason = _text()
    runs = _count()
    bytes_per_run = _number("that stay", optional=True)
    interval_bytes = fields.List(fields.Float(), required=True, allow_none=True)
    native_bytes_per_run = _number("by which the C heap grows beside Python's; null if it does not", optional=True)
    accusation = _nested(AccusationSchema, optional=True)
    forecast = _nested(ForecastSchema, optional=True)
    suspects = _list_of(SuspectSchema)


class DiffSchema(Strict):
    """What changed from run to run; with `seconds`, over that time."""

    group_by = _one_of(*GROUPS)
    sampled_every_bytes = _number("in the mean; null where the figures are exact", optional=True)
    totals = _nested(TotalsSchema)
    sites = _list_of(ChangedSiteSchema)
    job = fields.String(metadata={"description": "without `seconds`"})
    run = fields.Nested(RunSchema, metadata={"description": "without `seconds`"})
    against = fields.Nested(RunSchema, metadata={"description": "without `seconds`"})
    verdict = fields.Nested(VerdictSchema, metadata={"description": "without `seconds`"})
    seconds = fields.Float(metadata={"description": "with `seconds`"})
    collected = fields.Boolean(metadata={"description": "with `seconds`: whether garbage was collected"})
    jobs = fields.List(fields.String(), metadata={"description": "with `seconds`: those that ran meanwhile"})
    rss_mb = fields.Float(metadata={"description": "with `seconds`"})
    memory_percent = fields.Float(metadata={"description": "with `seconds`"})
    cost = fields.Nested(CostSchema, metadata={"description": "with `seconds`"})


class TrimmedSchema(Strict):
    """What the C allocator gave back."""

    supported = _switch("whether the C library can")
    given_back_mb = _number()
    rss_before_mb = _number()
    rss_after_mb = _number()
    c_heap_free_before_mb = _number(optional=True)
    c_heap_free_after_mb = _number(optional=True)
    duration_ms = _number()


class JobVerdictSchema(Strict):
    """A job and what its runs say together; null before its first run."""

    job = _text()
    verdict = _nested(VerdictSchema, optional=True)


class LastRunSchema(Strict):
    """How a job's last run ended."""

    outcome = _text()
    started_at = _moment(optional=True)
    duration_s = _number(optional=True)
    error = _text(optional=True)


class JobSchema(Strict):
    """A job of the scheduler."""

    id = _text()
    description = _text()
    state = _one_of("idle", "running", "paused")
    next_run_at = _moment(optional=True)
    last_run = _nested(LastRunSchema, optional=True)
    runs = _count()
    failures = _count()
    coalesced_slots = _count("that came too late and were made up for by one run")


class JudgedJobSchema(JobSchema):
    """A job of the scheduler with its verdict."""

    verdict = _nested(VerdictSchema, optional=True)


class JobsSchema(Strict):
    """All jobs."""

    scheduler_enabled = _switch("whether slots fire by themselves")
    jobs = _list_of(JudgedJobSchema)
