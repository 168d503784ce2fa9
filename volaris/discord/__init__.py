"""The commands in Discord: its HTTP interactions, without a gateway connection and without a framework for bots.

May import `profiling` (for its records), `demand`, `store` (for the records of its rows) and `errors`. It does not know
`web`. Offers `route.add_interactions`, which needs PyNaCl (extra `discord`), and `registration.register`, which does
not. So nothing is imported here.
"""
