"""A Flask service, for gunicorn with some workers: each of them knows its own memory, and says which it is."""

from flask import Flask

from profiling import Profiler
from profiling.wsgi import mount

profiler = Profiler()
app = Flask(__name__)
seen = []


@app.get("/items/<id>")
def item(id: str) -> dict[str, int]:  # noqa: A002 - the name in the path
    """Answer, and keep what was asked for."""
    seen.append(id * 10_000)  # and never let go of it
    return {"items": len(seen)}


app.wsgi_app = mount(app.wsgi_app, profiler, open_to_all=True)
