"""The whole page, and the form that asks for the token, as HTML documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from html import escape

from profiling.report.page.files import script, style_sheet
from profiling.report.page.first_screen import now_html, rows_html, title_of
from profiling.report.page.state import PageState

# The icon is in the page, because a browser otherwise requests /favicon.ico.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 12l5-6 3 3 6-7' fill='none' stroke='%230072b2' stroke-width='2'/%3E%3C/svg%3E"
)
_ANSWERS = "<answers/>"  # no other text of the page has it, because names and messages are escaped
_ALWAYS = "default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def page_policy() -> str:
    """Return the Content-Security-Policy of the page: files of this service, nothing inline, nothing from elsewhere."""
    return f"{_ALWAYS}; script-src 'self'; style-src 'self'; form-action 'none'"


def sign_in_policy() -> str:
    """Return the policy of the form: its script, and that of the page, which comes with the token, by their hashes.

    The files of the page are closed to requests without the token, so no address of a script is allowed.
    """
    scripts = f"{script('sign_in').csp_hash} {script('page').csp_hash}"
    return f"{_ALWAYS}; script-src {scripts}; style-src {style_sheet().csp_hash}; form-action 'none'"


def page_html(state: PageState, root: str) -> str:
    """Return the page for a state. `root` is the relative path of the debug routes, such as "./"."""
    return _document(
        title_of(state),
        f'<link rel="stylesheet" href="{root}static/page.css?v={style_sheet().tag}">\n'
        f'<script type="module" src="{root}static/page.js?v={script("page").tag}"></script>',
        _body(state, root),
    )


def sign_in_html(detail: str, root: str, *, has_token: bool) -> str:
    """Return the answer to a browser without the token: the form that asks for it, and no data.

    Args:
        detail: Why the request was refused.
        root: The relative path of the debug routes.
        has_token: Whether there is a token that would open the page.
    """
    form = (
        f'<form id="sign-in" data-root="{root}">\n<label for="token">Debug token</label>\n'
        '<input id="token" type="password" autocomplete="off" required autofocus spellcheck="false">\n'
        '<button type="submit">Show</button>\n</form>\n'
        '<p class="soft">The token stays in the memory of this tab; a reload asks again.</p>\n'
        "<noscript><p>Without JavaScript, send the header to the routes with curl.</p></noscript>\n"
    )
    return _document(
        "Memory",
        f"<style>{style_sheet().text}</style>",
        f'<main class="narrow">\n<h1>Memory</h1>\n<p role="status" id="refused">{escape(detail)}</p>\n'
        f"{form if has_token else ''}</main>\n"
        + (f'<script type="module">{script("sign_in").text}</script>' if has_token else ""),
    )


def report_html(state: PageState, answers: Mapping[str, bytes]) -> bytes:
    """Return the page as one file that needs no service.

    The answers may have megabytes, so they are only joined, and are never a part of a text.

    Args:
        state: The first screen.
        answers: What the service would answer, in JSON, by the path of the request, such as `memory/stacks`.
    """
    before, _, after = _report(state).partition(_ANSWERS)
    pieces = (piece for path, body in answers.items() for piece in (b",", json.dumps(path).encode(), b":", body))
    kept = [piece.replace(b"<", rb"\u003c") for piece in pieces]  # so that no text in it ends the element
    return b"".join([before.encode(errors="replace"), b"{", *kept[1:], b"}", after.encode(errors="replace")])


def _report(state: PageState) -> str:
    """Return the report with a mark in place of the answers."""
    policy = (
        f"default-src 'none'; img-src data:; script-src {script('page').csp_hash}; style-src {style_sheet().csp_hash}"
    )
    return _document(
        title_of(state),
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style_sheet().text}</style>',
        f"{_body(replace(state, can_steer=False), './')}\n"
        f'<script type="application/json" id="answers">{_ANSWERS}</script>\n'
        f'<script type="module">{script("page").text}</script>',
    )


def _document(title: str, head: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="{ICON}">
{head}
</head>
<body>
{body}
</body>
</html>
"""


def _body(state: PageState, root: str) -> str:
    heads = "".join(_head(name, kind) for name, kind in _COLUMNS)
    note = f'<p class="soft">No samples: {escape(state.without_samples)}.</p>' if state.without_samples else ""
    process = "" if state.process is None else f', process <span id="process">{state.process}</span>'
    return f"""<a class="skip" href="#jobs">Skip to jobs and scopes</a>
<header id="now">
{now_html(state)}
</header>
<main id="page" data-root="{root}">
<section id="timeline" aria-labelledby="timeline-title" hidden>
<h2 id="timeline-title">Timeline</h2>
</section>
<section id="jobs" aria-labelledby="jobs-title">
<h2 id="jobs-title">Jobs and scopes</h2>
{note}<table id="owners"><thead><tr>{heads}</tr></thead>
<tbody id="rows">
{rows_html(state)}
</tbody></table>
</section>
<section id="flame" aria-labelledby="flame-title" hidden>
<h2 id="flame-title">What is alive</h2>
</section>
<section id="events" aria-labelledby="events-title" hidden>
<h2 id="events-title">Events</h2>
</section>
</main>
<footer><p><span id="link" role="status">As of {state.at:%Y-%m-%d %H:%M:%S %Z}</span>{process}</p>
<noscript><p>The timeline and the flame graph need JavaScript.</p></noscript></footer>"""


_COLUMNS = (
    ("Name", "text"),
    ("Verdict", "number"),
    ("Held", "number"),
    ("Growth", "number"),
    ("Trend", ""),
    ("Last run", "number"),
    ("Next run", "number"),
    ("Actions", ""),
)


def _head(name: str, kind: str) -> str:
    label = f'<button type="button" data-sorts="{kind}">{name}</button>' if kind else name
    hidden = f'<span class="unseen">{name}</span>' if name == "Actions" else label
    return f'<th scope="col">{hidden}</th>'
