"""Draw a chart for a report, every fourth run.

pyplot holds each figure until it is closed; deleting the variable does not.

needs: matplotlib
Measured: 120 338 B a run alone, 121 931 in company.
"""

import io
import itertools

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt

VERDICT = "leaking"
BYTES_PER_RUN = 120_000

runs = itertools.count()
samples = [number % 17 for number in range(40_000)]
mpl.rcParams["figure.max_open_warning"] = 0


def job():
    samples.index(max(samples))
    if next(runs) % 4 == 0:
        figure, axes = plt.subplots(figsize=(2, 1.5))  # <- retained here
        axes.plot(range(50))  # <- retained here
        figure.savefig(io.BytesIO(), format="png", dpi=40)  # <- retained here
