"""Jobs that run beside the service's own in `python -m benchmarks.soak`: innocents that fool naive tools, and one leak.

All innocents are full within 30 runs, so none of them may ever be accused. Each keeps some hundred KB at most.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import count

from volaris.scheduler import Every, Job

PERIOD_S = 240.0  # of the soak's own clock
RUNS = 360  # that makes in a day
TIMEOUT_S = 60.0
LEAK = "leak_20_kb"

_numbers = count()
_rng = random.Random(1)
_table: dict[int, str] = {}
_batch: list[str] = []
_ring: deque[str] = deque(maxlen=2_000)
_by_run: dict[int, list[str]] = {}
_leaked: list[list[bytes]] = []


def records(amount: int) -> Iterator[str]:
    """Yield so many new strings of 200 bytes."""
    return (f"{next(_numbers):0150d}" for _ in range(amount))


@lru_cache(maxsize=1_000)
def rate(symbol: int) -> str:
    """Return something that is worth to be remembered."""
    return f"{symbol:0150d}"


def lru_cache_fills() -> None:
    """Fill a cache over 20 runs; each later run replaces its oldest entries."""
    for _ in range(50):
        rate(next(_numbers))


def patterns_compiled() -> None:
    """Compile patterns that differ each time: `re` keeps 512 of them, which are reached after 26 runs."""
    for _ in range(20):
        re.compile(f"^a{next(_numbers)}$")


def table_replaced() -> None:
    """Replace a table by one of another size."""
    global _table
    _table = dict(enumerate(records(_rng.randrange(500, 1_500))))


def batches_flushed() -> None:
    """Collect records, and hand them on after 25 runs."""
    _batch.extend(records(60))
    if len(_batch) >= 25 * 60:
        _batch.clear()


def ring_filled() -> None:
    """Fill a ring over 20 runs."""
    _ring.extend(records(100))


def entries_expire() -> None:
    """Keep what each run has made for 25 runs."""
    _by_run[next(_numbers)] = list(records(60))
    if len(_by_run) > 25:
        del _by_run[min(_by_run)]


def documents_parsed() -> None:
    """Make much, and keep nothing."""
    [{"symbol": record, "rows": [float(number) for number in range(50)]} for record in records(200)]


def leak() -> None:
    """Keep 20 KB for ever."""
    _leaked.append([bytes(970) for _ in range(20)])


LEAKING_LINE = leak.__code__.co_firstlineno + 2
_FUNCTIONS = (
    lru_cache_fills,
    patterns_compiled,
    table_replaced,
    batches_flushed,
    ring_filled,
    entries_expire,
    documents_parsed,
)
INNOCENTS = tuple(f"{function.__name__}_ok" for function in _FUNCTIONS)


def soak_jobs(*, leaks: bool) -> Iterable[Job]:
    """Return the innocents and, if wanted, the leak; they fire one after the other and not all at once."""
    functions = [*zip(INNOCENTS, _FUNCTIONS, strict=True), *([(LEAK, leak)] if leaks else [])]
    step_s = PERIOD_S / len(functions)
    return [_job(name, function, step_s * number) for number, (name, function) in enumerate(functions)]


def _job(name: str, function: Callable[[], None], delay_s: float) -> Job:
    async def run() -> None:
        function()

    return Job(
        id=name,
        run=run,
        trigger=Every(PERIOD_S, delay_s),
        timeout_s=TIMEOUT_S,
        description=(function.__doc__ or "").partition("\n")[0],
    )
