"""A scheduler on a clock that stands still."""

from __future__ import annotations

import pytest

from tests.unit.volaris.scheduler.clock import ManualClock
from tests.unit.volaris.scheduler.work import Reports
from volaris.scheduler import Scheduler


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def scheduler(clock: ManualClock, reports: Reports) -> Scheduler:
    return Scheduler(clock=clock, report=reports)
