"""Build a data frame of 20 000 rows, group it, drop it.

needs: pandas
Measured: 31 755, 31 767, 31 775, 31 781, 31 785 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import numpy as np
import pandas as pd

VERDICT = "stable"
FILLS_BY_RUN = 0

rng = np.random.default_rng(1)


def job():
    frame = pd.DataFrame(rng.random((20_000, 4)), columns=list("abcd"))
    frame["group"] = (frame["a"] * 10).astype(int)
    frame.groupby("group").agg(["mean", "max"]).to_dict()
