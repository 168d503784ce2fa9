"""Find the functions that are named on the command line."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from profiling.check.failures import failures_told
from profiling.check.modules import import_file, import_named
from profiling.errors import CannotCheck
from profiling.records import UNKNOWN_SITE, SiteKey

FORMS = "FILE.py:FUNCTION or package.module:FUNCTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function that is run as a job."""

    name: str  # as the user wrote it
    function: Callable[[], object]
    site: SiteKey = UNKNOWN_SITE  # where the function is defined; its calls are attributed to this line


def load(targets: Sequence[str]) -> list[Target]:
    """Return the named functions. Each file is executed once.

    Raises CannotCheck if a name is given twice, or if the named object cannot be called without arguments.
    """
    for text in targets:
        if targets.count(text) > 1:
            raise CannotCheck(f"{text!r} is given twice; name each function once")
    return [_load(text) for text in targets]


def _load(text: str) -> Target:
    where, _, name = text.rpartition(":")
    is_file = where.endswith(".py")
    is_module = _is_dotted(where) and not os.path.isfile(where)  # noqa: PTH113 - Path.is_file may raise
    if not _is_dotted(name) or not (is_file or is_module):
        raise CannotCheck(f"{text!r} is not of the form {FORMS}")
    # The path as the user wrote it: symbolic links are kept.
    module = import_file(Path(os.path.normpath(Path(where).absolute()))) if is_file else import_named(where)
    with failures_told(f"{text} cannot be loaded"):
        function = _find(module, name, where)
    if not callable(function):
        raise CannotCheck(f"{text} is not callable: {name} is of type {type(function).__name__}")
    _refuse_parameters(function, name)
    return Target(name=text, function=function, site=_site(function, module, name))


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _find(module: ModuleType, name: str, where: str) -> object:
    """Return the object with the dotted name; for a method, that of an instance created without arguments."""
    found: object = module
    for part in name.split("."):
        static = inspect.getattr_static(found, part, None)
        if inspect.isclass(found) and not isinstance(static, (staticmethod, classmethod, type, type(None))):
            found = _instance(found, name)
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise CannotCheck(f"{where} has no function {name!r}") from error
    return found


def _instance(kind: type, name: str) -> object:
    if missing := _required_parameters(kind):
        raise CannotCheck(
            f"{name} needs an instance of {kind.__name__}, whose parameters have no default ({_names(missing)}); "
            "check a function that creates the instance and calls the method"
        )
    return kind()


def _refuse_parameters(function: Callable[..., object], name: str) -> None:
    if missing := _required_parameters(function):
        by_position = inspect.Parameter.POSITIONAL_ONLY
        values = ", ".join("..." if one.kind is by_position else f"{one.name}=..." for one in missing)
        raise CannotCheck(
            f"{name} has parameters without a default ({_names(missing)}); bind them with functools.partial, "
            f"as in  checked = functools.partial({name}, {values})  and check that instead"
        )


def _required_parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return the parameters without a default, or an empty list if the signature is unknown, as for some builtins."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    optional = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return [one for one in parameters if one.default is inspect.Parameter.empty and one.kind not in optional]


def _names(parameters: Iterable[inspect.Parameter]) -> str:
    return ", ".join(one.name for one in parameters)


def _site(function: Callable[..., object], module: ModuleType, name: str) -> SiteKey:
    """Return the first line of the function, or for another callable object the line where its name is assigned."""
    try:
        code = getattr(inspect.unwrap(function), "__code__", None)
    except ValueError:  # functions that wrap each other in a circle
        code = None
    if inspect.iscode(code):
        return code.co_filename, code.co_firstlineno
    file = getattr(module, "__file__", None)
    return (file, _line_of_name(Path(file), name.partition(".")[0])) if file else UNKNOWN_SITE


def _line_of_name(file: Path, name: str) -> int:
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return 1
    return next((node.lineno for node in reversed(body) if name in _names_bound_by(node)), 1)


def _names_bound_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
