"""Live samples by stack and birth, packed as the sampler lists them; they show what survives of each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NUMBERS = 3  # 32-bit numbers per row: head, birth, samples
FIGURES = 4  # floats per row: bytes, their variance, blocks, bytes in large blocks


@dataclass(frozen=True, slots=True)
class BirthRow:
    """The estimate of the live memory of one stack and one birth."""

    head: int  # index into `heads`
    birth: int
    samples: int
    size_bytes: float
    variance: float  # of size_bytes
    blocks: float
    large_bytes: float  # in blocks of at least four times the bytes per sample, of which hardly any goes unsampled


@dataclass(frozen=True, slots=True)
class SampledBirths:
    """The live samples of one moment, one row per stack and birth, unordered."""

    bytes_per_sample: float  # for new samples
    thinned: int  # how often samples have been thinned so far
    # job, numbers of its frames (32 bits each, innermost first), samples
    heads: Sequence[tuple[str | None, bytes, int]]
    frames: Sequence[tuple[str, str, int]]  # file, function, line; shared by the heads
    numbers: bytes  # NUMBERS per row
    figures: bytes  # FIGURES per row
    share: float = 1.0  # the share of the stores' items that were visited, if only memory held by stores was asked for

    def __len__(self) -> int:
        return len(self.numbers) // (4 * NUMBERS)

    def column_of_numbers(self, which: int) -> memoryview[int]:
        """Return the heads (0), births (1) or samples (2) of all rows, without copying."""
        return memoryview(self.numbers).cast("I")[which::NUMBERS]

    def column_of_figures(self, which: int) -> memoryview[float]:
        """Return the bytes (0), variances (1), blocks (2) or bytes in large blocks (3) of all rows, without copying."""
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
