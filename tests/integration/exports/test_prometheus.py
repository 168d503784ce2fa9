"""What Prometheus scrapes: the values are ours, real tools accept them, and only the right scraper gets them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_text

from profiling import Profiler
from profiling.metrics import families
from profiling.metrics.reading import read
from profiling.records import Outcome, OwnerKind, ScopeSummary
from profiling.serve import DebugServer
from profiling.web import Access

DOCS = Path(__file__).parents[3] / "docs" / "monitoring"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no `promtool` on the path: apt-get install prometheus"
)


def scraped(server: DebugServer, *, token: str = "", accept: str = "text/plain", path: str = "/metrics") -> str:
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"http://{server.address}/debug{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def test_values_are_those_of_the_profiler(server: DebugServer, profiler: Profiler) -> None:
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse_text(scraped(server))
        for sample in family.samples
    }
    assert values["profiling_memory_limit_bytes",] == 512 << 20
    assert values["profiling_runs_total", ("job", "sync"), ("outcome", "completed")] == 20
    assert values["profiling_runs_total", ("job", "sync"), ("outcome", "failed")] == 0
    held = {scope.name: scope.live_bytes for scope in profiler.scopes()}
    assert values["profiling_held_bytes", ("kind", "job"), ("owner", "sync")] == held["sync"]
    assert values["profiling_memory_rss_bytes",] == pytest.approx(profiler.usage().rss_bytes, rel=0.2)
    parts = [value for key, value in values.items() if key[0] == "profiling_memory_part_bytes"]
    assert sum(parts) >= values["profiling_memory_rss_bytes",]


def test_open_metrics_have_the_last_run_as_an_exemplar(server: DebugServer, profiler: Profiler) -> None:
    found = list(text_string_to_metric_families(scraped(server, accept=OPEN_METRICS)))  # type: ignore[no-untyped-call]
    (runs,) = [family for family in found if family.name == "profiling_runs"]
    exemplars = {sample.exemplar.labels["run"] for sample in runs.samples if sample.exemplar}
    assert exemplars == {str(profiler.runs("sync")[-1].id)}
    (verdict,) = [family for family in found if family.name == "profiling_verdict"]
    states = [sample.value for sample in verdict.samples if sample.labels["owner"] == "sync"]
    assert sorted(states) == [0, 0, 0, 0, 1]


def test_scraper_has_a_token_that_opens_metrics_alone(profiler: Profiler) -> None:
    access = Access(token="reader", metrics_token="scraper")
    with DebugServer(profiler, "127.0.0.1:0", access=access) as server:
        for token in ("scraper", "reader"):
            assert "profiling_memory_rss_bytes" in scraped(server, token=token)
        for token, path in (("", "/metrics"), ("wrong", "/metrics"), ("scraper", "/scopes"), ("scraper", "/jobs")):
            with pytest.raises(urllib.error.HTTPError) as refused:
                scraped(server, token=token, path=path)
            assert refused.value.code == 403
            refused.value.close()


def test_labels_are_bounded(profiler: Profiler) -> None:
    owner = ScopeSummary(
        name="", kind=OwnerKind.SCOPE, calls=0, active=0, live_bytes=10, error_bytes=0.0, live_blocks=0,
        allocated_bytes_per_call=None, bytes_per_call=None, bytes_per_hour=None, verdict=None,
    )  # fmt: skip
    figures = read(profiler)
    many = [ScopeSummary(**{**_fields(owner), "name": f"scope {number}"}) for number in range(200)]  # type: ignore[arg-type]
    figures = families.Figures(**{**_fields(figures), "owners": many})  # type: ignore[arg-type]
    (held,) = [family for family in families.families(figures) if family.name == "profiling_held_bytes"]
    assert len(held.samples) == families.MAX_OWNERS + 1
    assert sum(float(sample.value) for sample in held.samples) == 2_000


def _fields(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in type(record).__slots__}  # type: ignore[attr-defined]


def test_failed_run_is_counted(profiler: Profiler) -> None:
    with pytest.raises(ZeroDivisionError), profiler.run("fails"):
        _ = 1 / 0
    assert profiler.tallies()["fails"].runs[Outcome.FAILED] == 1


@needs_promtool
def test_promtool_accepts_the_metrics(server: DebugServer) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=scraped(server), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_promtool
def test_promtool_accepts_the_alert_rules() -> None:
    rules = str(DOCS / "alerts.yml")
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_rules_and_dashboard_name_metrics_that_there_are(server: DebugServer) -> None:
    text = (DOCS / "alerts.yml").read_text() + json.dumps(json.loads((DOCS / "dashboard.json").read_text()))
    told = set(re.findall(r"^# TYPE (\w+)", scraped(server), re.MULTILINE)) | {"profiling_full_seconds"}
    named = set(re.findall(r"profiling_\w+", text)) - {"profiling_verdict"}
    assert named <= told | {"profiling_growth_bytes_per_hour"}


def test_nothing_of_it_is_imported_before_somebody_asks() -> None:
    code = (
        "import sys, profiling.web, profiling.serve\n"
        "names = ('prometheus_client', 'profiling.metrics', 'profiling.report.pprof', 'profiling.past.recorder')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
