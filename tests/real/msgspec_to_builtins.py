"""Convert detected boxes to plain lists for a template.

msgspec before 0.21.2 leaks the fields of a struct with array_like=True in to_builtins.
Report: https://github.com/msgspec/msgspec/issues/1175

needs: msgspec
Measured: 34 091 B a run alone, 33 996 in company.
"""

import msgspec

VERDICT = "leaking"
BYTES_PER_RUN = 34_100


class Box(msgspec.Struct, array_like=True):
    left: float
    top: float
    label: str


rows = msgspec.msgpack.encode([Box(left=n + 0.5, top=n + 0.25, label=f"object number {n}") for n in range(300)])
decoder = msgspec.msgpack.Decoder(list[Box])


def job():
    for _ in range(10):
        decoder.decode(rows)
    boxes = decoder.decode(rows)  # <- retained here
    msgspec.to_builtins(boxes)
