"""How often the verdict is right about simulated jobs: leaks told in time, and innocents accused.

`python -m benchmarks.verdict_trials` prints one row a kind of job. 1 000 jobs a kind take a quarter of an hour.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.populations import INNOCENTS, LEAKS, watch_population
from benchmarks.simulated import Outcome

WITHIN_RUNS = (15, 40, 100)
LEAK_RUNS = 100
INNOCENT_RUNS = 200


def share_within(outcomes: Sequence[Outcome], runs: int) -> float:
    """Return the share of jobs that were accused in one of their first runs."""
    return sum(outcome.is_accused_within(runs) for outcome in outcomes) / len(outcomes)


def withdrawn_share(outcomes: Sequence[Outcome]) -> float:
    """Return the share of jobs of which an accusation was withdrawn."""
    return sum(outcome.withdrawn > 0 for outcome in outcomes) / len(outcomes)


def leak_row(name: str, outcomes: Sequence[Outcome]) -> str:
    """Return the row of a leak: the share reported within so many runs, withdrawn, and reported at the right line."""
    within = " | ".join(f"{share_within(outcomes, runs):.1%}" for runs in WITHIN_RUNS)
    told = [outcome for outcome in outcomes if outcome.accused_at is not None]
    right = sum(outcome.site == ("simulated.py", 0) for outcome in told) / max(1, len(told))
    return f"| {name} | {within} | {withdrawn_share(outcomes):.1%} | {right:.1%} |"


def innocent_row(name: str, outcomes: Sequence[Outcome]) -> str:
    """Return the row of an innocent kind: the share accused at any time."""
    return f"| {name} | {share_within(outcomes, INNOCENT_RUNS):.1%} | {withdrawn_share(outcomes):.1%} |"


def main() -> None:
    """Watch populations of the size asked for, and print each row when it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdict_trials", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000, help="of each kind; 1000 if not given")
    jobs = parser.parse_args().jobs
    print(f"| {jobs} leaks of each kind | within 15 runs | within 40 | within 100 | withdrawn | right line |")
    print("|---|---|---|---|---|---|")
    for name, make in LEAKS.items():
        print(leak_row(name, watch_population(name, make, jobs=jobs, runs=LEAK_RUNS)), flush=True)
    print(f"\n| {jobs} innocents of each kind | accused within {INNOCENT_RUNS} runs | withdrawn |\n|---|---|---|")
    for name, make in INNOCENTS.items():
        print(innocent_row(name, watch_population(name, make, jobs=jobs, runs=INNOCENT_RUNS)), flush=True)


if __name__ == "__main__":
    main()
