"""Label requests of web frameworks whose programs have never heard of the profiler.

A framework is patched when the program imports the framework's module. Nothing is imported for a program that does
not use it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from profiling.launch.roots import Roots
from profiling.profiler import Profiler

_logger = logging.getLogger(__name__)

Patch = Callable[[Profiler, Any], None]
"""Patch a module, whose attributes no type checker knows."""


def label_frameworks(profiler: Profiler, roots: Roots) -> None:
    """Label the requests of each known framework, and the tasks of uvloop's loops, once the program imports them."""
    patches: dict[str, Callable[[ModuleType], None]] = {
        name: partial(patch, profiler) for name, patch in PATCHES.items()
    }
    patches["uvloop"] = lambda module: roots.label_tasks_of(module.Loop)
    for name in patches.keys() & sys.modules.keys():
        patches.pop(name)(sys.modules[name])
    sys.meta_path.insert(0, ImportWatcher(patches))


class ImportWatcher(importlib.abc.MetaPathFinder):
    """A finder that finds nothing by itself, and calls a function with each of some modules once it is imported."""

    def __init__(self, patches: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._patches = dict(patches)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of one of the modules, as the other finders have found it, with the patch after its end."""
        patch = self._patches.pop(name, None)  # so that the search below does not come here again
        if patch is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, patch)
        return spec


class _PatchingLoader(importlib.abc.Loader):
    """The loader of a module, and a patch that follows."""

    def __init__(self, loader: Any, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, give it its own loader, and patch it."""
        self._loader.exec_module(module)
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        try:
            self._patch(module)
        except Exception as error:  # the program must run all the same
            _logger.warning("the requests of %s are not labelled: %s", module.__name__, error)


def _patch_aiohttp(profiler: Profiler, module: Any) -> None:
    init = module.Application.__init__

    def init_with_scopes(app: Any, *args: Any, **kwargs: Any) -> None:
        # Not earlier: this imports `aiohttp.web`, which is still importing the module that is patched.
        from profiling.web.requests import label_requests

        init(app, *args, **kwargs)
        label_requests(app, profiler)

    module.Application.__init__ = init_with_scopes


def _patch_starlette(profiler: Profiler, module: Any) -> None:
    _patch_asgi(profiler, module.Starlette)


def _patch_quart(profiler: Profiler, module: Any) -> None:
    _patch_asgi(profiler, module.Quart)


def _patch_django_asgi(profiler: Profiler, module: Any) -> None:
    _patch_asgi(profiler, module.ASGIHandler)


def _patch_asgi(profiler: Profiler, kind: Any) -> None:
    """Make each request to an application of this type a call of a scope, as the ASGI middleware does."""
    from profiling.asgi.routing import Routing

    call = kind.__call__

    async def call_in_scope(app: Any, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await call(app, scope, receive, send)
            return
        routing = vars(app).get("_profiling_routing")
        if routing is None:
            routing = vars(app)["_profiling_routing"] = Routing(app)
        with profiler.scope(routing.label(scope)):
            await call(app, scope, receive, send)

    kind.__call__ = call_in_scope


def _patch_flask(profiler: Profiler, module: Any) -> None:
    _patch_wsgi(profiler, module.Flask)


def _patch_django_wsgi(profiler: Profiler, module: Any) -> None:
    _patch_wsgi(profiler, module.WSGIHandler)


def _patch_wsgi(profiler: Profiler, kind: Any) -> None:
    """Wrap each application of this type, as the WSGI middleware wraps one."""
    from profiling.wsgi import ProfilerMiddleware
    from profiling.wsgi.routing import labels_of

    call = kind.__call__

    def call_in_scope(app: Any, environ: Any, start_response: Any) -> Any:
        wrapped = vars(app).get("_profiling_wrapped")
        if wrapped is None:
            wrapped = ProfilerMiddleware(partial(call, app), profiler, label=labels_of(app))
            vars(app)["_profiling_wrapped"] = wrapped
        return wrapped(environ, start_response)

    kind.__call__ = call_in_scope


PATCHES: Mapping[str, Patch] = {
    "aiohttp.web_app": _patch_aiohttp,
    "starlette.applications": _patch_starlette,
    "flask.app": _patch_flask,
    "django.core.handlers.asgi": _patch_django_asgi,
    "django.core.handlers.wsgi": _patch_django_wsgi,
    "quart.app": _patch_quart,
}
"""How to label the requests of a framework, by the module that has its applications."""
