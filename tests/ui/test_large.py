"""A week of history and 20 000 frames: shown, and measured into .benchmarks/page/figures.json, which nobody asserts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.ui.conftest import PICTURES, Look

pytestmark = pytest.mark.slow

FRAMES = 20_000
DEPTH = 20
STEPS = 2_016
NOW_S = 1_790_000_000

# Ends when the browser has painted what a call has changed.
MEASURED = """async ([selector, kind, options]) => {
  const target = document.querySelector(selector), box = target.getBoundingClientRect(), began = performance.now();
  const at = { bubbles: true, clientX: box.left + box.width / 3, clientY: box.top + 150, ...options };
  target.dispatchEvent(kind === "click" ? new MouseEvent(kind, at) : new KeyboardEvent(kind, at));
  await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - began;
}"""


def stacks() -> dict[str, Any]:
    """Stacks whose tree has FRAMES frames, no two of them merged."""
    count = FRAMES // DEPTH
    return {
        "sampled_every_bytes": 65_536,
        "rss_mb": 400,
        "totals": {},
        "files": [
            {"file": f"app/m{number}.py", "path": f"/app/m{number}.py", "kind": "user", "package": f"p{number % 9}"}
            for number in range(200)
        ],
        "frames": {
            "file": [number % 200 for number in range(FRAMES)],
            "function": [f"function_{number}" for number in range(FRAMES)],
            "line": [number % 900 + 1 for number in range(FRAMES)],
        },
        "scopes": ["a", "b"],
        "stacks": {
            "scope": [number % 2 for number in range(count)],
            "frames": [list(range(number * DEPTH, (number + 1) * DEPTH)) for number in range(count)],
            "size_bytes": [400_000 - 300 * number for number in range(count)],
            "count": [5] * count,
        },
    }


def timeline() -> dict[str, Any]:
    """A week, of which a day is missing."""
    steps = [step for step in range(STEPS) if not 600 < step < 888]

    def figures(most_mb: int) -> list[int]:
        return [(most_mb << 20) * (step % 700 + 300) // 1_000 for step in steps]

    return {
        "span": "7d",
        "step_s": 300,
        "now": "2026-09-21T13:33:20+00:00",
        "at": [NOW_S - 300 * (STEPS - step) for step in steps],
        "rss_bytes": figures(440),
        "peak_bytes": figures(450),
        "limit_bytes": [512 << 20] * len(steps),
        "python_bytes": figures(240),
        "c_heap_bytes": figures(80),
        "free_bytes": figures(40),
        "rest_bytes": figures(80),
        "held": [{"scope": f"job_{number}", "bytes": figures(60 // (number + 1))} for number in range(16)],
        "events": [],
    }


def test_week_and_many_frames_are_shown(look: Callable[..., Look]) -> None:
    page = look("leaking", goto=False)
    page.page.route("**/memory/stacks", lambda route: route.fulfill(json=stacks()))
    page.page.route("**/timeline?span=*", lambda route: route.fulfill(json=timeline()))
    source = {"path": "/app/m.py", "file": "app/m.py", "line": 1, "first": 1, "lines": ["pass"]}
    page.page.route("**/source?*", lambda route: route.fulfill(json=source))
    page.page.goto(f"{page.url}/debug/")
    page.wait_for_frames()
    page.wait_for_timeline()
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    figures = {"first_paint_ms": page.page.evaluate(paint), "frames": FRAMES, "steps": STEPS}
    figures["click_ms"] = page.page.evaluate(MEASURED, ["#flame canvas", "click", {}])
    assert page.page.locator(".crumbs button").count() > 1
    for name, options in (("walk_ms", {"key": "ArrowDown"}), ("back_ms", {"key": "Home"})):
        figures[name] = page.page.evaluate(MEASURED, ["#flame canvas", "keydown", options])
    page.page.get_by_label("search frames").fill("function_1")
    assert "matches" in page.page.inner_text("#flame .end")
    page.picture("large")
    PICTURES.joinpath("figures.json").write_text(json.dumps(figures, indent=1))
