"""Parse, change and dump a document of 300 KB by orjson.

needs: orjson
Measured: 2 255, 2 255, 2 255, 2 255, 2 255 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import orjson

VERDICT = "stable"
FILLS_BY_RUN = 0

rows = [{"id": number, "name": f"row {number}", "tags": ["a", "b"], "value": number * 0.5} for number in range(4_000)]
document = orjson.dumps({"rows": rows})


def job():
    rows = orjson.loads(document)["rows"]
    rows.sort(key=lambda row: -row["value"])
    orjson.dumps(rows, option=orjson.OPT_INDENT_2)
