"""Refuse orders that do not validate, keep the error in a variable and raise it later.

A pydantic 2.9 ValidationError is not seen by the garbage collector, so the cycle of error, traceback and frame stays.
Report: https://github.com/dapper91/pydantic-xml/issues/222

needs: pydantic
Measured: 84 067 B a run alone, 84 020 in company.
"""

from pydantic import BaseModel, ValidationError, field_validator

VERDICT = "leaking"
BYTES_PER_RUN = 84_100


class Order(BaseModel):
    country: str

    @field_validator("country")
    @classmethod
    def short(cls, value):
        if len(value) > 2:
            raise ValueError("a country has two letters")
        return value


def parse(body):
    failed = None
    try:
        return Order.model_validate(body)  # <- retained here
    except ValidationError as error:
        failed = error
    raise failed


def job():
    for number in range(60):
        try:
            parse({"country": f"country {number}"})
        except ValidationError as error:
            error.error_count()
