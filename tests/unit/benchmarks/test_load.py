"""What wrk prints becomes the figures that it means."""

from __future__ import annotations

import pytest

from benchmarks.load import Load, of_latencies, parse_wrk

REPORT = """Running 3s test @ http://127.0.0.1:8080/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.08ms  523.12us  17.47ms   96.50%
    Req/Sec    15.10k     1.12k   16.77k    83.99%
  Latency Distribution
     50%  {median}
     75%    1.13ms
     90%    1.35ms
     99%  {p99}
  45071 requests in 3.00s, 9.88MB read
{errors}Requests/sec:  15019.27
Transfer/sec:      3.29MB
"""


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("852.00us", 0.852), ("1.00ms", 1.0), ("1.58s", 1580.0), ("1.50m", 90_000.0)]
)
def test_times_in_each_unit_of_wrk_are_read_as_milliseconds(text: str, milliseconds: float) -> None:
    load = parse_wrk(REPORT.format(median=text, p99="2.30ms", errors=""))

    assert load == Load(requests_per_s=15019.27, median_ms=milliseconds, p99_ms=2.3, refused=0)


def test_answers_of_another_status_and_lost_requests_are_counted() -> None:
    errors = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 30\n"

    assert parse_wrk(REPORT.format(median="1.00ms", p99="2.30ms", errors=errors)).refused == 37


@pytest.mark.parametrize("text", ["", "Requests/sec:  15019.27\n"])
def test_a_report_without_a_figure_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="wrk said nothing of"):
        parse_wrk(text)


def test_a_time_in_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"a way that is not known here: 1\.5h"):
        parse_wrk(REPORT.format(median="1.5h", p99="2.30ms", errors=""))


def test_latencies_of_our_own_client_are_told_at_their_percentiles() -> None:
    load = of_latencies([number / 1024 for number in range(100, 0, -1)], took_s=2.0, refused=3)

    assert load == Load(requests_per_s=50.0, median_ms=51 / 1024 * 1000, p99_ms=100 / 1024 * 1000, refused=3)
