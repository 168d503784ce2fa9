"""Make a pydantic model for each form, use it and drop it: classes are cycles, with a validator in Rust.

needs: pydantic
Measured: 5 975, 5 979, 5 981, 5 981, 5 982 KB traced after 60, 120, 180, 240 and 300 runs alone.
"""

import pydantic

VERDICT = "stable"
FILLS_BY_RUN = 0


def job():
    fields = {f"field_{number}": (int, number) for number in range(6)}
    form = pydantic.create_model("Form", **fields)
    form.model_validate({"field_1": "5"}).model_dump_json()
