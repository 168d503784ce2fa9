"""A market-data service for the S&P 500 that lives under the profiler, within 512 MB.

`service` makes the parts of one process and starts and stops them. `app` puts routes before them. The `__init__` of a
room says what the room is for: `cli`, `web`, `jobs` and `instrumentation`; below them `scheduler`, `market`,
`analytics`, `store` and `settings`. Every room may use `errors`, which imports nothing.
"""
