"""What the service does again and again: one file a job, from a market source through analytics into the store.

May import `market`, `analytics`, `store`, `scheduler`, `settings`, `logs` and `errors`.
Offers `registry`, which makes every job, and `hours`, the middleware for jobs that follow the market's hours.
"""
