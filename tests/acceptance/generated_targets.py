"""Targets of every shape that do everything a function can do, and what `check` has to say of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BODIES = {
    "returns": "pass",
    "leaks": "kept.append(bytearray(100_000))",
    "prints": "print('said'); os.write(1, b'said\\n'); sys.__stdout__.write('said')",
    "raises": "raise ValueError('no price')",
    "raises_no_exception": "raise Base('no price')",
    "raises_without_words": "raise Unspeakable",
    "cancels": "raise asyncio.CancelledError",
    "exits": "sys.exit()",
    "exits_as_if_all_were_well": "raise SystemExit(0)",
    "exits_with_words": "sys.exit('bye')",
    "recurses": "body()",
    "hangs": "threading.Event().wait()",
}
STATUS = {"returns": 0, "prints": 0, "leaks": 1}  # of all else 2

MODULE = """\
import asyncio, functools, os, sys, threading

kept = []

class Base(BaseException): pass

class Unspeakable(Exception):
    def __str__(self): raise RuntimeError

def body():
    {body}

def plain(): body()
async def coroutine(): body()
async def awaiting(): await coroutine()
def generator():
    yield 1
    body()
async def async_generator():
    yield 1
    body()
def own_loop(): asyncio.run(coroutine())
def returns_a_coroutine(): return coroutine()

class Shop:
    def method(self): body()
    async def async_method(self): body()
    @staticmethod
    def static(): body()
    @classmethod
    def of_class(cls): body()
    def __call__(self): body()
    class Inner:
        def method(self): body()

class Made:
    def __init__(self): body()

def logged(function):
    @functools.wraps(function)
    def call(): return function()
    return call

@logged
def decorated(): body()

def with_argument(number): body()
async def async_with_argument(number): body()
partial = functools.partial(with_argument, 1)
async_partial = functools.partial(async_with_argument, 1)
shop = Shop()
"""
SHAPES = [
    "plain",
    "coroutine",
    "awaiting",
    "generator",
    "async_generator",
    "own_loop",
    "returns_a_coroutine",
    "Shop.method",
    "Shop.async_method",
    "Shop.static",
    "Shop.of_class",
    "Shop.Inner.method",
    "Made",
    "decorated",
    "partial",
    "async_partial",
    "shop",
    "shop.async_method",
]

WHOLE_FILES = {  # what goes wrong before there is a function
    "raises_at_import": "raise ValueError('no price')",
    "exits_at_import": "import sys; sys.exit('bye')",
    "exits_well_at_import": "raise SystemExit(0)",
    "hangs_at_import": "import threading; threading.Event().wait()",
    "imports_what_is_not_there": "import nothing_of_this_name",
    "is_no_python": "def plain(:",
    "has_no_function": "",
    "has_a_value": "plain = 3",
    "wants_arguments": "def plain(order): pass",
    "wants_an_instance": "class plain:\n    def __init__(self, db): pass",
    "has_null_bytes": "\0",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One call of the command."""

    name: str
    target: str
    status: int
    hangs: bool = False

    @property
    def arguments(self) -> list[str]:
        """Return what stands after `check`."""
        return [self.target, "--json", "--runs", "12", *(["--timeout", "1.5"] if self.hangs else [])]


def write(folder: Path) -> None:
    """Write the files of all cases."""
    for behaviour, body in BODIES.items():
        text = MODULE.format(body=body)
        (folder / f"{behaviour}.py").write_text(text)
        inner = folder / f"pack_{behaviour}" / "inner"
        inner.mkdir(parents=True)
        for package in (inner, inner.parent):
            (package / "__init__.py").touch()
        (inner.parent / "bodies.py").write_text(text)
        (inner / "jobs.py").write_text("def plain():\n    from ..bodies import body\n    body()\n")
    for name, text in WHOLE_FILES.items():
        (folder / f"{name}.py").write_text(text)


def cases() -> Iterator[Case]:
    """Yield all cases, by paths relative to the folder."""
    for behaviour in BODIES:
        status, hangs = STATUS.get(behaviour, 2), behaviour == "hangs"
        for shape in SHAPES:
            yield Case(f"{shape}-{behaviour}", f"{behaviour}.py:{shape}", status, hangs)
        yield Case(f"file_in_package-{behaviour}", f"pack_{behaviour}/inner/jobs.py:plain", status, hangs)
        yield Case(f"module-{behaviour}", f"pack_{behaviour}.inner.jobs:plain", status, hangs)
    for name in WHOLE_FILES:
        yield Case(name, f"{name}.py:plain", 2, hangs=name == "hangs_at_import")
