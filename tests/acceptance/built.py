"""The project built from a copy of its sources, as somebody else's machine builds and installs it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("profiling", "volaris", "pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in")
SETUPTOOLS = 77  # as pyproject.toml asks; the build takes the one that is installed, and no network
WITHOUT_SAMPLER = {"VOLARIS_WITHOUT_SAMPLER": "1"}
TIMEOUT_S = 120
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def copy_sources(folder: Path) -> Path:
    """Copy what a build needs, without what earlier builds have left. Return the copy's folder."""
    source = folder / "source"
    source.mkdir()
    for name in NEEDED:
        _copy(ROOT / name, source / name)
    return source


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info"))
    else:
        shutil.copy(source, target)


def need_setuptools() -> None:
    """Skip the test if there is no setuptools here that can build the project."""
    try:
        installed = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        installed = "0"
    if int(installed.partition(".")[0]) < SETUPTOOLS:
        pytest.skip(f"setuptools {SETUPTOOLS} or newer is not installed here, and a build brings none by itself")


def need_compiler() -> None:
    """Skip the test if the sampler cannot be built here: `make setup` leaves it out then."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no C compiler or no Python.h here, so no wheel with the sampler can be built")


def without_compiler(folder: Path) -> dict[str, str]:
    """Return an environment whose PATH leads nowhere, as do the variables that name a compiler."""
    nowhere = folder / "nowhere"
    nowhere.mkdir(exist_ok=True)
    compilers = dict.fromkeys(("CC", "CXX", "LDSHARED"), str(nowhere / "cc"))
    return {**os.environ, **compilers, "PATH": str(nowhere)}


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder. Return its output and exit status, which the caller judges."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def succeed(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command that must end with status 0. Return its standard output."""
    done = run(command, folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(folder: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Build a wheel of a copy of the sources below the folder, with the setuptools of this environment."""
    need_setuptools()
    source, target = copy_sources(folder), folder / "wheels"
    arguments = ["wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(target), str(source)]
    succeed([*PIP, *arguments], folder, environment)
    (wheel,) = target.glob("*.whl")
    return wheel
