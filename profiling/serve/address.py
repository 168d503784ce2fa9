"""Where a debug server listens: a TCP address, or the path of a Unix socket that only its owner may open."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

BACKLOG = 16
OWNER_ONLY = 0o600
UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a Unix socket."""

    path: str
    is_local = True  # whether only users of this machine can connect

    def __str__(self) -> str:
        return UNIX + self.path

    def listen(self) -> socket.socket:
        """Return a listening socket, which replaces one that a dead process has left. Raises OSError."""
        listening = socket.socket(socket.AF_UNIX)
        try:
            if _is_abandoned(self.path):
                Path(self.path).unlink()
            listening.bind(self.path)
            Path(self.path).chmod(OWNER_ONLY)  # before it listens, so that nobody else can have connected
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            raise OSError(error.errno, f"cannot listen at {self}: {error.strerror or error}") from error
        return listening

    def remove(self) -> None:
        """Remove the file of the socket."""
        Path(self.path).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and a port; port 0 means any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Return whether only users of this machine can connect."""
        return is_loopback(self.host)

    def listen(self) -> socket.socket:
        """Return a listening socket. Raises OSError."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen at {self}: {error.strerror or error}") from error

    def remove(self) -> None:
        """Do nothing, because a port is free when its socket is closed."""


Address = UnixAddress | TcpAddress


def address_of(text: str) -> Address:
    """Return the address in a text. Raises ValueError with the accepted forms."""
    text = str(text)
    path = text.removeprefix(UNIX)
    if path != text and path:
        return UnixAddress(path)
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if colon and host and "/" not in host and port.isascii() and port.isdecimal() and int(port) < 1 << 16:
        return TcpAddress(host, int(port))
    raise ValueError(f"{text!r} is not an address, which is like 127.0.0.1:6061, [::1]:6061 or unix:/run/profiler.sock")


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address always is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_abandoned(path: str) -> bool:
    """Return whether there is a socket on which no process listens."""
    if not Path(path).is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False
