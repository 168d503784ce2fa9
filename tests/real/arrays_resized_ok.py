"""Resize an array in place to what the next image needs, 50 to 800 KB.

needs: numpy
Measured: 6 208, 5 616, 5 501, 5 566, 5 689 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import random

import numpy as np

VERDICT = "stable"
FILLS_BY_RUN = 0

rng = random.Random(2)
image = np.zeros(50_000, dtype=np.uint8)


def job():
    image.resize(rng.randrange(50_000, 800_000), refcheck=False)
    image[:] = 127
    np.sort(image)
