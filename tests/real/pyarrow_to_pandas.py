"""Convert a table to a data frame.

pyarrow 21.0.0 does not release the buffers that to_pandas() made; they are in its own memory pool.
Report: https://github.com/apache/arrow/issues/47702

needs: pyarrow, pandas
Measured: 278 391 B of RSS a run alone.
"""

import numpy as np
import pyarrow as pa

VERDICT = "native_growth"
BYTES_PER_RUN = 278_000

table = pa.table({"price": np.arange(30_000), "size": np.arange(30_000)})


def job():
    table.to_pandas()  # <- retained here
