"""Draw a sparkline every third run and close it; figure, axes and artists are a large cycle.

needs: matplotlib
Measured: 28 938, 28 951, 28 955, 28 960, 28 962 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import io
import itertools

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt

VERDICT = "stable"
FILLS_BY_RUN = 0

runs = itertools.count()


def job():
    if next(runs) % 3 == 0:
        figure, axes = plt.subplots(figsize=(2, 1.5))
        axes.set_axis_off()
        axes.plot(range(50))
        figure.savefig(io.BytesIO(), format="png", dpi=40)
        plt.close(figure)
