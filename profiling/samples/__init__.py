"""The sampling heap profiler: hooks in C around Python's allocators, and estimates from the samples that they take.

May import `records`, `source` and `errors`. Nothing here reads a file, or knows of more than one run. Offers `sampler`
(start, stop, label, snapshot), `estimates` (samples to lines) and `sampled_run` (one run's samples).
"""
