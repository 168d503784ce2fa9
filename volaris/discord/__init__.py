"""The commands in Discord: its HTTP interactions, without a gateway connection and without a framework for bots.

May import `profiling` (for its records), `store` (for the records of its rows), `logs` and `errors`.
"""
