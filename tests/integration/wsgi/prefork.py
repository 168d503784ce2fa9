"""A Flask application for gunicorn, whose profiler is made before the workers are forked."""

from __future__ import annotations

from flask import Flask

from profiling import Level, Profiler
from profiling.wsgi import mount

app = Flask(__name__)
profiler = Profiler(level=Level.SAMPLES, sample_bytes=1_024, window_s=0.05)
kept: list[bytes] = []


@app.get("/keep/<int:number>")
def keep(number: int) -> str:
    """Keep something; it is never given back."""
    kept.append(bytes(20_000 + number))
    return "kept"


app.wsgi_app = mount(app.wsgi_app, profiler, open_to_all=True)  # type: ignore[method-assign]
