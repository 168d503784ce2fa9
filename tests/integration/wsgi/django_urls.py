"""The URLs of a Django application in a test."""

from __future__ import annotations

from typing import Any

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
