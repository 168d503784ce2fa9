"""What the verdict is worth on the corpus of real programs, in tests/real: leaks missed, and innocents accused.

All jobs run interleaved in one process, in a random order each round, 80 runs each; then each alone by `python -m
profiling check`. An order takes two minutes, and `check` six. SCORE_ORDERS is the number of orders at each level; two
run at the same time. Needs `make real-corpus`.
"""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.results import Results

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".tox" / "real" / "bin" / "python"
ORDERS = int(os.environ.get("SCORE_ORDERS", "1"))
LEVELS = ("adaptive", "samples")
WRONG = ("missed", "wrong_line", "accused", "withdrawn")
NAMES = re.compile(r"'([^']*)'")
TOLD = re.compile(
    r"missed \d+ of (?P<leaks>\d+) (?P<missed>\[.*?\]); .*wrong line (?P<wrong_line>\[.*?\]); "
    r"accused \d+ of (?P<innocents>\d+) (?P<accused>\[.*?\]); withdrawn (?P<withdrawn>\[.*?\])"
)

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="the old releases are not installed; run `make real-corpus`"),
    pytest.mark.timeout(7_200),
]


def score(*arguments: str) -> str:
    """Return the last line that the score prints."""
    command = [str(PYTHON), "-W", "ignore", "-m", "tests.real.score", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return lines[-1]


def order(level: str, seed: int) -> re.Match[str]:
    """Return what one order has found."""
    told = TOLD.search(score("live", "--level", level, "--seed", str(seed)))
    assert told is not None
    return told


@pytest.mark.parametrize("level", LEVELS)
def test_corpus_interleaved(level: str, results: Results) -> None:
    with ThreadPoolExecutor(2) as pool:
        orders = list(pool.map(lambda seed: order(level, seed), range(101, 101 + ORDERS)))
    wrong = {what: [name for told in orders for name in NAMES.findall(told[what])] for what in WRONG}
    results.add(
        what=f"{orders[0]['leaks']} leaks and {orders[0]['innocents']} innocents of real programs in one process, "
        f"80 runs, PROFILING={level}, {ORDERS} random orders",
        ours="; ".join(f"{what.replace('_', ' ')}: {_told(names)}" for what, names in wrong.items()),
        against="target: none",
    )


def test_corpus_one_by_one(results: Results) -> None:
    told = score("check")
    results.add(what="the same programs, one by one by `python -m profiling check`", ours=told, against="target: all")


def _told(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(sorted(set(names)))})" if names else "0"
