"""A real browser, and services of each state to look at."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sync_api: Any = None
with suppress(ImportError):
    sync_api = importlib.import_module("playwright.sync_api")

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60
PICTURES = ROOT / ".benchmarks" / "page"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests, with the reason, where there is no browser or nothing to drive it with."""
    why = (
        "no playwright here: make test-ui brings it"
        if sync_api is None
        else "no Chromium here: apt-get install chromium"
        if CHROMIUM is None
        else None
    )
    if why is not None:
        skip = pytest.mark.skip(reason=why)
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(skip)


@dataclass
class Look:
    """A page in a browser, with what it complained about and what it asked for."""

    page: Any
    url: str
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def note(self, told: Any) -> None:
        if not told.location["url"].endswith("/favicon.ico"):  # of a plain text, which has no icon
            self.complaints.append(f"{told.type}: {told.text} {told.location['url']}")

    def sentence(self) -> str:
        return str(self.page.locator("#sentence").inner_text())

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def until(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds; the browser's own way is `eval`, which the policy refuses."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline_s, condition
            self.page.wait_for_timeout(50)

    def wait_for_frames(self) -> None:
        self.until("document.querySelector('#flame-told')?.textContent.includes(':')")

    def wait_for_timeline(self) -> None:
        self.page.wait_for_selector("#timeline polyline.rss", state="attached")


@contextmanager
def served(state: str, token: str = "", port: int = 0) -> Iterator[str]:
    """A service in a process of its own, by its address."""
    command = [sys.executable, "-m", "tests.ui.service", state, token, str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(60)


@pytest.fixture(scope="session")
def urls() -> Iterator[Callable[[str], str]]:
    """Start a service of a state when it is needed for the first time."""
    running: dict[str, tuple[Any, str]] = {}

    def url_of(state: str) -> str:
        if state not in running:
            service = served(state, "t0ken" if state == "closed" else "")
            running[state] = service, service.__enter__()
        return running[state][1]

    yield url_of
    for service, _ in running.values():
        service.__exit__(None, None, None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def look(browser: Any, urls: Callable[[str], str]) -> Iterator[Callable[..., Look]]:
    """Open the page of a service, and fail at the end if it complained, or asked another host."""
    opened: list[tuple[Any, Look]] = []

    def open_page(state: str, *, path: str = "/debug/", goto: bool = True, **options: Any) -> Look:
        url = urls(state)
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(1_000 * TIMEOUT_S)
        look = Look(context.new_page(), url)
        look.page.on("console", look.note)
        look.page.on("pageerror", lambda error: look.complaints.append(f"error: {error}"))
        look.page.on("request", lambda request: look.requested.append(request.url))
        opened.append((context, look))
        if goto:
            look.page.goto(url + path)
        return look

    yield open_page
    for context, look in opened:
        context.close()
        assert [told for told in look.complaints if "403" not in told and "ERR_" not in told] == []
        assert [url for url in look.requested if not url.startswith((look.url, "data:"))] == []
