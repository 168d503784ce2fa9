"""When the service gives memory back."""

from __future__ import annotations

from datetime import UTC, datetime

from profiling.records import TrimResult
from volaris.instrumentation.heap_trimmer import TRIM_EVERY_S, HeapTrimmer
from volaris.scheduler import JobRun, RunOutcome

RUN = JobRun(
    job_id="work",
    started_at=datetime(2026, 8, 3, tzinfo=UTC),
    duration_s=0.1,
    outcome=RunOutcome.COMPLETED,
    error_text=None,
    coalesced_slots=0,
)


async def test_heap_is_trimmed_after_a_run_but_not_after_each() -> None:
    notes: list[str] = []
    now_s = [0.0]

    async def report(run: JobRun, error: BaseException | None) -> None:
        assert (run, error) == (RUN, None)
        notes.append("report")

    async def trim() -> TrimResult:
        notes.append("trim")
        return TrimResult(
            supported=True,
            rss_before_bytes=2,
            rss_after_bytes=1,
            c_heap_free_before_bytes=1,
            c_heap_free_after_bytes=1,
            duration_s=0.001,
        )

    trimmer = HeapTrimmer(report, clock=lambda: now_s[0], trim=trim)
    for at_s in (TRIM_EVERY_S - 1, TRIM_EVERY_S, TRIM_EVERY_S + 1, 2 * TRIM_EVERY_S):
        now_s[0] = at_s
        await trimmer.report(RUN, None)
    assert notes == ["report", "report", "trim", "report", "report", "trim"]
