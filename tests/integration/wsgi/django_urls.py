"""The URLs of a Django application in a test."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import include, path


def answer(_request: Any, **_: Any) -> HttpResponse:
    return HttpResponse("fine")


def stream(_request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"{number}\n" for number in range(3))


urlpatterns = [
    path("items/<int:id>/", answer),
    path("api/", include([path("things/<slug:name>", answer)])),
    path("stream", stream),
]


def set_up() -> None:
    """Make this module the URLs of the process's only Django project."""
    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none")
        django.setup(set_prefix=False)
