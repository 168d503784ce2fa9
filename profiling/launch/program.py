"""The profiled program: a script or a module, run as `python` would run it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from profiling.errors import CannotLaunch


@dataclass(frozen=True, slots=True)
class Program:
    """The program to run: a script, a folder or archive with a `__main__`, or a module by its name."""

    target: str
    is_module: bool
    arguments: Sequence[str] = ()

    def prepare(self) -> None:
        """Set `sys.argv` and the import path as `python` would. Raises CannotLaunch if there is no such program."""
        if self.is_module:
            self._prepare_module()
            return
        if not os.path.exists(self.target):  # noqa: PTH110 - does not raise for a path that cannot be
            raise CannotLaunch(f"there is no file {self.target}")
        sys.argv = [self.target, *self.arguments]
        script = Path(self.target)
        if script.is_file() and not _is_archive(script):
            sys.path[0] = str(script.resolve().parent)

    def run(self) -> None:
        """Run the program to its end. Its errors and its exit pass to the caller."""
        if self.is_module:
            runpy.run_module(self.target, run_name="__main__", alter_sys=True)
        elif os.path.isdir(self.target) or _is_archive(Path(self.target)):  # noqa: PTH112 - as above
            runpy.run_path(self.target, run_name="__main__")
        else:
            _run_script(self.target)

    def _prepare_module(self) -> None:
        sys.path[0] = str(Path.cwd())
        try:
            spec = importlib.util.find_spec(self.target)
        except (ImportError, ValueError) as error:
            raise CannotLaunch(f"the module {self.target} cannot be found: {error}") from error
        if spec is None:
            raise CannotLaunch(f"there is no module {self.target}")
        sys.argv = [spec.origin or self.target, *self.arguments]


def _is_archive(path: Path) -> bool:
    import zipfile

    return path.suffix != ".py" and zipfile.is_zipfile(path)


def _run_script(path: str) -> None:
    """Run a script as `__main__`, so that pickled objects and started processes find its names there."""
    code = compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    module = ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    vars(module).update(__file__=path, __loader__=loader, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = module
    exec(code, vars(module))  # noqa: S102 - this is the user's program
