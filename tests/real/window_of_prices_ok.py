"""Append 300 prices a run to a data frame and keep the last 6 000.

needs: pandas
Measured: 31 816, 31 826, 31 837, 31 847, 31 814 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import numpy as np
import pandas as pd

VERDICT = "stable"
FILLS_BY_RUN = 20

window = pd.DataFrame({"price": np.zeros(0), "size": np.zeros(0)})


def job():
    global window
    minute = pd.DataFrame({"price": np.linspace(1, 2, 300), "size": np.ones(300)})
    window = pd.concat([window, minute], ignore_index=True).tail(6_000).copy()
    window["price"].rolling(30).mean()
