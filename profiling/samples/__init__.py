"""The sampling heap profiler: hooks in C around Python's allocators, and estimates from what they sample.

May import `records`, `source` and `errors`; nothing here reads a file or knows of runs beyond one.
Offers `sampler` (start, stop, label, snapshot), `estimates` (samples to lines) and `sampled_run` (one run's samples).
"""
