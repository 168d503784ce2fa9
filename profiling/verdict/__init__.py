"""Verdicts from the runs of a job: pure functions over records, without clocks and state.

May import `records` and `units`.
Offers `judge` (the verdict) and `evidence` (what it rests on); `growth`, with the rules `survivors`, `swelling` and
`steady`; `accusations`, `suspects` (lines), `bounds` (of stores that fill up), `patience` (how long
a job is watched), `forecast`, `wording` and `statistics`.
"""
