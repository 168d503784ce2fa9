"""Ask for the size of an unset part of a message that lives as long as the service.

protobuf 4.22.1 allocates in the message's arena at each ByteSize() of a sub-message; an arena only grows.
Report: https://github.com/protocolbuffers/upb/issues/1243

needs: protobuf
Measured: 239 991 B of RSS a run alone, 239 739 in company.
"""

from google.protobuf.type_pb2 import Type

VERDICT = "native_growth"
BYTES_PER_RUN = 240_000

settings = Type()


def job():
    for _ in range(3_000):
        settings.source_context.ByteSize()  # <- retained here
