"""A script that has never heard of the profiler: `python -m profiling run examples/plain_script.py`."""

import threading

kept = []


def read(number: int) -> list[str]:
    """Return the rows of a file."""
    return [f"row {row} of {number}" for row in range(2_000)]


def index() -> None:
    """Read some files, and keep one row of each."""
    for number in range(50):
        first, *_ = read(number)
        kept.append(first)


def archive() -> None:
    """Read some files, and keep them."""
    for number in range(50):
        rows = read(number)
        kept.append(rows)  # and never let go of it


if __name__ == "__main__":
    threads = [threading.Thread(target=work) for work in (index, archive)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
