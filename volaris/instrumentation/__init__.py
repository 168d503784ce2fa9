"""Connects the scheduler and the profiler, which know nothing of each other.

May import `profiling`, `scheduler`, `logs` and `errors`, and no other room.
Offers `job_profiler` (middleware), `run_log` (log fields), `heap_trimmer` and `job_control` (for the debug routes).
"""
