"""Schedule a reminder for each order, a year ahead, and never cancel it.

The scheduler's memory store keeps the job with its arguments.

needs: apscheduler
Measured: 24 720 B a run alone, 24 238 in company.
"""

import datetime
import json

from apscheduler.schedulers.background import BackgroundScheduler

VERDICT = "leaking"
BYTES_PER_RUN = 24_700

scheduler = BackgroundScheduler(timezone=datetime.UTC)


def remind(order):
    return order


def job():
    if not scheduler.running:
        scheduler.start(paused=True)
    next_year = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=365)
    json.loads(json.dumps([{"order": number, "total": number * 1.5} for number in range(500)]))
    for number in range(5):
        order = {"number": number, "lines": [f"article {line}" for line in range(60)]}  # <- retained here
        scheduler.add_job(remind, "date", run_date=next_year, args=[order])  # <- retained here
