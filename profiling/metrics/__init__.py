"""The figures of a profiler for monitoring: read once, and told to Prometheus.

May import `profiling.profiler` and what is below it. `reading` asks the profiler, `families` is pure, and `prometheus`
needs the package prometheus-client, of the extra `prometheus`. Nothing here is imported before somebody asks.
"""
