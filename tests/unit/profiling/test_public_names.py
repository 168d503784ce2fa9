"""What users may import is listed, is there, and is all that the packages show."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import profiling
import profiling.asgi
import profiling.serve
import profiling.web
import profiling.wsgi
from profiling import errors

PACKAGES = (profiling, profiling.web, profiling.asgi, profiling.wsgi, profiling.serve)
ADDED_BY_PYTHON = {"annotations"}  # from __future__


def shown(package: ModuleType) -> set[str]:
    """Names without an underscore that are no modules."""
    return {
        name for name, value in vars(package).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    } - ADDED_BY_PYTHON


def test_profiling_shows_what_it_lists_and_nothing_else() -> None:
    assert shown(profiling) == set(profiling.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.__name__))
def test_names_are_listed_once_in_order_and_are_there(package: ModuleType) -> None:
    constants_first = sorted(set(package.__all__), key=lambda name: (not name.isupper(), name))
    assert list(package.__all__) == constants_first
    for name in package.__all__:
        assert getattr(package, name).__doc__, name


def test_every_error_is_a_profiling_error_and_its_own_words_are_in_the_tree() -> None:
    own = [value for value in vars(errors).values() if getattr(value, "__module__", "") == errors.__name__]
    for error in own:
        assert issubclass(error, errors.ProfilingError)
        assert f" {error.__name__}\n" in f"{errors.__doc__}\n"
        assert error.__doc__


def test_missing_extra_is_an_import_error_that_names_the_command() -> None:
    error = errors.MissingExtra("profiling.web", "aiohttp", "web")
    assert isinstance(error, ImportError)
    assert str(error) == (
        "profiling.web needs the package aiohttp, which is not installed; install it with: pip install 'volaris[web]'"
    )


def test_profiling_needs_no_web_framework() -> None:
    code = "import sys, profiling; print(sorted({'aiohttp', 'orjson', 'volaris'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert answer.stdout.strip() == "[]"
