"""`make test-3.14`: the tests on CPython 3.14, in a tree of Debian sid below .tox/debian-sid.

The tree is made once. The checkout is mounted at /src. What pip needs to know of this machine (its settings, folders of
packages, certificates) is mounted too, only while the tests run, so that nothing of it stays in the tree.
Exit status: that of the tests; 1 with the reason if the tree cannot be made.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.container.debian import make_tree
from tests.container.engine import ROOT, CannotRun, Mount

TREE = ROOT / ".tox" / "debian-sid" / "root"
SUITE = "sid"
PACKAGES = ("ca-certificates", "gcc", "libc6-dev", "make", "python3.14", "python3.14-dev", "python3.14-venv")
COMMAND = ("make", "test", "slow-tests", "PYTHON=python3.14", "VENV=/venv")

PIP_SETTINGS = (Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), Path("~/.config/pip/pip.conf"))
FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = re.compile(r"(PIP_|SSL_CERT_|LANG$|LC_|(HTTPS?|NO)_PROXY$)", re.IGNORECASE)
A_PATH = re.compile(r"(?:^|\s|file://)(/[^\s'\"]+)")

# In a mount namespace of its own, so that everything is gone with the process.
ENTER = """
set -eu
tree=$1; shift
mount --types proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
mount --rbind /sys "$tree/sys"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$tree$2"; else mkdir -p "$(dirname "$tree$2")"; touch "$tree$2"; fi
    mount --bind "$1" "$tree$2"
    shift 2
done
shift
exec chroot "$tree" sh -c 'cd /src && exec "$@"' sh "$@"
"""


def main(arguments: Sequence[str] = ()) -> int:
    """Run a command in the tree, by default the tests. Return its exit status."""
    try:
        have_tree()
    except CannotRun as reason:
        sys.stderr.write(f"no tests on Python 3.14: {reason}\n")
        return 1
    mounted = [part for mount in mounts() for part in (str(mount.source), mount.target)]
    enter = ["unshare", "--mount", "--propagation=private", "sh", "-c", ENTER, "sh", str(TREE), *mounted, "--"]
    return subprocess.run([*enter, *(arguments or COMMAND)], env=environment(), check=False).returncode


def have_tree() -> None:
    """Make the tree if it is not there. Raises CannotRun."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise CannotRun("it needs root, and unshare for mounts of its own")
    if not TREE.exists():
        make_tree(TREE, SUITE, PACKAGES)


def mounts() -> list[Mount]:
    """Return the checkout, and what pip and the network of this machine need, each at its own path."""
    needed = {Path(name) for name in FILES} | set(pip_paths())
    there = sorted(path for path in needed if path.exists())
    return [Mount(source=ROOT, target="/src"), *(Mount(source=path.resolve(), target=str(path)) for path in there)]


def pip_paths() -> Iterator[Path]:
    """Yield the files of pip's settings, and every path that they or the environment name."""
    values = [value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT_"))]
    for file in (path.expanduser() for path in PIP_SETTINGS):
        settings = configparser.RawConfigParser(strict=False)
        if settings.read(file):
            yield file
            values += [value for section in settings.values() for value in section.values()]
    for value in values:
        for found in A_PATH.findall(value):
            path = Path(found)
            yield path.parent if path.name == "simple" else path  # an index names its files beside it


def environment() -> dict[str, str]:
    """Return the variables that a command in the tree gets."""
    kept = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    return {**kept, "HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
