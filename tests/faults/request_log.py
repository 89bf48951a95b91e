"""Every request that the sandbox got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from .fault import (
    ALIASES,
    BALANCE,
    CANCEL,
    CONTENT,
    CREATE,
    MEDIA,
    MODEL,
    MODELS,
    RESULT,
    RETRIEVE,
    STATUS,
    SUBMIT,
)  # fmt: skip

NAMES = {
    "POST /runcomfy/v1/models/{model_id}": SUBMIT,
    "GET /runcomfy/v1/requests/{request_id}/status": STATUS,
    "GET /runcomfy/v1/requests/{request_id}/result": RESULT,
    "POST /runcomfy/v1/requests/{request_id}/cancel": CANCEL,
    "GET /runcomfy/v1/models/{model_id}": MODEL,
    "GET /runcomfy/v1/models": MODELS,
    "GET /runcomfy/prod/v2/balance": BALANCE,
    "POST /cometapi/v1/videos": CREATE,
    "GET /cometapi/v1/videos/{task_id}": RETRIEVE,
    "GET /cometapi/v1/videos/{task_id}/content": CONTENT,
    "GET /cometapi/v1/models": ALIASES,
    "GET /media/{request_id}/{name}": MEDIA,
}
"""What routes are called here."""


@dataclass
class LoggedRequest:
    """One request, logged when its head arrived.

    Header names are in lower case; `at` is seconds since 1970; `route` is a fault menu's name, "" for an unknown path.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    at: float
    route: str = ""
    fault: str = ""


def route_of(request: web.Request) -> str:
    """What the route of a request is called; "" for an unknown path."""
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return NAMES.get(f"{method} {resource.canonical}", "") if resource else ""
