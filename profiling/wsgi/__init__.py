"""The profiler under WSGI: Flask, Django and any other framework.

    from profiling.wsgi import mount

    app.wsgi_app = mount(app.wsgi_app, profiler, token="...")

It imports no framework, and may import `profiling.web`.
"""

from __future__ import annotations

from profiling.wsgi.app import DebugApp
from profiling.wsgi.middleware import ProfilerMiddleware
from profiling.wsgi.mounting import mount

__all__ = ["DebugApp", "ProfilerMiddleware", "mount"]
