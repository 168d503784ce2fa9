"""Frameworks are patched when they are imported, and nothing else is touched."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from profiling.launch.frameworks import ImportWatcher


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "watched_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "inner.py").write_text("value = 1\n")
    (folder / "broken.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "watched_package"
    for name in [name for name in sys.modules if name.startswith("watched_package")]:
        del sys.modules[name]


def watch(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[ModuleType]:
    seen: list[ModuleType] = []
    watcher = ImportWatcher(dict.fromkeys(names, seen.append))
    monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])
    return seen


def test_module_is_patched_once_after_its_import(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, f"{package}.inner")
    importlib.import_module(package)
    assert seen == []
    module = importlib.import_module(f"{package}.inner")
    assert seen == [module]
    assert module.value == 1
    importlib.reload(module)
    assert seen == [module]


def test_module_has_its_own_loader_afterwards(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, f"{package}.inner")
    module = importlib.import_module(f"{package}.inner")
    assert module.__spec__ is not None
    assert type(module.__spec__.loader).__name__ == type(module.__loader__).__name__ == "SourceFileLoader"


def test_module_that_is_not_there_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, "no_such_module_at_all")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module_at_all")
    assert seen == []


def test_module_that_fails_is_not_patched(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, f"{package}.broken")
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module(f"{package}.broken")
    assert seen == []
