"""The past of the process, in rings of readings: 1 s apart for 10 minutes, 10 s for 2 hours, 5 minutes for a week.

May import what reads the process, the samples and the records. Offers `Past` (in `recorder`), which owns the rings, and
is imported when it is first needed. `rings`, `timelines` and `events` are pure, `readings` asks the process, and
`state_file` is what outlives the process.
"""
