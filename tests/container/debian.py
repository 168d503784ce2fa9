"""A tree of Debian made with debootstrap, and commands inside of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.container.engine import CannotRun, CommandFailed, apt_install, command

DEBOOTSTRAP_TIMEOUT_S = 900


def make_tree(tree: Path, suite: str, packages: Sequence[str]) -> None:
    """Put Debian's smallest system and these packages into a folder, which is made anew.

    The tree is complete if it is there: it gets its name at the end. Raises CannotRun.
    """
    if os.geteuid() != 0:
        raise CannotRun("a tree of Debian needs root: debootstrap makes devices and calls chroot")
    if shutil.which("debootstrap") is None:
        if shutil.which("apt-get") is None:
            raise CannotRun("there is no debootstrap, and no apt-get to install it with")
        apt_install("debootstrap")
    unfinished = tree.with_name(f"{tree.name}.unfinished")
    for folder in (tree, unfinished):
        shutil.rmtree(folder, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        included = f"--include={','.join(packages)}"
        command(
            "debootstrap", "--variant=minbase", included, suite, str(unfinished), timeout_s=DEBOOTSTRAP_TIMEOUT_S
        )  # fmt: skip
    except CommandFailed as error:
        raise CannotRun(f"no tree of Debian {suite} can be made: {error}") from error
    shutil.rmtree(unfinished / "var/cache/apt/archives", ignore_errors=True)
    unfinished.rename(tree)
