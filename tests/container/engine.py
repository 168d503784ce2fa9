"""podman and buildah, with a store of our own, so that no image of this machine is touched or covered by a name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".tox" / "container"  # ignored by git and by the build; kept from run to run

NEEDED = ("podman", "buildah", "runc", "conmon")
INSTALL_TIMEOUT_S = 600
BUILD_TIMEOUT_S = 900
COMMAND_TIMEOUT_S = 120

# What DESIGN 5 found to work as root without systemd, in a virtual machine with cgroups v1 too.
RUNTIME = ("--runtime", "runc", "--cgroup-manager=cgroupfs", "--events-backend=file")
ULIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


class CannotRun(Exception):
    """Raised where this machine has no containers to test in; the message says why."""


class CommandFailed(Exception):
    """Raised where a program ended with another status than 0; the message has the end of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder of the machine that a container sees, read-only unless it is a socket."""

    source: Path
    target: str
    is_writable: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.target}:{'rw' if self.is_writable else 'ro'}"


class Engine:
    """Builds images and runs containers."""

    def __init__(self) -> None:
        # Short, since podman takes no longer runroot than 50 characters; and always the same for this store.
        name = hashlib.sha256(str(WORK).encode()).hexdigest()[:12]
        self._store = ("--root", str(WORK / "storage"), "--runroot", f"/tmp/volaris-podman-{name}")

    def podman(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """The output of a podman command. Raises CommandFailed."""
        return command("podman", *self._store, *RUNTIME, *arguments, timeout_s=timeout_s)

    def has_image(self, image: str) -> bool:
        """Whether the store has it."""
        try:
            self.podman("image", "exists", image)
        except CommandFailed:
            return False
        return True

    def build(self, image: str, mounts: Sequence[Mount] = ()) -> None:
        """Build the project's Dockerfile. The mounts are there while it builds and in no layer."""
        volumes = [f"--volume={mount}" for mount in mounts]
        command(
            "buildah", *self._store, "--isolation=chroot", "bud", "--pull=never",
            "--format=docker",  # the other one has no HEALTHCHECK
            *volumes, "--tag", image, "--file", str(ROOT / "Dockerfile"), str(ROOT), timeout_s=BUILD_TIMEOUT_S,
        )  # fmt: skip

    def start(self, name: str, image: str, *, limit_mb: int, options: Sequence[str], run: Sequence[str] = ()) -> None:
        """Run a container in the background, started again when it fails, on the machine's network."""
        limits = (f"--memory={limit_mb}m", f"--memory-swap={limit_mb}m")
        self.podman(
            "run", "--detach", "--name", name, "--network=host", "--log-driver=k8s-file", "--no-healthcheck",
            *ULIMITS, *limits, *options, image, *run,
        )  # fmt: skip

    def inspect(self, name: str) -> dict[str, Any]:
        """What podman knows of a container."""
        described: dict[str, Any] = json.loads(self.podman("container", "inspect", name))[0]
        return described

    def last_exit_status(self, name: str) -> int | None:
        """The status that the container's last process to die ended with; None where none did."""
        events = self.podman(
            "events", "--stream=false", "--filter", f"container={name}", "--filter", "event=died", "--format", "json"
        )  # fmt: skip
        statuses = [json.loads(line).get("ContainerExitCode", 0) for line in events.splitlines()]
        return statuses[-1] if statuses else None

    def health_check(self, image: str) -> list[str]:
        """The command of an image's HEALTHCHECK. podman itself leaves it to timers of systemd, so it is run by hand."""
        kind, *arguments = json.loads(self.podman("image", "inspect", image))[0]["Healthcheck"]["Test"]
        return arguments if kind == "CMD" else ["sh", "-c", *arguments]

    def logs(self, name: str, lines: int) -> str:
        """The last lines of what a container wrote, to both of its outputs."""
        file = Path(self.inspect(name)["HostConfig"]["LogConfig"]["Path"])
        return "\n".join(file.read_text().splitlines()[-lines:])

    def stop(self, name: str) -> None:
        """Stop a container as a platform does, and wait until it has ended."""
        self.podman("stop", "--time", "30", name)

    def remove(self, name: str) -> None:
        """Remove a container whatever its state; nothing where there is none."""
        self.podman("rm", "--force", "--ignore", name)

    def prune(self) -> None:
        """Remove the images that an earlier build has left without a name."""
        self.podman("image", "prune", "--force")


def install() -> None:
    """Have the programs, from Debian where they are missing. Raises CannotRun."""
    if os.geteuid() != 0:
        raise CannotRun("it needs root, for a hard limit without systemd")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotRun(f"there is no {' and no '.join(missing)}, and no apt-get to install them with")
    apt_install(*missing)


def apt_install(*packages: str) -> None:
    """Install Debian packages. Raises CannotRun."""
    try:
        command("apt-get", "update", timeout_s=INSTALL_TIMEOUT_S)
        command(
            "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends",
            *packages, timeout_s=INSTALL_TIMEOUT_S,
        )  # fmt: skip
    except CommandFailed as error:
        raise CannotRun(f"{', '.join(packages)} cannot be installed: {error}") from error


def command(*arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
    """What a program prints. Raises CommandFailed, also where it takes too long."""
    try:
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{arguments[0]} took more than {timeout_s:g} s") from error
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip()[-2000:]
        raise CommandFailed(f"{arguments[0]} ended with status {ended.returncode}: {said}")
    return ended.stdout.strip()
