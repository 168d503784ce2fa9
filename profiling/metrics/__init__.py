"""The figures of a profiler for monitoring: read once, and told to Prometheus and by OpenTelemetry.

May import `profiling.profiler` and what is below it. `reading` asks the profiler, `families` is pure; `prometheus`
needs the package prometheus-client, of the extra `prometheus`, and `otel` needs opentelemetry-api, of the extra `otel`.
Nothing here is imported before somebody asks.
"""
