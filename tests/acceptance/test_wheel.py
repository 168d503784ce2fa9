"""The wheel in an environment with nothing else: what it brings, what it costs, and what works without any extra."""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.built import ROOT, build_wheel, need_compiler, run, succeed, without_compiler

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MAX_FURTHER_PACKAGES = 3
MAX_INSTALLED_MB = 15
# asyncio loads less by itself with every Python, so that more of the standard library falls to our share.
MAX_IMPORT_MB = {(3, 11): 5.0, (3, 12): 5.0, (3, 13): 5.5}.get(sys.version_info[:2], 7.5)
IMPORTS = 5  # processes, of which the median counts

LEAK = """
kept = []

def leaks():
    kept.append([bytes(1_000) for _ in range(100)])
"""

LEAKING_TEST = """
import pytest

kept = []

@pytest.mark.no_leaks
def test_leaks():
    kept.append(bytearray(50_000))

@pytest.mark.memory_limit("64 MB")
def test_fits():
    bytearray(1_000_000)
"""

FILES = """
import importlib.metadata, json
installed = [entry for entry in importlib.metadata.distributions() if entry.name not in ("pip", "setuptools")]
sizes = {entry.name: sum(file.locate().stat().st_size for file in entry.files) for entry in installed}
print(json.dumps(sizes))
"""

IMPORT = """
import asyncio, json, psutil, sys
def rss():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * 4096
rss()
before, known = rss(), set(sys.modules)
import profiling
print(json.dumps([(rss() - before) / 1e6, sorted(set(sys.modules) - known)]))
"""
# Modules of the standard library that take milliseconds to import and are for work that begins later, if at all.
LATE = {
    "hashlib",
    "hmac",
    "inspect",
    "json",
    "logging.config",
    "multiprocessing",
    "random",
    "secrets",
    "statistics",
    "typing_extensions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment, and a folder beside it to work in."""

    python: str
    folder: Path

    def run_python(self, *arguments: str) -> tuple[int, str]:
        """Run the environment's interpreter, away from the checkout. Return its exit status and all that it wrote."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
        done = run([self.python, *arguments], self.folder, variables)
        return done.returncode, done.stdout + done.stderr


def make_environment(folder: Path, wheel: Path, *further: str) -> Environment:
    succeed([sys.executable, "-m", "venv", "venv"], folder)
    python = str(folder / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-c", str(ROOT / "constraints.txt")]
    succeed([*pip, str(wheel), *further], folder, without_compiler(folder))
    return Environment(python=python, folder=folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_compiler()
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return make_environment(tmp_path_factory.mktemp("light"), wheel)


def test_wheel_has_the_sampler_and_is_for_this_python(wheel: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert f"-{tag}-{tag}-" in wheel.name
    assert any("_sampler" in name and name.endswith(".so") for name in zipfile.ZipFile(wheel).namelist())


def test_install_brings_few_packages_and_megabytes(light: Environment) -> None:
    status, output = light.run_python("-c", FILES)
    assert status == 0, output
    sizes = json.loads(output)
    assert sizes.keys() >= {"volaris", "psutil"}
    assert len(sizes) - 1 <= MAX_FURTHER_PACKAGES
    assert sum(sizes.values()) / 1e6 <= MAX_INSTALLED_MB


def test_import_takes_little_memory_beside_asyncio_and_psutil(light: Environment) -> None:
    answers = [json.loads(light.run_python("-c", IMPORT)[1]) for _ in range(IMPORTS)]
    assert statistics.median(size_mb for size_mb, _ in answers) <= MAX_IMPORT_MB


def test_import_leaves_what_only_later_work_needs(light: Environment) -> None:
    """The time itself is in benchmarks/bench_import.py: a time that a test asserts fails on a busy machine."""
    _, modules = json.loads(light.run_python("-c", IMPORT)[1])
    assert not LATE & set(modules)
    assert {name for name in modules if name.startswith(("profiling.web", "profiling.pytest_plugin"))} == set()


def test_examples_of_the_readme_without_a_web_framework_run(light: Environment) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    plain = [block for block in blocks if "aiohttp" not in block]
    assert plain
    for block in plain:
        assert light.run_python("-c", block) == (0, "True\n")


def test_check_finds_a_leak_by_samples(light: Environment) -> None:
    (light.folder / "leak.py").write_text(LEAK)
    status, output = light.run_python("-m", "profiling", "check", "leak.py:leaks", "--level", "samples", "--json")
    assert status == 1, output
    (job,) = json.loads(output)["jobs"]
    assert job["verdict"] == "leaking"
    assert job["suspects"][0]["site"]["line"] == 5


def test_web_without_its_extra_names_the_extra(light: Environment) -> None:
    status, output = light.run_python("-c", "from profiling.web import mount")
    assert status == 1
    assert output.splitlines()[-1] == (
        "profiling.errors.MissingExtra: profiling.web.mount needs the package aiohttp, which is not installed; "
        "install it with: pip install 'volaris[web]'"
    )


@pytest.mark.parametrize("command", [["serve"], ["run", "prices_1m"], ["jobs"], ["export", "prices"]], ids=" ".join)
def test_service_without_its_extra_names_the_extra_in_one_line(light: Environment, command: list[str]) -> None:
    status, output = light.run_python("-m", "volaris", *command)
    assert status == 2
    assert re.fullmatch(
        r"volaris: this command needs the package \w+, which is not installed; "
        r"install it with: pip install 'volaris\[service\]'\n",
        output,
    )


def test_help_of_the_service_needs_no_extra(light: Environment) -> None:
    status, output = light.run_python("-m", "volaris", "--help")
    assert status == 0
    assert "serve" in output


def test_pytest_plugin_needs_nothing_but_pytest(tmp_path: Path, wheel: Path) -> None:
    environment = make_environment(tmp_path, wheel, "pytest")
    (tmp_path / "test_leaks.py").write_text(LEAKING_TEST)
    status, output = environment.run_python("-m", "pytest", "--memory", "test_leaks.py")
    assert status == 1, output
    assert "1 failed, 1 passed" in output
    assert "test_leaks.py:8" in output
