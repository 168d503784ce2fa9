"""The jobs of the service, one file each: from a market source, through analytics, into the store.

May import `market`, `analytics`, `store`, `scheduler`, `settings`, `logs` and `errors`. Offers `registry`, which
creates all jobs, and `hours`, a middleware for jobs that follow the market's hours.
"""
