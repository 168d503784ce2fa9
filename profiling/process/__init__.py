"""What the process and its allocators hold: usage, limits, peaks, collections, objects.

May import `records`, `samples` and `traces` (for the size of their tables), `verdict`, `child` and `units`.
Offers `usage`, `composition`, `peaks`, `full_collections`, `object_walk`, `holders`;
below them `cgroup`, `allocator` and `safe_inspect`.
"""
