"""The first screen as HTML: the sentence, the bar, and the table of jobs and scopes."""

from __future__ import annotations

from datetime import datetime
from html import escape
from urllib.parse import quote

from profiling.records import MemoryUsage, OwnerKind
from profiling.report.headline import Deadline, size_text
from profiling.report.page.state import PageState, Row, Share
from profiling.report.page.words import ALERTS, from_now, verdict_words
from profiling.source import short_path

MIN_FILLED_PERCENT = 5.0
TREND_WIDTH, TREND_HEIGHT = 96, 20


def now_html(state: PageState) -> str:
    """Return the sentence and the bar."""
    return f"{_sentence(state)}\n{_bar(state)}"


def rows_html(state: PageState) -> str:
    """Return the rows of the table."""
    if not state.rows:
        return '<tr><td colspan="8" class="empty">No job has run and no scope was called yet.</td></tr>'
    return "\n".join(_row(row, state) for row in state.rows)


def title_of(state: PageState) -> str:
    """Return the title of the page, which a tab shows."""
    memory = state.headline.memory.rstrip(".")
    return memory if state.usage is None else f"{memory} ({state.headline.alert.value})"


def _sentence(state: PageState) -> str:
    told = state.headline
    icon, word = ALERTS[told.alert]
    end = f" {_end(told.end, told.deadline)}" if told.deadline and told.end else ""
    alert = f'<p class="alert {told.alert.value}"><span aria-hidden="true">{icon}</span> {word}</p>\n'
    return (
        f"{'' if state.usage is None else alert}"  # without a limit nobody knows how urgent it is
        f'<h1 id="sentence">{escape(told.memory)} {escape(told.cause)}{end}</h1>'
    )


def _end(text: str, deadline: Deadline) -> str:
    """Return the forecast, with its times for a script that tells them in the reader's time zone."""
    ends = {"at": deadline.at, "earliest": deadline.earliest, "latest": deadline.latest}
    told = "".join(f' data-{name}="{at.isoformat()}"' for name, at in ends.items() if at is not None)
    return f'<span id="deadline"{told}>{escape(text)}</span>'


def _bar(state: PageState) -> str:
    shared_bytes = sum(share.size_bytes for share in state.shares)
    full_bytes, words = _scale(state.usage, shared_bytes)
    begin, drawn, legend = 0.0, [], []
    for share in state.shares:
        width = 100 * share.size_bytes / full_bytes
        drawn.append(_segment(share, begin, width, shared_bytes))
        legend.append(_legend(share))
        begin += width
    return (
        f'<svg id="bar" class="{state.headline.alert.value}" width="100%" height="28" role="group"'
        f' aria-label="Memory by holder">\n{"".join(drawn)}</svg>\n'
        f'<p id="told">{escape(words)}</p>\n<ul class="legend">{"".join(legend)}</ul>'
    )


def _scale(usage: MemoryUsage | None, shared_bytes: int) -> tuple[int, str]:
    """Return the size at which the bar ends, and what the bar shows, in words."""
    if usage is None:
        return max(1, shared_bytes), f"the bar is all live memory of the profile, {size_text(shared_bytes)}"
    is_tiny = usage.percent < MIN_FILLED_PERCENT  # against the whole limit, nothing could be seen
    full_bytes = max(usage.rss_bytes * 4 if is_tiny else usage.limit.limit_bytes, usage.rss_bytes, 1)
    words = f"{usage.percent:.{int(is_tiny)}f} % of the limit of {size_text(usage.limit.limit_bytes)}"
    words += f" ({usage.limit.source})" + (f"; the bar ends at {size_text(full_bytes)}" if is_tiny else "")
    return full_bytes, words


def _segment(share: Share, begin: float, width: float, shared_bytes: int) -> str:
    percent = 100 * share.size_bytes / max(1, shared_bytes)
    told = escape(f"{share.name}: {size_text(share.size_bytes)}, {percent:.0f} % of the memory in use")
    return (
        f'<a href="#{_target(share)}" class="segment" aria-label="{told}"><rect class="{_colour(share)}"'
        f' x="{begin:.3f}%" width="{width:.3f}%" height="28"/><title>{told}</title></a>\n'
    )


def _legend(share: Share) -> str:
    return (
        f'<li><a href="#{_target(share)}"><svg class="key" width="12" height="12" aria-hidden="true">'
        f'<rect class="{_colour(share)}" width="12" height="12"/></svg>{escape(share.name)}</a>'
        f" <b>{size_text(share.size_bytes)}</b></li>"
    )


def _colour(share: Share) -> str:
    return f"hue{share.hue}" if share.hue is not None else share.kind.value


def _target(share: Share) -> str:
    return row_id(share.name) if share.hue is not None else "jobs"


def row_id(name: str) -> str:
    """Return the id of the row of a job or scope."""
    return f"row-{quote(name, safe='')}"


def _row(row: Row, state: PageState) -> str:
    icon, word, state_class = verdict_words(row.verdict, state.unjudged)
    reason = escape(row.verdict.reason) if row.verdict else ""
    pace = "" if row.pace_bytes is None else f"{size_text(row.pace_bytes)} per {row.unit}"
    held = "" if row.held_bytes is None else size_text(row.held_bytes)
    link = f"scopes/{quote(row.name, safe='')}?format=text"
    return (
        f'<tr id="{row_id(row.name)}" data-name="{escape(row.name)}" data-kind="{row.kind.value}">'
        f'<th scope="row"><a class="open" href="{link}">{escape(row.name)}</a>{_activity(row)}{_place(row)}</th>'
        f'<td data-label="Verdict" data-sort="{_rank(row)}" title="{reason}"><span class="verdict {state_class}">'
        f'<span aria-hidden="true">{icon}</span> {word}</span></td>'
        f'<td data-label="Held" data-sort="{row.held_bytes or 0}">{held}</td>'
        f'<td data-label="Growth" data-sort="{row.pace_bytes or 0:.0f}">{pace}</td>'
        f'<td data-label="Trend">{_trend(row)}</td>'
        f'<td data-label="Last run" data-sort="{_seconds(row.last_run_at)}">{_last(row, state.at)}</td>'
        f'<td data-label="Next run" data-sort="{_seconds(row.next_run_at)}">{_time(row.next_run_at, state.at)}</td>'
        f'<td class="actions">{_buttons(row) if state.can_steer else ""}</td></tr>'
    )


def _activity(row: Row) -> str:
    return f' <span class="activity">{escape(row.activity)}</span>' if row.activity in {"running", "paused"} else ""


def _place(row: Row) -> str:
    if row.verdict is None or not row.verdict.suspects:
        return ""
    file, line = row.verdict.suspects[0].site
    return f'<code class="place">{escape(short_path(file))}:{line}</code>'


def _rank(row: Row) -> int:
    order = ["leaking", "native_growth", "growing", "insufficient_runs", "stable"]
    return order.index(row.verdict.state.value) if row.verdict else len(order)


def _trend(row: Row) -> str:
    """Return a line through the last values, from zero up."""
    if len(row.trend) < 2:
        return ""
    top, step = max(*row.trend, 1), TREND_WIDTH / (len(row.trend) - 1)
    points = " ".join(
        f"{number * step:.1f},{1 + (TREND_HEIGHT - 2) * (1 - value / top):.1f}"
        for number, value in enumerate(row.trend)
    )
    told = f"held from {size_text(row.trend[0])} to {size_text(row.trend[-1])} over {len(row.trend)} {row.unit}s"
    return (
        f'<svg class="trend" width="{TREND_WIDTH}" height="{TREND_HEIGHT}" role="img" aria-label="{told}">'
        f'<polyline points="{points}"/><title>{told}</title></svg>'
    )


def _last(row: Row, now: datetime) -> str:
    if row.last_run_at is None:
        return ""
    bad = f'<span class="outcome">{escape(row.last_outcome)}</span> ' if row.last_outcome != "completed" else ""
    return bad + _time(row.last_run_at, now)


def _time(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    return f'<time datetime="{at.isoformat()}" title="{at:%Y-%m-%d %H:%M:%S %Z}">{from_now(at, now)}</time>'


def _seconds(at: datetime | None) -> int:
    return round(at.timestamp()) if at else 0


def _buttons(row: Row) -> str:
    if row.kind is not OwnerKind.JOB or not row.activity:
        return ""
    verb = "resume" if row.activity == "paused" else "pause"
    return (
        f'<button type="button" data-verb="run" aria-label="run {escape(row.name)}">run</button> '
        f'<button type="button" data-verb="{verb}" aria-label="{verb} {escape(row.name)}">{verb}</button>'
    )
