"""What the profiler accepts, and the sentence with which it refuses."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import pytest

from profiling import Level, Profiler


@pytest.mark.parametrize("level", list(Level))
def test_level_is_accepted_by_its_name(level: Level) -> None:
    with closing(Profiler(level=level.value)) as profiler:
        assert profiler.level is level


@pytest.mark.parametrize("level", ["foo", "LINES", "", None, 3])
def test_unknown_level_is_refused_with_those_there_are(level: Any) -> None:
    told = f"level must be one of counters, samples, lines, stacks, adaptive, not {level!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        Profiler(level=level)


@pytest.mark.parametrize("sample_bytes", [0, -5, 0.0, float("nan"), float("inf"), "64 KB", True])
def test_samples_that_cannot_be_taken_are_refused(sample_bytes: Any) -> None:
    told = f"sample_bytes must be a number of bytes above 0, or None, not {sample_bytes!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        Profiler(sample_bytes=sample_bytes)


@pytest.mark.parametrize("job", [5, None, b"x"])
def test_name_of_a_job_that_is_no_text_is_refused(job: Any) -> None:
    told = f"the name of a job must be a str, not {job!r}; write run({str(job)!r})"
    with closing(Profiler(level="counters")) as profiler, pytest.raises(TypeError, match=f"^{re.escape(told)}$"):
        profiler.run(job)
