"""`python -m profiling report`: of a service, of a file and of a function, as one HTML file."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from profiling import Level, Profiler
from profiling.__main__ import main
from profiling.remote import TOKEN_VARIABLE
from profiling.samples import sampler
from profiling.serve import DebugServer
from profiling.web import report as web_report
from profiling.web.report import report_of
from tests.integration.exports import leaking

LEAK = "kept = []\n\n\ndef leak():\n    kept.append(bytearray(50_000))\n"
MAX_BYTES = 5 << 20


def answers_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="answers">(.*?)</script>', html, re.DOTALL)
    assert found
    answers: dict[str, Any] = json.loads(found[1])
    return answers


def sentence_of(html: str) -> str:
    found = re.search(r'<h1 id="sentence">(.*?)</h1>', html)
    assert found
    return found[1]


def lines_in(stacks: Any, file: str) -> dict[int, int]:
    """The bytes by line of a file, of stacks whose innermost frame is there."""
    found: dict[int, int] = {}
    for frames, size_bytes in zip(stacks["stacks"]["frames"], stacks["stacks"]["size_bytes"], strict=True):
        number = frames[-1]
        if stacks["files"][stacks["frames"]["file"][number]]["path"] == file:
            line = stacks["frames"]["line"][number]
            found[line] = found.get(line, 0) + size_bytes
    return found


def test_service_is_reported_with_all_that_the_page_asks_for(server: DebugServer, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert main(["report", f"http://{server.address}", "-o", str(report)]) == 0
    assert report.stat().st_size < MAX_BYTES
    answers = answers_of(report.read_text())
    assert set(web_report.ALWAYS) <= answers.keys()
    assert {"scopes/sync?limit=12", "scopes/GET%20%2Fx?limit=12", "memory/runs?limit=1000"} <= answers.keys()
    assert "memory/diff?job=sync&run=20&against=1&limit=1000" in answers
    assert any("kept.append" in line for path in answers for line in answers[path].get("lines", []))
    assert sum(lines_in(answers["memory/stacks"], leaking.__file__).values()) > 4_000_000
    assert "data-verb" not in report.read_text().partition('id="answers"')[0]


def test_closed_service_is_reported_to_the_bearer_of_the_token(
    profiler: Profiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = secrets.token_hex()  # not in this source, which is in the report
    with DebugServer(profiler, "127.0.0.1:0", token=token) as server:
        command = ["report", f"http://{server.address}/debug/", "-o", str(tmp_path / "report.html")]
        monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        assert main(command) == 2
        assert "the service answered with 403: " in capsys.readouterr().err
        monkeypatch.setenv(TOKEN_VARIABLE, token)
        assert main(command) == 0
    assert token not in (tmp_path / "report.html").read_text()


@pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
def test_function_is_run_and_its_verdict_and_line_are_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(LEAK)
    report = tmp_path / "report.html"
    command = [sys.executable, "-m", "profiling", "report", f"{tmp_path / 'jobs.py'}:leak", "-o", str(report)]
    subprocess.run(command, check=True, timeout=120)  # in a process of its own, which is small and has no other threads
    html = report.read_text()
    assert re.search(r"jobs\.py:leak leaks \d+ KB per run at jobs\.py:5\.$", sentence_of(html))  # and no forecast
    (file,) = {each["path"] for each in answers_of(html)["memory/stacks"]["files"] if each["file"].endswith("jobs.py")}
    stacks = answers_of(html)["memory/stacks"]
    assert lines_in(stacks, file).keys() == {5}
    assert not any(each["path"].endswith("profiling/__main__.py") for each in stacks["files"])


def test_prints_of_a_function_are_not_in_the_report(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(f"{LEAK}    print('printed')\n")
    command = [sys.executable, "-m", "profiling", "report", f"{tmp_path / 'jobs.py'}:leak", "--runs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert done.stderr == "printed\n" * 2


@pytest.mark.parametrize("runs", ["0", "-1", "many"])
def test_wrong_number_of_runs_is_told(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", "jobs.py:leak", f"--runs={runs}"])
    assert "is not a whole number from 1 to 1000" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("report",), ("export", "--format", "html")])
def test_stored_profile_is_reported(server: DebugServer, tmp_path: Path, command: tuple[str, ...]) -> None:
    profile, report = tmp_path / "heap.pb.gz", tmp_path / "report.html"
    assert main(["export", f"http://{server.address}", "-o", str(profile)]) == 0
    assert main([*command, str(profile), "-o", str(report)]) == 0
    html = report.read_text()
    told = re.fullmatch(r"([\d.]+) MB were alive\. (\S+) held most, [\d.]+ MB\.", sentence_of(html))
    assert told
    assert float(told[1]) > 4.0
    assert "exports/leaking.py:" in told[2]
    assert sum(lines_in(answers_of(html)["memory/stacks"], leaking.__file__).values()) > 4_000_000
    assert ">sync<" in html
    assert ">GET /x<" in html


def test_change_of_a_service_is_exported_as_html(server: DebugServer, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    command = ["export", f"http://{server.address}", "--format", "html", "--seconds", "1", "-o", str(report)]
    assert main(command) == 0
    assert re.search(r"more were alive after 1 s\.", sentence_of(report.read_text()))


def test_report_without_samples_has_the_verdicts() -> None:
    profiler, kept = Profiler(level=Level.LINES, limit_mb=512, collect=True), []
    for _ in range(14):
        with profiler.run("keeps"):
            kept.append(bytes(100_000))
    html = report_of(profiler).decode()
    profiler.close()
    answers = answers_of(html)
    assert [job["verdict"]["runs"] for job in answers["jobs"]["jobs"]] == [14]
    assert "keeps" in html.partition('id="answers"')[0]


def test_answers_without_room_are_left_out(profiler: Profiler, monkeypatch: pytest.MonkeyPatch) -> None:
    leaking.leak(profiler)
    all_of_it = report_of(profiler).decode()
    monkeypatch.setattr(web_report, "MAX_BYTES", 30_000)
    some_of_it = report_of(profiler).decode()
    assert len(some_of_it) < len(all_of_it) - 30_000
    assert answers_of(some_of_it).keys() < answers_of(all_of_it).keys()


@pytest.mark.parametrize(
    ("name", "component", "form"),
    [("GET /a b", "GET%20%2Fa%20b", "GET+%2Fa+b"), ("~*'(é)!", "~*'(%C3%A9)!", "%7E*%27%28%C3%A9%29%21")],
)
def test_names_are_written_as_the_browser_writes_them(name: str, component: str, form: str) -> None:
    assert web_report._component(name) == component
    assert web_report._form(name) == form


def test_nothing_of_it_is_imported_before_somebody_asks() -> None:
    code = (
        "import sys, profiling.__main__, profiling.web, profiling.serve\n"
        "names = ('profiling.web.report', 'profiling.report.page.document', 'profiling.export.sources', 'rich')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
