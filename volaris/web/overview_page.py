"""The page of the root: without scripts, and without anything to load from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Any

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #f6f7f9; --card: #fff; --line: #d8dde3;
  --link: #0a5bc4; --ok: #1a7f37; --warning: #8a5a00; --critical: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa4af; --paper: #0f1216; --card: #171b21;
  --line: #2c333b; --link: #6cb0ff; --ok: #4ac26b; --warning: #e0a83a; --critical: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem 3rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
p { margin: .2rem 0; }
small, th, dt, .soft { color: var(--soft); }
h1 small { font-size: 1rem; font-weight: normal; }
a { color: var(--link); }
section { margin-top: 1.2rem; padding: 1rem 1.2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; }
meter { display: block; width: 100%; height: 1rem; }
.ok, .completed { color: var(--ok); } .warning, .paused, .cancelled { color: var(--warning); }
.critical, .failed, .timed_out { color: var(--critical); } .running { color: var(--link); }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: normal; font-size: .875rem; }
th, td { padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr > :last-child { padding-right: 0; } tbody tr:last-child td { border-bottom: 0; }
td small { display: block; font-size: .875rem; }
ul { margin: 0; padding: 0; list-style: none; display: grid; gap: .4rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
time { white-space: nowrap; }
li small { display: block; font-size: .875rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { padding-top: 1rem; } thead { display: none; }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: 7.6rem 1fr; gap: 0 .5rem; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; padding-bottom: 0; } tbody tr:first-child { padding-top: 0; }
  td { padding: .1rem 0; border: 0; } td:first-child { grid-column: 1 / -1; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--soft); } }
"""
# The icon is in the page too, because a browser otherwise requests /favicon.ico.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 12l5-6 3 3 6-7' fill='none' stroke='%232b7de9' stroke-width='2'/%3E%3C/svg%3E"
)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LABELS = {
    "documentation": "API documentation",
    "openapi": "OpenAPI document",
    "symbols": "Symbols",
    "livez": "Liveness",
    "readyz": "Readiness",
    "page": "Page of the memory",
    "health": "Health",
    "jobs": "Jobs and their verdicts",
    "memory": "What the process holds",
    "runs": "Profiled runs",
}


def overview_page(document: Mapping[str, Any], now: datetime) -> str:
    """Return the page for a document of the root; times are relative to `now`."""
    health, jobs = document["health"], document["jobs"]
    number = f" <small>{escape(document['version'])}</small>" if document["version"] else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Volaris</title>
<link rel="icon" href="{ICON}">
<style>{STYLE}</style>
</head>
<body>
<h1>Volaris{number}</h1>
<p class="soft">Market data of the S&amp;P 500, under a memory profiler.
Environment: {escape(health["environment"])}.</p>
<section><h2>Memory: <span class="{health["status"]}">{health["status"]}</span></h2>
{_memory(health, document["memory_limit_mb"])}
</section>
<section><h2>Jobs</h2>
{_jobs(jobs, now, is_enabled=health["scheduler_enabled"])}
</section>
<section><h2>Routes</h2>
<ul>{"".join(_link(name, path) for name, path in document["links"].items())}</ul>
</section>
</body>
</html>
"""


def _memory(health: Mapping[str, Any], limit_mb: float | None) -> str:
    percent = health["memory_percent"]
    of = f" of {limit_mb:,.0f} MB" if limit_mb is not None else ""
    text = f"{health['memory_mb']:,.1f} MB{of}, {percent:.1f} % of the limit"
    return (
        f'<meter min="0" max="100" low="75" high="85" optimum="0" value="{percent}" aria-label="memory in use">'
        f"{text}</meter><p>{text}</p>"
    )


def _jobs(jobs: Sequence[Mapping[str, Any]] | None, now: datetime, *, is_enabled: bool) -> str:
    if jobs is None:
        return '<p class="soft">In production, jobs are shown to requests with the debug token.</p>'
    if not jobs:
        return '<p class="soft">There are no jobs.</p>'
    note = "" if is_enabled else '<p class="soft">The scheduler is off: jobs run only on request.</p>'
    rows = "".join(_row(job, now) for job in jobs)
    head = "<tr><th>Job</th><th>State</th><th>Last run</th><th>Next run</th><th>Runs</th></tr>"
    return f"{note}<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _row(job: Mapping[str, Any], now: datetime) -> str:
    outcome = job["last_outcome"]
    last = (
        f'<span class="{escape(outcome)}">{escape(outcome.replace("_", " "))}</span> '
        f"{_time(job['last_started_at'], now)}"
        if outcome
        else "none yet"
    )
    failed = f", {job['failures']} failed" if job["failures"] else ""
    return (
        f"<tr><td>{escape(job['id'])} <small>{escape(job['description'])}</small></td>"
        f'<td data-label="State"><span class="{escape(job["state"])}">{escape(job["state"])}</span></td>'
        f'<td data-label="Last">{last}</td><td data-label="Next">{_time(job["next_run_at"], now)}</td>'
        f'<td data-label="Runs">{job["runs"]}{failed}</td></tr>'
    )


def _time(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "-"
    return (
        f'<time datetime="{moment.isoformat()}" title="{moment:%Y-%m-%d %H:%M:%S %Z}">{_from_now(moment, now)}</time>'
    )


def _from_now(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    span = _span(abs(seconds))
    return f"in {span}" if seconds > 0 else f"{span} ago"


def _span(seconds: float) -> str:
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def _link(name: str, path: str) -> str:
    return f'<li><a href="{escape(path)}">{escape(LABELS.get(name, name))}</a> <small>{escape(path)}</small></li>'
