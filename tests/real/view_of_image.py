"""Keep the top row of each image.

A row is a view, and a view keeps the whole array.

needs: numpy
Measured: 1 024 249 B a run alone, 1 024 189 in company.
"""

import numpy as np

VERDICT = "leaking"
BYTES_PER_RUN = 1_024_000

rows: list[np.ndarray] = []


def job():
    image = np.full((400, 640), 127, dtype=np.float32) * 2  # <- retained here
    rows.append(image[0])
