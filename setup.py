"""The build of the sampler: it fails if the sampler cannot be compiled, unless the builder leaves it out on purpose.

Everything else about the package is in pyproject.toml.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from setuptools import Distribution, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError, ExecError, LinkError, PlatformError

WITHOUT_SAMPLER = "VOLARIS_WITHOUT_SAMPLER"
ANSWERS = {"": False, "0": False, "1": True}

MISSING = f"""
The sampler (profiling/samples/_sampler.c) could not be built: %s

Either install a C compiler and Python's headers and try again
    Debian, Ubuntu: apt-get install gcc libc6-dev python3-dev
    Fedora:         dnf install gcc python3-devel
    Alpine:         apk add gcc musl-dev python3-dev
or leave the sampler out: everything works but the level `samples`
    {WITHOUT_SAMPLER}=1 pip install ...
"""


class BuildSampler(build_ext):
    """Build the extension, or tell what is missing."""

    def build_extensions(self) -> None:
        """Compile. Raises SystemExit with what to do, so that no wheel is made without the extension by accident."""
        try:
            super().build_extensions()
        except (CCompilerError, CompileError, ExecError, LinkError, PlatformError, OSError) as error:
            sys.exit(MISSING % error)


def is_without_sampler() -> bool:
    """Return whether the builder asks for a package without the extension. Raises SystemExit for an odd answer."""
    answer = os.environ.get(WITHOUT_SAMPLER, "")
    if answer not in ANSWERS:
        sys.exit(f"{WITHOUT_SAMPLER}={answer!r} cannot be used: it must be 1, to build without the sampler, 0 or empty")
    return ANSWERS[answer]


class WithoutSampler(Distribution):
    """The distribution without the extension, so that its wheel is one for every Python and platform."""

    def parse_config_files(self, *arguments: Any, **options: Any) -> None:
        """Read pyproject.toml, and forget the extension that it lists."""
        super().parse_config_files(*arguments, **options)
        self.ext_modules = []


setup(distclass=WithoutSampler if is_without_sampler() else Distribution, cmdclass={"build_ext": BuildSampler})
