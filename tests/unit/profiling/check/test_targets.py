"""What the words of a command line name: files, modules, methods and callable objects."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from profiling.check import Target, load
from profiling.errors import CannotCheck, TargetFailed

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files below a folder; modules and the import path are restored afterwards."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)

    def written(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / (name.replace("__in__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    yield written
    for name in set(sys.modules) - before:
        del sys.modules[name]


def only(text: str) -> Any:
    (target,) = load([text])
    return target.function


SHAPES = """\
import functools
import staticmethods_elsewhere as elsewhere

def plain(): return "plain"

class Shop:
    def __init__(self, name="shop"):
        self.name = name
    def method(self): return self.name
    @staticmethod
    def static(): return "static"
    @classmethod
    def of_class(cls): return cls.__name__
    class Inner:
        def method(self): return "inner"
    def __call__(self): return "called"

class Needs:
    def __init__(self, db, *, cache): pass
    def method(self): pass

shop = Shop("instance")
with_argument = functools.partial(str.upper, "given")
value = 3
def needs(order, *, price, tax=1): pass
def positional(order, /): pass
"""


@pytest.fixture
def shapes(write: Write) -> str:
    return str(write(shapes=SHAPES, staticmethods_elsewhere="") / "shapes.py")


@pytest.mark.parametrize(
    ("name", "returned"),
    [
        ("plain", "plain"),
        ("Shop.method", "shop"),
        ("Shop.static", "static"),
        ("Shop.of_class", "Shop"),
        ("Shop.Inner.method", "inner"),
        ("shop.method", "instance"),
        ("shop", "called"),
        ("with_argument", "GIVEN"),
    ],
)
def test_whatever_can_be_called_is_a_target(shapes: str, name: str, returned: str) -> None:
    assert only(f"{shapes}:{name}")() == returned


def test_method_has_one_instance_for_all_runs(shapes: str) -> None:
    method = only(f"{shapes}:Shop.method")
    method.__self__.name = "kept"
    assert method() == "kept"


@pytest.mark.parametrize(("name", "line"), [("plain", 4), ("Shop.method", 9), ("shop", 22), ("with_argument", 23)])
def test_target_knows_where_it_is_defined(shapes: str, name: str, line: int) -> None:
    (target,) = load([f"{shapes}:{name}"])
    assert target.site == (shapes, line)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing", r"shapes\.py has no function 'nothing'$"),
        ("Shop.nothing", r"has no function 'Shop\.nothing'$"),
        ("value", r"shapes\.py:value is not callable: value is of type int$"),
        (
            "needs",
            r"^needs has parameters without a default \(order, price\); bind them with functools\.partial, as in ",
        ),
        ("needs", r" checked = functools\.partial\(needs, order=\.\.\., price=\.\.\.\)  and check that instead$"),
        ("positional", r"functools\.partial\(positional, \.\.\.\)"),
        ("Needs.method", r"needs an instance of Needs, whose parameters have no default \(db, cache\); check a"),
        ("Needs", r"Needs has parameters without a default \(db, cache\)"),
    ],
)
def test_what_cannot_be_called_is_refused_with_what_to_do(shapes: str, name: str, told: str) -> None:
    with pytest.raises(CannotCheck, match=told):
        load([f"{shapes}:{name}"])


@pytest.mark.parametrize("text", ["job", "a b:f", "x.py:not a name", "x.py:", ":f", "README.md:f", "a..b:f"])
def test_words_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(CannotCheck, match=r"is not of the form FILE\.py:FUNCTION or package\.module:FUNCTION"):
        load([text])


def test_function_that_is_given_twice_is_refused(shapes: str) -> None:
    with pytest.raises(CannotCheck, match="is given twice"):
        load([f"{shapes}:plain", f"{shapes}:plain"])


def test_functions_of_one_file_share_its_state(shapes: str) -> None:
    one, other = load([f"{shapes}:plain", f"{shapes}:Shop.static"])
    assert one.function.__globals__ is other.function.__globals__


PACKAGE = {
    "shop__in____init__": "",
    "shop__in__prices__in____init__": "def job(): return 'of the package'",
    "shop__in__prices__in__feed": "from .. import rates\nfrom .quotes import QUOTE\n"
    "def job():\n    from . import late\n    return rates.RATE, QUOTE, late.LATE",
    "shop__in__prices__in__quotes": "QUOTE = 2",
    "shop__in__prices__in__late": "LATE = 3",
    "shop__in__rates": "RATE = 1",
}


@pytest.mark.parametrize("by", ["file", "name"])
def test_file_in_a_package_is_imported_under_its_name_there(
    write: Write, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    folder = write(**PACKAGE)
    if by == "name":
        monkeypatch.syspath_prepend(folder)
    function = only(f"{folder}/shop/prices/feed.py:job" if by == "file" else "shop.prices.feed:job")
    assert (function.__module__, function()) == ("shop.prices.feed", (1, 2, 3))


def test_file_of_a_package_itself_is_the_package(write: Write) -> None:
    assert only(f"{write(**PACKAGE)}/shop/prices/__init__.py:job")() == "of the package"


def test_function_may_import_what_is_beside_its_file(write: Write) -> None:
    folder = write(late_job="def job():\n    import beside_it\n    return beside_it.VALUE", beside_it="VALUE = 5")
    assert only(f"{folder}/late_job.py:job")() == 5


SAME = "import pickle\nclass Kept: pass\ndef job(): return pickle.dumps(Kept())\n"


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_two_files_of_one_name_are_two_modules_and_pickle_in_any_order(write: Write, order: tuple[str, str]) -> None:
    folder = write(one__in__same_name=SAME, two__in__same_name=SAME)
    targets = load([f"{folder}/{name}/same_name.py:job" for name in order])
    kinds = [type(pickle.loads(pickled_by(target))) for target in targets]
    assert kinds[0] is not kinds[1]


def pickled_by(target: Target) -> bytes:
    pickled = target.function()
    assert isinstance(pickled, bytes)
    return pickled


def test_file_named_like_a_module_of_the_standard_library_leaves_that_alone(write: Write) -> None:
    import asyncio

    folder = write(asyncio="import queue\ndef job(): return queue.Queue", queue="def job(): return 'mine'")
    import queue

    targets = load([f"{folder}/asyncio.py:job", f"{folder}/queue.py:job"])
    assert [target.function() for target in targets] == [queue.Queue, "mine"]
    assert sys.modules["asyncio"] is asyncio


def test_package_whose_name_is_taken_is_refused(write: Write) -> None:
    folder = write(json__in____init__="", json__in__feed="from . import rates", json__in__rates="")
    with pytest.raises(CannotCheck, match="is in a package 'json', but another module has that name already"):
        load([f"{folder}/json/feed.py:job"])


@pytest.mark.parametrize("name", ["my-job", "a.b", "1st"])
def test_file_whose_name_is_no_name_of_a_module_can_be_checked(write: Write, name: str) -> None:
    folder = write(**{name: "def job(): return 1"})
    assert only(f"{folder}/{name}.py:job")() == 1


def test_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(TargetFailed, match=r"^not_there\.at_all cannot be imported: ModuleNotFoundError: "):
        load(["not_there.at_all:job"])


def test_installed_package_that_is_asked_about_is_the_users_own(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from profiling.source import _claimed, is_user_code

    monkeypatch.setattr("profiling.source._claimed", set(_claimed))
    folder = write(**{"site-packages__in__orders_lib__in____init__": "def job(): return 1"}) / "site-packages"
    monkeypatch.syspath_prepend(folder)
    load(["orders_lib:job"])
    assert is_user_code(f"{folder}/orders_lib/__init__.py")
    is_user_code.cache_clear()
