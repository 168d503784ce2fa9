"""Many trials of a simulated service in which one route of 20 leaks 2 KB per call: who is accused, and when.

    python -m benchmarks.scope_trials --trials 100

Prints for each kind of leak how many trials told the leak within five minutes and accused nobody else. The exit status
is 1 if a trial did not. A hundred trials take a quarter of an hour.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.simulated_service import LEAKS, trial

WINDOWS = 60


def main() -> int:
    """Run the trials, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100, metavar="N", help="of each kind (default: %(default)s)")
    trials = parser.parse_args().trials
    is_right = True
    for kind in LEAKS:
        told = [trial(kind, seed, WINDOWS) for seed in range(trials)]
        in_time = sum(each.accused_at is not None and each.accused_at <= WINDOWS for each in told)
        innocents = sum(bool(each.innocents) for each in told)
        sys.stdout.write(f"{kind:<10} told {in_time} of {trials}, innocents accused in {innocents}\n")
        sys.stdout.flush()
        is_right = is_right and in_time == trials and not innocents
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
