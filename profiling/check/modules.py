"""Import the user's files and modules under the names by which they import each other."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
from pathlib import Path
from types import ModuleType

from profiling.check.failures import failures_told
from profiling.errors import CannotCheck
from profiling.source import add_user_packages, top_package


def import_file(path: Path) -> ModuleType:
    """Import a file, under its package's name if it is in a package, and return the module.

    The folder of the file, or of its package, stays on the import path, because functions import too. If another module
    has the name already, it keeps the name, so that pickled objects can still be found. Raises CannotCheck.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for an impossible path
        raise CannotCheck(f"the file {path} does not exist")
    root, name = _root_and_name(path)
    top = name.partition(".")[0]
    _make_findable(root, is_first=top not in sys.stdlib_module_names)
    with failures_told(f"{path} cannot be imported"):
        module = _imported(name, path)
        if module is None and "." in name and name != path.stem:
            raise CannotCheck(f"{path} is in a package {top!r}, but another module has that name already")
        module = module or _import_apart(path)
    _claim(module)
    return module


def import_named(name: str) -> ModuleType:
    """Import `package.module` and return the module. Raises CannotCheck."""
    with failures_told(f"{name} cannot be imported"):
        module = importlib.import_module(name)
    _claim(module)
    return module


def _root_and_name(path: Path) -> tuple[Path, str]:
    """Return the folder to import from, and the module name that the file has there."""
    root = path.parent
    while (root / "__init__.py").exists() and root != root.parent:
        root = root.parent
    if root == path.parent:
        return root, path.stem
    parts = path.relative_to(root).with_suffix("").parts
    return root, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _make_findable(root: Path, *, is_first: bool) -> None:
    """Put the folder on the import path; last if one of its files would hide a module of the standard library."""
    if str(root) in sys.path:
        return
    sys.path.insert(0 if is_first else len(sys.path), str(root))


def _imported(name: str, path: Path) -> ModuleType | None:
    """Return the module of that name, or None if the name belongs to another file."""
    if name == path.stem and "." in name:
        return None  # a file a.b.py is not the module b of a package a
    module = sys.modules.get(name)
    if module is None:
        importlib.invalidate_caches()
        spec = importlib.util.find_spec(name)
        if spec is None or not _is_same(spec.origin, path):
            return None
        module = importlib.import_module(name)
    return module if _is_same(_file(module), path) else None


def _file(module: ModuleType) -> str | None:
    return getattr(module, "__file__", None)


def _is_same(file: str | None, path: Path) -> bool:
    return file is not None and os.path.exists(file) and path.samefile(file)  # noqa: PTH110 - see above


def _import_apart(path: Path) -> ModuleType:
    """Import a file whose module name is taken under another name, and return the module."""
    stem = path.stem.replace(".", "_")
    names = (f"{stem}_{number}" for number in itertools.count(2))
    name = next(name for name in names if name not in sys.modules or _is_same(_file(sys.modules[name]), path))
    return sys.modules.get(name) or _executed(name, path)


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotCheck(f"{path} is not a Python source file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _claim(module: ModuleType) -> None:
    """Treat the package of an installed module as the user's own code, because the user asks about its lines."""
    file = _file(module)
    if file is not None and (package := top_package(file)) is not None:
        add_user_packages(package)
