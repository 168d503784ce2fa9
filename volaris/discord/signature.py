"""Whether a request comes from Discord: its Ed25519 signature, its age, and whether it came before."""

from __future__ import annotations

import time
from collections.abc import Callable

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from volaris.discord.replays import AcceptedSignatures

# An interaction must be answered within 3 s, so a request that is older has no use. The rest is for clocks that differ.
MAX_AGE_S = 60
SIGNATURE_BYTES = 64
MAX_TIMESTAMP_DIGITS = 12

# In place of a signature or timestamp that is none. It fails like a wrong one, and takes as long: the first number is a
# point of the curve and the second is in range, else libsodium would not begin to compute.
NO_SIGNATURE = bytes([0x58, *[0x66] * 31, 1, *[0] * 31])
NO_TIME_S = 0


class SignatureCheck:
    """Checks that Discord signed a request with the application's key, less than a minute ago, and only once.

    The reason of a refusal cannot be told from its time, because all checks are made in each case.
    """

    def __init__(self, public_key: str, now: Callable[[], float] = time.time) -> None:
        self._key = VerifyKey(bytes.fromhex(public_key))
        self._now = now
        self._accepted = AcceptedSignatures(MAX_AGE_S)

    def accept(self, signature: str, timestamp: str, body: bytes) -> bool:
        """Return whether the request with these headers and this body is accepted; it is not accepted again."""
        now_s = self._now()
        signed, signed_at_s = _signature_of(signature), _time_of(timestamp)
        is_signed = self._is_signed(signed, timestamp.encode(errors="replace") + body)
        is_recent = abs(now_s - signed_at_s) <= MAX_AGE_S
        is_new = not self._accepted.has(signed, signed_at_s)
        if is_signed & is_recent & is_new:
            self._accepted.add(signed, signed_at_s, now_s)
            return True
        return False

    def _is_signed(self, signature: bytes, message: bytes) -> bool:
        try:
            self._key.verify(message, signature)
        except BadSignatureError:
            return False
        return True


def _signature_of(text: str) -> bytes:
    try:
        signature = bytes.fromhex(text)
    except ValueError:
        return NO_SIGNATURE
    return signature if len(signature) == SIGNATURE_BYTES else NO_SIGNATURE


def _time_of(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_TIMESTAMP_DIGITS
    return int(text) if is_number else NO_TIME_S
