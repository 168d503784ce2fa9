"""The image under test, and the base image that its Dockerfile asks for.

Where no registry answers, the base is made here: Debian by debootstrap, and a CPython of the version that the
Dockerfile names, as python:X.Y-slim has it, below /usr/local.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.container.debian import make_tree
from tests.container.engine import ROOT, WORK, CannotRun, CommandFailed, Engine, Mount, command

IMAGE = "localhost/volaris"
SUITE = "bookworm"
PULL_TIMEOUT_S = 120

# What CPython's standard library links against, and what python:X.Y-slim has beside.
LIBRARIES = (
    "ca-certificates",
    "libbz2-1.0",
    "libffi8",
    "liblzma5",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "netbase",
)
# Half of what an installed CPython takes, and nothing that the image needs. `config-*` is for embedding it.
LEFT_OUT = shutil.ignore_patterns("test", "config-*", "__pycache__", "site-packages")


def build(engine: Engine) -> str:
    """Build the image; gives in words what its base is. Raises CannotRun where there is no base to be had."""
    version = base_version()
    base = f"docker.io/library/python:{version}-slim"
    if _pulled(engine, base):
        engine.build(IMAGE)
        return f"on {base} as the registry has it"
    python = _python(version)
    if not engine.has_image(base):
        _make_base(engine, base, python)
    engine.build(IMAGE, _wheels(python))
    return f"on a base made here: Debian {SUITE} and CPython {version} from {python.parent.parent}"


def base_version() -> str:
    """The version of Python that the Dockerfile asks for."""
    found = re.search(r"^FROM python:(\d+\.\d+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        raise CannotRun("the Dockerfile names no python:X.Y-slim as its base")
    return found[1]


def _pulled(engine: Engine, base: str) -> bool:
    """Whether the base is the registry's. One that was made here keeps its name, and no registry is asked again."""
    if engine.has_image(base):
        return not _is_ours().exists()
    try:
        engine.podman("pull", "--quiet", base, timeout_s=PULL_TIMEOUT_S)
    except CommandFailed:
        return False
    _is_ours().unlink(missing_ok=True)
    return True


def _is_ours() -> Path:
    return WORK / "base-made-here"


def _python(version: str) -> Path:
    """An interpreter of that version outside Debian's own tree, where everything of it is below one folder."""
    name = f"python{version}"
    candidates = [
        *(Path(folder, name) for folder in os.get_exec_path()),
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")),
    ]
    for candidate in candidates:
        prefix = _prefix(candidate)
        if prefix is not None and prefix != Path("/usr"):
            return prefix / "bin" / name
    raise CannotRun(f"no registry answers, and there is no {name} here to make the base image of")


def _prefix(interpreter: Path) -> Path | None:
    """Where it is installed; None where it cannot be run, like a shim without a version behind it."""
    if not interpreter.exists():
        return None
    try:
        return Path(command(str(interpreter), "-c", "import sys; print(sys.base_prefix)"))
    except CommandFailed:
        return None


def _make_base(engine: Engine, base: str, python: Path) -> None:
    tree = WORK / "rootfs"
    try:
        make_tree(tree, SUITE, LIBRARIES)
    except CannotRun as reason:
        raise CannotRun(f"no registry answers, and {reason}") from reason
    for folder in ("bin", "lib", "include"):
        source, target = python.parent.parent / folder, tree / "usr/local" / folder
        shutil.copytree(source, target, symlinks=True, ignore=LEFT_OUT, dirs_exist_ok=True)
    command("chroot", str(tree), "ldconfig")
    archive = WORK / "rootfs.tar"
    command("tar", "-C", str(tree), "-cf", str(archive), ".")
    engine.podman("import", str(archive), base)
    archive.unlink()
    shutil.rmtree(tree)
    _is_ours().touch()


def requirements(project: Mapping[str, Any], extra: str) -> list[str]:
    """Return what a build and an install with this extra need, the extras that it refers to included."""
    name, extras = project["project"]["name"], project["project"]["optional-dependencies"]
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    left = [extra]
    while left:
        for requirement in extras[left.pop()]:
            reference = re.fullmatch(rf"{re.escape(name)}\[(.+)\]", requirement)
            if reference is None:
                wanted.append(requirement)
            else:
                left += [part.strip() for part in reference[1].split(",")]
    return wanted


def _wheels(python: Path) -> tuple[Mount, ...]:
    """The wheels that the build installs, collected with this machine's settings of pip, and a pip.conf that says so.

    Mounted while the image is built: neither an address nor a certificate of this machine gets into a file of the
    project or into the image.
    """
    folder = WORK / "wheels"
    wanted = requirements(tomllib.loads((ROOT / "pyproject.toml").read_text()), "service")
    command(
        str(python), "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--wheel-dir", str(folder),
        "--find-links", str(folder), "--constraint", str(ROOT / "constraints.txt"), *wanted, timeout_s=600,
    )  # fmt: skip
    settings = WORK / "pip.conf"
    settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    return Mount(source=folder, target="/wheels"), Mount(source=settings, target="/etc/pip.conf")
