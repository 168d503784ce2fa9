"""Append the last minute's prices to the day's data frame.

concat copies: the large blocks are replaced in each run, and each is larger than the last.

needs: pandas
Measured: 32 089 B a run alone, 25 885 in company.
"""

import numpy as np
import pandas as pd

VERDICT = "leaking"
BYTES_PER_RUN = 32_100

day = pd.DataFrame({"price": np.zeros(0), "size": np.zeros(0)})


def job():
    global day
    minute = pd.DataFrame({"price": np.linspace(1, 2, 2_000), "size": np.ones(2_000)})
    day = pd.concat([day, minute], ignore_index=True)  # <- retained here
    day["price"].tail(2_000).rolling(60).mean()
