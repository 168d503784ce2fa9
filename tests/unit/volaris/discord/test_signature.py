"""What is accepted as Discord's, and that a refusal does not tell its reason by the work that it takes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from volaris.discord.replays import AcceptedSignatures
from volaris.discord.signature import MAX_AGE_S, SignatureCheck

KEY = SigningKey(bytes(range(32)))
NOW_S = 1_760_000_000
BODY = b'{"type": 1}'


@dataclass
class Clock:
    """A clock that a test sets."""

    now_s: float = NOW_S

    def __call__(self) -> float:
        return self.now_s


def check_of(clock: Clock | None = None) -> SignatureCheck:
    return SignatureCheck(KEY.verify_key.encode().hex(), clock or Clock())


def signature_of(body: bytes = BODY, timestamp: object = NOW_S, key: SigningKey = KEY) -> str:
    return key.sign(str(timestamp).encode() + body).signature.hex()


def test_a_request_that_discord_signed_is_accepted_once() -> None:
    check = check_of()
    assert check.accept(signature_of(), str(NOW_S), BODY)
    assert not check.accept(signature_of(), str(NOW_S), BODY)
    assert not check.accept(signature_of().upper(), str(NOW_S), BODY)
    assert check.accept(signature_of(b"another"), str(NOW_S), b"another")


@pytest.mark.parametrize(
    ("signature", "timestamp", "body"),
    [
        pytest.param(signature_of(), str(NOW_S), BODY + b" ", id="another body"),
        pytest.param(signature_of(), str(NOW_S + 1), BODY, id="another time"),
        pytest.param(signature_of(key=SigningKey(bytes(32))), str(NOW_S), BODY, id="another key"),
        pytest.param(signature_of()[:-2], str(NOW_S), BODY, id="a short signature"),
        pytest.param(signature_of() + "00", str(NOW_S), BODY, id="a long signature"),
        pytest.param("zz" * 64, str(NOW_S), BODY, id="no hexadecimal digits"),
        pytest.param("", str(NOW_S), BODY, id="no signature"),
        pytest.param("ff" * 64, str(NOW_S), BODY, id="numbers out of range"),
        pytest.param(signature_of(timestamp=""), "", BODY, id="no time"),
        pytest.param(signature_of(timestamp="now"), "now", BODY, id="a word as time"),
        pytest.param(signature_of(timestamp="1" * 500), "1" * 500, BODY, id="a time of 500 digits"),
        pytest.param(signature_of(timestamp=f"{NOW_S}.0"), f"{NOW_S}.0", BODY, id="a fraction as time"),
        pytest.param(signature_of(timestamp=f"-{NOW_S}"), f"-{NOW_S}", BODY, id="a time below 0"),
        pytest.param("00", "\udcff\udcfe", BODY, id="bytes that are no text"),
    ],
)
def test_anything_else_is_refused(signature: str, timestamp: str, body: bytes) -> None:
    assert not check_of().accept(signature, timestamp, body)


@pytest.mark.parametrize(("age_s", "is_accepted"), [(60, True), (-60, True), (61, False), (-61, False)])
def test_a_request_is_accepted_up_to_a_minute_before_and_after(age_s: int, is_accepted: bool) -> None:
    signed_at_s = NOW_S - age_s
    assert check_of().accept(signature_of(timestamp=signed_at_s), str(signed_at_s), BODY) is is_accepted


def test_each_refusal_verifies_one_signature_that_takes_the_whole_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    """By libsodium's rules: it computes if both numbers are in range, and the point is not of small order."""
    check = check_of()
    assert check.accept(signature_of(), str(NOW_S), BODY)
    verified: list[bytes] = []
    verify = check._key.verify

    def counted(message: bytes, signature: bytes) -> bytes:
        verified.append(signature)
        return verify(message, signature)

    monkeypatch.setattr(check, "_key", type("Key", (), {"verify": staticmethod(counted)}))
    stale = str(NOW_S - 300)
    for signature, timestamp in [
        (signature_of(), str(NOW_S)),  # a replay
        (signature_of(timestamp=stale), stale),
        (signature_of(b"another"), str(NOW_S)),
        ("", ""),
        ("zz" * 64, str(NOW_S)),
    ]:
        assert not check.accept(signature, timestamp, BODY)
    assert len(verified) == 5
    order = 2**252 + 27742317777372353535851937790883648493
    for signed in verified:
        assert len(signed) == 64
        assert int.from_bytes(signed[32:], "little") < order
        assert int.from_bytes(signed[:32], "little") % 2**255 > 1


def test_what_is_too_old_to_be_accepted_again_is_forgotten() -> None:
    accepted = AcceptedSignatures(MAX_AGE_S)
    for second in range(200):
        accepted.add(bytes([second]), second, float(second))
    assert len(accepted) == MAX_AGE_S + 1
    assert accepted.has(bytes([139]), 139)
    assert not accepted.has(bytes([138]), 138)  # which the age refuses


def test_a_full_memory_refuses_what_is_as_old_as_what_it_has_dropped() -> None:
    accepted = AcceptedSignatures(MAX_AGE_S, most=2)
    for number, signed_at_s in enumerate((10, 12, 11)):
        accepted.add(bytes([number]), signed_at_s, 12.0)
    assert len(accepted) == 2
    assert accepted.has(b"\0", 10)  # dropped
    assert accepted.has(b"new", 10)
    assert not accepted.has(b"new", 11)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(100, 110)), max_size=40), st.integers(1, 8))
def test_nothing_is_accepted_twice_however_small_the_memory(requests: list[tuple[int, int]], most: int) -> None:
    accepted = AcceptedSignatures(MAX_AGE_S, most)
    seen = set()
    for number, signed_at_s in requests:
        key = (bytes([number]), signed_at_s)
        if not accepted.has(*key):
            assert key not in seen
            seen.add(key)
            accepted.add(*key, 110.0)
    assert len(accepted) <= most
