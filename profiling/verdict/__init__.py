"""From a job's runs to a verdict: pure functions over records, no clocks and no state.

May import `records` and `units`.
Offers `judge` (the verdict) and `evidence` (what it rests on); `growth` by the rules `survivors`, `swelling` and
`steady`; `accusations`, `suspects` (lines), `bounds` (of stores that fill up), `patience` (how long
a job is watched), `forecast`, `wording` and `statistics`.
"""
