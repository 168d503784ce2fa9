"""Make a converter for each payload.

cattrs keeps the source of each structuring function that a converter generates in linecache.
Reports: https://github.com/python-attrs/cattrs/issues/290,
https://github.com/apple/app-store-server-library-python/issues/90

needs: cattrs
Measured: 21 231 B a run alone, 16 167 in company.
"""

import attrs
import cattrs

VERDICT = "leaking"
BYTES_PER_RUN = 21_200


@attrs.define
class Transaction:
    transaction_id: str
    product_id: str
    bundle_id: str
    quantity: int
    price: int
    currency: str
    revoked: bool = False


payload = {"transaction_id": "1", "product_id": "a", "bundle_id": "b", "quantity": 1, "price": 5, "currency": "EUR"}


def job():
    for _ in range(4):
        cattrs.Converter().structure(payload, Transaction)  # <- retained here
