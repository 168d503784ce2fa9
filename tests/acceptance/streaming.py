"""`volaris serve` in a process of its own over a database with many rows, and what its memory does."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 1 << 16

INSERT_PRICES = """
SELECT volaris_add_partition('prices', '2025-10-01'::date + number) FROM generate_series(0, 30) AS days (number);
INSERT INTO prices (symbol, quoted_at, source, price, bid, ask, volume)
SELECT 'AAPL', '2025-10-01 00:00+00'::timestamptz + number * interval '2 seconds', 'simulated',
    100 + number * 0.0001, 99.99 + number * 0.0001, 100.01 + number * 0.0001, number
FROM generate_series(1, {rows}) AS rows (number);
ANALYZE prices
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs."""

    port: int
    pid: int

    def discard(self, path: str) -> tuple[int, int]:
        """Read an answer to its end and keep none of it; gives its status and its lines."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            lines = 0
            while piece := answer.read(READ_BYTES):
                lines += piece.count(b"\n")
            return answer.status, lines
        finally:
            connection.close()

    def rss_kb(self) -> int:
        """What the process has in memory now."""
        return self._status("VmRSS")

    def peak_kb(self) -> int:
        """The most that it had since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Count the peak from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status(self, field: str) -> int:
        found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found
        return int(found[1])


@contextmanager
def served(folder: Path, database_url: str, **settings: str) -> Iterator[Served]:
    """A service whose jobs do not run by themselves."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"PORT": "0", "DATABASE_URL": database_url, "SCHEDULER_ENABLED": "false", "VOLARIS_DATA_DIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "volaris", "serve"],
        env=kept | own | settings,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Served(_port(process), process.pid)
        finally:
            process.terminate()
            assert process.stderr
            process.stderr.read()


def _port(process: subprocess.Popen[str]) -> int:
    port, ready = None, False
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"listening - url=http://127\.0\.0\.1:(\d+)$", line):
            port = int(found[1])
        ready = ready or "the database is ready" in line
        if port and ready:
            return port
    raise AssertionError("the service did not come up")
