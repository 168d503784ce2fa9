"""Records to text and JSON: pure functions, one file for each format.

May import `records`, `compare` (for a line's place), `source` and `units`.
Offers `json` (the HTTP contract), `text` (terminal and log), `check` (the command), `advice` (on a large RSS).
"""
