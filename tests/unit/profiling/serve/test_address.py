"""Addresses as users write them."""

from __future__ import annotations

import pytest

from profiling.serve.address import TcpAddress, UnixAddress, address_of, is_loopback


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("127.0.0.1:6061", TcpAddress("127.0.0.1", 6061), True),
        ("localhost:0", TcpAddress("localhost", 0), True),
        ("[::1]:6061", TcpAddress("::1", 6061), True),
        ("0.0.0.0:6061", TcpAddress("0.0.0.0", 6061), False),
        ("example.org:65535", TcpAddress("example.org", 65535), False),
        ("unix:/run/a:b.sock", UnixAddress("/run/a:b.sock"), True),
    ],
)
def test_address_is_read_and_written_in_one_form(text: str, address: object, is_local: bool) -> None:
    read = address_of(text)
    assert (read, str(read), read.is_local) == (address, text, is_local)


@pytest.mark.parametrize(
    "text", ["", "6061", ":6061", "127.0.0.1", "127.0.0.1:", "h:-1", "h:65536", "h:٣", "unix:", "/a:1", "http://h:1"]
)
def test_what_is_no_address_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not an address, which is like 127\.0\.0\.1:6061, \[::1\]:6061 or unix:/run"
    ):
        address_of(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LocalHost"])
def test_number_or_name_of_this_machine_is_a_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.0.0.1", "evil.example", "localhost.evil.example", "127.0.0.1.x"])
def test_other_host_is_none(host: str) -> None:
    assert not is_loopback(host)
