"""The files that a browser runs: one style sheet, and one script that is made of several small modules.

The modules in `client` are plain ES modules. They are joined into one script here, in the order in which they need each
other, because one file loads faster over a slow link than ten, and because a report is a single file.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "client"

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z_]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|let|class)) (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file for the browser."""

    text: str
    content_type: str

    @property
    def tag(self) -> str:
        """Return a short name of the content, which differs if the content does."""
        return sha256(self.text.encode()).hexdigest()[:12]

    @property
    def csp_hash(self) -> str:
        """Return the source by which a Content-Security-Policy allows this text inline."""
        return f"'sha256-{b64encode(sha256(self.text.encode()).digest()).decode()}'"


@lru_cache
def style_sheet() -> ClientFile:
    """Return the style sheet of all pages."""
    return ClientFile((FOLDER / "page.css").read_text(encoding="utf-8"), "text/css; charset=utf-8")


@lru_cache
def script(entry: str) -> ClientFile:
    """Return a module and all modules that it imports as one script. `entry` is the module's name, such as "page"."""
    parts: dict[str, str] = {}
    _collect(entry, parts)
    return ClientFile("'use strict';\n" + "".join(parts.values()), "text/javascript; charset=utf-8")


def _collect(name: str, parts: dict[str, str]) -> None:
    """Add a module as a constant with what it exports, after the modules that it imports."""
    source = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    for _, needed in _IMPORT.findall(source):
        if f"{needed}" not in parts:
            _collect(needed, parts)
    exported = ", ".join(name for _, name in _EXPORT.findall(source))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(_constants, source))
    parts[name] = f"const module_{name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _constants(match: re.Match[str]) -> str:
    names = match[1].replace(" as ", ": ")
    return f"const {names} = module_{match[2]};"
