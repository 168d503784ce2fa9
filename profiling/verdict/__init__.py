"""From a job's runs to a verdict: pure functions over records, no clocks and no state.

May import `records` and `units`.
Offers `judge` (the verdict), `series` (runs to figures), `growth` and `statistics`, `suspects` (lines) and `forecast`.
"""
