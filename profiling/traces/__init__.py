"""The only package that uses tracemalloc: sessions of tracing, and exact tables by source line.

May import `records`, `child`, `stopwatch`, `source` and `errors`. Offers `tracing` (on, off, its figures), `reader` (a
table of this moment) and `aggregation` (raw traces to sums).
"""
