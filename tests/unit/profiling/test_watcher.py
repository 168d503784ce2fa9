"""The thread that ends windows: it goes on after an error, which is logged."""

from __future__ import annotations

import logging
import threading

import pytest

from profiling.watcher import Watcher


class Windows:
    """Windows whose first end fails."""

    def __init__(self) -> None:
        self.calls = 0
        self.has_ended = threading.Event()

    def end(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("no such window")
        self.has_ended.set()


def test_an_error_is_logged_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    windows = Windows()
    watcher = Watcher(windows.end, every_s=0.0)
    with caplog.at_level(logging.ERROR, logger="profiling"):
        watcher.start()
        assert windows.has_ended.wait(60)
        watcher.close()
    (record,) = caplog.records
    assert record.getMessage() == "windows could not be ended; the next attempt is in 0.02 s"
    assert "no such window" in caplog.text
