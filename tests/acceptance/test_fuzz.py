"""The OpenAPI document of the running service holds: schemathesis asks whatever fits it, and much that does not.

So does that of the debug routes in an application that is not Volaris.

The seed is fixed, so that requests differ only by what earlier answers held. For a longer run:
VOLARIS_FUZZ_EXAMPLES=2000 VOLARIS_FUZZ_SEED=7 make test
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.streaming import INSERT_PRICES
from tests.acceptance.test_data_api import DAY, METRICS, TERM
from tests.integration.store.chains import MOMENT, chain
from tests.postgres import connected, execute, fresh_database, run_apart
from volaris.store import ConstituentRepository, ConstituentRow, MetricsRepository, OptionsRepository

EXAMPLES = int(os.environ.get("VOLARIS_FUZZ_EXAMPLES", "15"))
SEED = int(os.environ.get("VOLARIS_FUZZ_SEED", "1"))
TOKEN = "t0ken"
PRICED = 500
LOG = "service.log"
ROOT = Path(__file__).parents[2]
HOOKS = "tests.acceptance.fuzz_hooks"
SECONDS = 600 if EXAMPLES <= 20 else 7200
HANGS_S = 120  # what takes longer hangs; what is merely slow, on a busy machine too, is for the benchmarks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]  # whichever test is the first waits for the run


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run of schemathesis came to."""

    output: str
    status: int  # of the process: 0 where it found nothing
    answers: Counter[tuple[str, int, str]]  # by operation, status and form
    operations: frozenset[str]  # of the document, as "GET /livez"
    log: str  # of the service
    not_steered: frozenset[str]  # operations that are refused, as there is nobody to do it


VOLARIS, OWN = "Volaris", "an application of one's own"
DOCUMENTS = {VOLARIS: "/api/docs/swagger.json", OWN: "/debug/openapi.json"}
# Nobody has said who runs the jobs of such an application.
NOT_STEERED = {f"POST /jobs/{{job_id}}/{verb}" for verb in ("run", "pause", "resume")}


@pytest.fixture(scope="module", params=[VOLARIS, OWN])
def fuzzed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    """One run against a process of its own."""
    folder = tmp_path_factory.mktemp("fuzz")
    if request.param == OWN:
        command = [sys.executable, "-X", "faulthandler", "-m", "tests.acceptance.own_application", TOKEN]
        with started(folder, command, {"PYTHONPATH": str(ROOT)}, "listening") as url:
            found = fuzz(url, folder, DOCUMENTS[OWN], examples=max(1, EXAMPLES // 3), steered=False)
    else:
        postgres_url, template = (request.getfixturevalue(name) for name in ("postgres_url", "template"))
        found = fuzzed_volaris(postgres_url, template, folder)
    return found


def fuzzed_volaris(postgres_url: str, template: str, folder: Path) -> Fuzzed:
    """A run against Volaris, with the rows of two symbols and the runs of a job."""
    with contextmanager(fresh_database)(postgres_url, template) as database_url:
        run_apart(fill(database_url))
        with serving(folder, database_url) as url:
            run_job(url, "prices_1m")
            run_job(url, "prices_1m")
            return fuzz(url, folder, DOCUMENTS[VOLARIS], examples=EXAMPLES, steered=True)


@contextmanager
def serving(folder: Path, database_url: str) -> Iterator[str]:
    """Volaris in a process of its own, by its address."""
    settings = {
        "PORT": "0",
        "DATABASE_URL": database_url,
        "SCHEDULER_ENABLED": "false",
        "VOLARIS_DATA_DIR": str(folder),
        "DEBUG_TOKEN": TOKEN,
        "PROFILING": "lines",
        "PRICES_KEPT_DAYS": "3650",  # should retention be run
        "OPTIONS_KEPT_DAYS": "3650",
        # The chains of all symbols would be 750 000 contracts, should options_refresh be run.
        "OPTIONS_STRIKE_RANGE": "0.01",
        "OPTIONS_MAX_EXPIRATIONS": "1",
    }
    command = [sys.executable, "-X", "faulthandler", "-m", "volaris", "serve"]
    with started(folder, command, settings, "the database is ready") as url:
        yield url


@contextmanager
def started(folder: Path, command: Sequence[str], settings: Mapping[str, str], ready: str) -> Iterator[str]:
    """A service in a process of its own, by its address; it logs to `service.log`."""
    log = folder / LOG
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=os.environ | settings, cwd=folder, stderr=file) as process,
    ):
        try:
            yield address_in(log, process, ready)
        finally:
            process.terminate()
            process.wait(timeout=120)


def address_in(log: Path, process: subprocess.Popen[bytes], ready: str) -> str:
    """Where the service listens, as soon as its log says that it is ready."""
    deadline_s = time.monotonic() + HANGS_S
    while time.monotonic() < deadline_s and process.poll() is None:
        text = log.read_text()
        if (found := re.search(r"listening - url=(\S+)$", text, re.MULTILINE)) and ready in text:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the service did not come up: {log.read_text()}")


async def fill(database_url: str) -> None:
    """Rows behind every route of the data API."""
    await execute(database_url, INSERT_PRICES.format(rows=PRICED))
    days = [replace(METRICS, day=DAY - timedelta(days=number), iv30=0.2 + number / 100) for number in range(30)]
    ranked = [replace(METRICS, symbol="MSFT", iv_rank=40.0), replace(METRICS, symbol="IBM", iv_rank=0.0)]
    members = [ConstituentRow(symbol=name, name=name, sector=None, since=None) for name in ("AAPL", "IBM", "MSFT")]
    async with connected(database_url) as database:
        await OptionsRepository(database).replace([chain("AAPL", 80), chain("MSFT", 8)])
        await MetricsRepository(database).save([*days, *ranked], [TERM])
        await ConstituentRepository(database).replace(members, MOMENT)


def run_job(url: str, job: str) -> None:
    """One run, to its end."""
    asked(url, f"/api/v1/debug/jobs/{job}/run", method="POST")
    deadline_s = time.monotonic() + HANGS_S
    while state_of(asked(url, "/api/v1/debug/jobs"), job) == "running":
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def state_of(document: Any, job: str) -> object:
    """What the job does now."""
    (state,) = [entry["state"] for entry in document["jobs"] if entry["id"] == job]
    return state


def asked(url: str, path: str, method: str = "GET") -> Any:
    """The JSON of an answer."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(url + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def fuzz(url: str, folder: Path, path: str, *, examples: int, steered: bool) -> Fuzzed:
    """Run schemathesis over the service's document."""
    document = asked(url, path)
    seen = folder / "seen.tsv"
    seen.touch()
    options = {
        "checks": "all",
        "mode": "all",
        "max-examples": examples,
        "seed": SEED,
        "header": f"Authorization:Bearer {TOKEN}",
        "request-timeout": HANGS_S,
        "max-response-time": HANGS_S,
        "generation-database": "none",
        "suppress-health-check": "all",
        "warnings": "off",
    }
    hooked = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": HOOKS, "VOLARIS_FUZZ_SEEN": str(seen)}
    hooked["VOLARIS_FUZZ_WAITS"] = str(max(3, EXAMPLES // 10))
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--no-color", "--continue-on-failure"]
    command += [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [*command, url + path],
        env=os.environ | hooked | {"PYTHONHASHSEED": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    answers = Counter(tuple(line.split("\t")) for line in seen.read_text().splitlines())
    return Fuzzed(
        output=done.stdout + done.stderr,
        status=done.returncode,
        log=(folder / LOG).read_text(),
        answers=Counter({(name, int(status), form): count for (name, status, form), count in answers.items()}),
        not_steered=frozenset() if steered else frozenset(NOT_STEERED),
        operations=frozenset(
            f"{method.upper()} {place}"
            for place, methods in document["paths"].items()
            if document.get("basePath", "") + place != path  # schemathesis does not ask for the document that it reads
            for method in methods
        ),
    )


def test_schemathesis_finds_nothing(fuzzed: Fuzzed) -> None:
    assert fuzzed.status == 0, fuzzed.output


def test_every_route_of_the_document_was_met_with_an_answer_of_its_own(fuzzed: Fuzzed) -> None:
    met = {name for name, status, _ in fuzzed.answers if 200 <= status < 300}
    refused = {name for name, status, _ in fuzzed.answers if status == 409}
    assert met == fuzzed.operations - fuzzed.not_steered
    assert fuzzed.not_steered <= refused


def test_service_logs_no_error_but_of_requests_that_are_not_http(fuzzed: Fuzzed) -> None:
    errors = re.findall(r"^\S+ \S+ - (?:ERROR|CRITICAL) - .*$", fuzzed.log, re.MULTILINE)
    assert [line for line in errors if "aiohttp.server - Error handling request" not in line] == []
