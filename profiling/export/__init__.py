"""The commands `python -m profiling export` and `report`: the memory of a service, of a file or of a function, to keep.

May import `profiling.check` and what is below it. Nothing is imported before the command runs.
"""

SOURCE = (
    "address of a service (http://localhost:8080), profile (heap.pb.gz), folder of PROFILING_STATE_DIR or a "
    "timeline-N.bin in it (for a report), or FILE.py:FUNCTION to run"
)
