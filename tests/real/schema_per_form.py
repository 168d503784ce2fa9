"""Build a schema for each customer's form, under the form's name.

marshmallow registers each schema class by its name, unless Meta.register is False.

needs: marshmallow
Measured: 40 321 B a run alone, 48 735 in company.
"""

import itertools

from marshmallow import Schema, fields

VERDICT = "leaking"
BYTES_PER_RUN = 40_300

forms = itertools.count()


def job():
    for form in itertools.islice(forms, 3):
        inputs = {f"field_{number}": fields.String() for number in range(5)}  # <- retained here
        schema = type(f"Form{form}", (Schema,), inputs)  # <- retained here
        schema().load({"field_1": "x"})  # <- retained here
