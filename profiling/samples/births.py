"""Live samples by stack and birth: what survives of each run, packed as the sampler lists it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NUMBERS = 3  # of 32 bits a row: its head, its birth, samples
FIGURES = 4  # floats a row: bytes, their variance, blocks, bytes in large blocks


@dataclass(frozen=True, slots=True)
class BirthRow:
    """What is alive of one stack and one birth, as estimated."""

    head: int  # index into `heads`
    birth: int
    samples: int
    size_bytes: float
    variance: float  # of size_bytes
    blocks: float
    large_bytes: float  # in blocks of four times the rate they were taken at or more: hardly any goes unseen


@dataclass(frozen=True, slots=True)
class SampledBirths:
    """The live samples of one moment, one row for each stack and birth, in no order."""

    bytes_per_sample: float  # in force
    thinned: int  # times so far that samples were thinned
    heads: Sequence[tuple[str | None, bytes, int]]  # job, numbers of its frames as 32 bits innermost first, samples
    frames: Sequence[tuple[str, str, int]]  # file, function, line; shared by the heads
    numbers: bytes  # NUMBERS a row
    figures: bytes  # FIGURES a row
    share: float = 1.0  # of the items of holders, if only what these hold was asked for: so many were looked into

    def __len__(self) -> int:
        return len(self.numbers) // (4 * NUMBERS)

    def column_of_numbers(self, which: int) -> memoryview[int]:
        """Return the heads (0), births (1) or samples (2) of all rows, without a copy."""
        return memoryview(self.numbers).cast("I")[which::NUMBERS]

    def column_of_figures(self, which: int) -> memoryview[float]:
        """Return the bytes (0), variances (1), blocks (2) or bytes in large blocks (3) of all rows, without a copy."""
        return memoryview(self.figures).cast("f")[which::FIGURES]

    def rows(self) -> Iterator[BirthRow]:
        """Yield each row as a record."""
        numbers, figures = memoryview(self.numbers).cast("I"), memoryview(self.figures).cast("f")
        for row in range(len(self)):
            number, figure = row * NUMBERS, row * FIGURES
            yield BirthRow(*numbers[number : number + NUMBERS], *figures[figure : figure + FIGURES])

    def stack(self, head: int) -> memoryview[int]:
        """Return the numbers of a head's frames, innermost first."""
        return memoryview(self.heads[head][1]).cast("I")
