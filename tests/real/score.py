"""Judge the corpus as a user would, and count what is right.

    python -m tests.real.score check [NAME...]
    python -m tests.real.score no_leaks [NAME...]
    python -m tests.real.score live [--level adaptive] [--runs 80] [--seeds 1] [NAME...]

`check` runs `python -m profiling check` on each job by itself, and `no_leaks` a test with that marker. `live` runs all
of them in one process, in a random order each round, under one profiler. Run it with the interpreter that `make
real-corpus` has made.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import importlib
import inspect
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from profiling import Level, Profiler, State, Verdict
from profiling.verdict.patience import Patience

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOOLS = {"__init__", "score", "test_corpus", "traffic", "truth"}
MARK = "# <- retained here"
LIMIT_MB = 512
DUE_BYTES = 15_000  # per run; slower leaks may take longer


@dataclass(frozen=True)
class Job:
    """What a file of the corpus says of itself."""

    name: str
    verdict: str
    lines: frozenset[int]  # that allocate what is kept; empty where none of its own does
    leaks_from: int = 1  # the run from which on it leaks
    bytes_per_run: float = 0.0  # alone, of a leak of Python's heap

    @classmethod
    def read(cls, path: Path) -> Job:
        """Return the job of a file, without running it."""
        text = path.read_text()
        values = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in {"VERDICT", "LEAKS_FROM_RUN", "BYTES_PER_RUN"}
        }
        marked = (number for number, line in enumerate(text.splitlines(), start=1) if MARK in line)
        lines, leaks_from = frozenset(marked), values.get("LEAKS_FROM_RUN", 1)
        return cls(path.stem, values["VERDICT"], lines, leaks_from, values.get("BYTES_PER_RUN", 0.0))

    def is_told(self, state: str, lines: Sequence[tuple[str, int]]) -> bool:
        """Return whether the state is right and, for a leak of a line, the first line is one of those marked."""
        if self.verdict == "stable":
            return state not in {"leaking", "native_growth"}
        is_at_line = not self.lines or state == "native_growth" or (bool(lines) and lines[0][1] in self.lines)
        return state in {"leaking", "native_growth"} and is_at_line


@dataclass
class Said:
    """What was said of a job while it ran."""

    states: list[tuple[int, str]] = field(default_factory=list)
    last: Verdict | None = None
    reasons: list[str] = field(default_factory=list)  # of each change of state

    def add(self, run: int, verdict: Verdict) -> None:
        """Note a verdict, and its reason if its state is a new one."""
        self.last = verdict
        if not self.states or self.states[-1][1] != verdict.state.value:
            self.states.append((run, verdict.state.value))
            self.reasons.append(f"{run}: {verdict.state}, {verdict.reason}")

    @property
    def was_accused(self) -> bool:
        """Whether it ever was."""
        return any(State(state).is_accusation for _, state in self.states)

    @property
    def was_withdrawn(self) -> bool:
        """Whether an accusation ended."""
        accused = [State(state).is_accusation for _, state in self.states]
        return any(before and not after for before, after in pairwise(accused))


def corpus(names: Sequence[str]) -> list[Job]:
    """Return the jobs of these names, or all."""
    paths = sorted(path for path in HERE.glob("*.py") if path.stem not in TOOLS)
    return [Job.read(path) for path in paths if not names or path.stem in names]


def check(names: Sequence[str]) -> int:
    """Run the command on each job, and print those that it gets wrong."""
    wrong, began_s = [], time.monotonic()
    for job in corpus(names):
        command = [sys.executable, "-m", "profiling", "check", f"tests/real/{job.name}.py:job", "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        try:
            [told] = json.loads(done.stdout)["jobs"]
        except ValueError:
            wrong.append(job.name)
            _print(f"{job.name}: no answer\n{done.stdout}{done.stderr}")
            continue
        lines = [(suspect["site"]["file"], suspect["site"]["line"]) for suspect in told["suspects"]]
        if not job.is_told(told["verdict"], lines):
            wrong.append(job.name)
            _print(f"{job.name}: {told['verdict']} after {told['runs']} runs, {lines[:2]}: {told['reason']}")
    every = len(corpus(names))
    _print(f"check: {every - len(wrong)} of {every} right in {time.monotonic() - began_s:.0f} s; wrong: {wrong}")
    return bool(wrong)


TEST = """
import asyncio
import inspect

import pytest

from tests.real.{name} import job

loop = asyncio.new_event_loop()


@pytest.mark.no_leaks
def test_job():
    result = job()
    if inspect.isawaitable(result):
        loop.run_until_complete(result)
"""


def no_leaks(names: Sequence[str]) -> int:
    """Run a test with the marker `no_leaks` of each job, and print those that it gets wrong."""
    wrong, began_s = [], time.monotonic()
    for job in corpus(names):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"test_{job.name}.py")
            path.write_text(TEST.format(name=job.name))
            command = [sys.executable, "-m", "pytest", "-q", "--memory", "--rootdir", folder, str(path)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        line = re.search(rf"{job.name}\.py:(\d+)", done.stdout)
        accused = "native_growth" if "no line is known" in done.stdout else "leaking"
        state = {0: "stable", 1: accused}.get(done.returncode, "no answer")
        if not job.is_told(state, [(job.name, int(line[1]))] if line else []):
            wrong.append(job.name)
            _print(f"{job.name}: {done.stdout}{done.stderr}")
    every = len(corpus(names))
    _print(f"no_leaks: {every - len(wrong)} of {every} right in {time.monotonic() - began_s:.0f} s; wrong: {wrong}")
    return bool(wrong)


async def live(names: Sequence[str], level: Level, runs: int, seed: int) -> int:
    """Run all jobs in turns under one profiler, and print what was missed, accused and withdrawn."""
    every = corpus(names)
    functions = {job.name: importlib.import_module(f"tests.real.{job.name}").job for job in every}
    said = {job.name: Said() for job in every}
    order, rng = [job.name for job in every], random.Random(seed)
    profiler = Profiler(level=level, limit_mb=LIMIT_MB)
    for number in range(1, runs + 1):
        rng.shuffle(order)
        for name in order:
            async with profiler.run(name):
                result = functions[name]()
                if inspect.isawaitable(result):
                    await result
        for name, verdict in (await profiler.verdicts()).items():
            if name in said:
                said[name].add(number, verdict)
    leaks = [job for job in every if job.verdict != "stable"]
    silent = [job for job in leaks if not said[job.name].was_accused]
    not_due = [job.name for job in silent if runs - job.leaks_from < Patience().slow_runs]  # see docs/levels.md
    due = [job for job in silent if job.name not in not_due]
    small = [job.name for job in due if 0 < job.bytes_per_run < DUE_BYTES]
    missed = [job.name for job in due if job.name not in small]
    wrong_line = [job.name for job in leaks if said[job.name].was_accused and not _is_right(job, said[job.name])]
    accused = [job.name for job in every if job.verdict == "stable" and said[job.name].was_accused]
    withdrawn = [name for name, one in said.items() if one.was_withdrawn]
    for name in dict.fromkeys([*missed, *wrong_line, *accused, *withdrawn]):
        _print(f"{name}: {said[name].reasons}, {said[name].last}")
    _print(
        f"{level} seed {seed}, {runs} runs: missed {len(missed)} of {len(leaks)} {missed}; "
        f"not due yet {not_due}, below {DUE_BYTES:,} B {small}; wrong line {wrong_line}; "
        f"accused {len(accused)} of {len(every) - len(leaks)} {accused}; withdrawn {withdrawn}"
    )
    return bool(missed or accused or withdrawn or wrong_line)


def _is_right(job: Job, said: Said) -> bool:
    verdict = said.last
    return verdict is not None and job.is_told(verdict.state.value, [suspect.site for suspect in verdict.suspects])


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the mode of the arguments; return the exit status, 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description="Judge the corpus.")
    parser.add_argument("mode", choices=("check", "live", "no_leaks"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--level", type=Level, default=Level.ADAPTIVE)
    parser.add_argument("--runs", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.mode != "live":
        return {"check": check, "no_leaks": no_leaks}[arguments.mode](arguments.names)
    return asyncio.run(live(arguments.names, arguments.level, arguments.runs, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
