"""HTTP routes for web/: thin, over the functions of `jobs_panel`, `accounts_panel`, `settings_panel` and `offered`.

Anybody who reaches ComfyUI reaches these, so: no answer holds a key, and no caller names a path. A page of another site
can't make its visitor's browser change anything here. A change is a POST of JSON, from a browser (it names an Origin)
with the header GUARD: that is sent to another site only after the site has allowed it (the preflight of CORS), and none
does, as ComfyUI's own `--enable-cors-header` allows Content-Type and Authorization alone. Where the browser says that
the page is another site's (Sec-Fetch-Site), the request is turned away besides. Host and Origin aren't compared: a
proxy may change Host.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from aiohttp import web

from ..remote_video.engine.threads import DaemonThreads
from ..remote_video.errors import AccountError, RemoteVideoError, RequestRefused, SettingsError
from ..remote_video.settings import Settings

MAX_BODY_BYTES = 16 * 1024
PICTURE_WITHIN_S = 20.0
GUARD = "X-Remote-Video"
SettingsSource = Callable[[], Settings]
Answer = Callable[[Settings, dict[str, Any]], Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def _later(module: str, name: str) -> Answer:
    """A function of a module beside this one, imported when it is first asked for: ComfyUI's start need not wait."""

    def answer(settings: Settings, body: dict[str, Any]) -> Any:
        found: Answer = getattr(import_module(f".{module}", __package__), name)
        return found(settings, body)

    return answer


READS: dict[str, Answer] = {
    "/remote_video/accounts": _later("accounts_panel", "accounts_view"),
    "/remote_video/jobs": _later("jobs_panel", "jobs_view"),
    "/remote_video/jobs/workflow": _later("takes", "workflow_view"),
    "/remote_video/jobs/of_file": _later("takes", "file_view"),
    "/remote_video/money": _later("accounts_panel", "money_view"),
    "/remote_video/nodes": _later("node_status", "nodes_view"),
    "/remote_video/settings": _later("settings_panel", "settings_view"),
    "/remote_video/models": _later("offered", "offered_view"),
    "/remote_video/models/instead": _later("offered", "instead_view"),
    "/remote_video/models/aliases": _later("offered", "aliases_view"),
}
PICTURES: dict[str, Answer] = {
    "/remote_video/thumbnail": _later("thumbnails", "thumbnail_of"),
}
"""Answered with a JPEG, or with 404."""
CHANGES: dict[str, Answer] = {
    "/remote_video/accounts/save": _later("accounts_panel", "save_account"),
    "/remote_video/accounts/check": _later("accounts_panel", "check_account"),
    "/remote_video/accounts/forget": _later("accounts_panel", "forget_account"),
    "/remote_video/sandbox": _later("settings_panel", "switch_sandbox"),
    "/remote_video/settings/save": _later("settings_panel", "save_settings"),
    "/remote_video/budget/save": _later("accounts_panel", "save_budget"),
    "/remote_video/models/renew": _later("offered", "renew"),
    "/remote_video/jobs/forget": _later("jobs_panel", "forget_job"),
    "/remote_video/jobs/cancel": _later("jobs_panel", "cancel_job"),
    "/remote_video/jobs/fetch": _later("jobs_panel", "fetch_job"),
    "/remote_video/run_price": _later("run_price", "run_price"),
    "/remote_video/takes": _later("takes", "takes_view"),
    "/remote_video/takes/star": _later("takes", "star"),
}
LARGE_BODIES = {"/remote_video/run_price": 1024 * 1024, "/remote_video/takes": 1024 * 1024}
"""What tells of a whole graph, bytes at the most."""


def add_routes(routes: web.RouteTableDef, settings: SettingsSource) -> None:
    """Add the routes to a table.

    Args:
        routes: ComfyUI serves its own table also under /api.
        settings: read anew at each request.
    """
    for path, answer in READS.items():
        routes.get(path)(_handler(answer, settings))
    for path, answer in PICTURES.items():
        routes.get(path)(_picture_handler(answer, settings))
    for path, answer in CHANGES.items():
        routes.post(path)(_handler(answer, settings, LARGE_BODIES.get(path, MAX_BODY_BYTES)))


class Turned(Exception):
    """A request that is answered without looking further: (HTTP status, sentence)."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _handler(answer: Answer, settings: SettingsSource, body_bytes: int | None = None) -> Handler:
    """The handler of a GET, or of a POST whose body has at most that many bytes."""

    async def handle(request: web.Request) -> web.Response:
        try:
            _check_site(request, changes=body_bytes is not None)
            body = dict(request.query) if body_bytes is None else await _json_body(request, body_bytes)
            work = asyncio.get_running_loop().run_in_executor(None, lambda: answer(settings(), body))
            return _json(await work)
        except Turned as no:
            return _json({"error": str(no)}, no.status)
        except RemoteVideoError as error:
            status = 400 if isinstance(error, (RequestRefused, SettingsError, AccountError)) else 500
            return _json({"error": f"{error.what} {error.next_step}"}, status)

    return handle


def _picture_handler(answer: Answer, settings: SettingsSource) -> Handler:
    """On a thread of their own: pictures take time to be made, and a decoder may never come back."""
    pool = DaemonThreads("thumbnail", 1)

    async def handle(request: web.Request) -> web.Response:
        try:
            _check_site(request, changes=False)
            query = dict(request.query)
            work = pool.start(lambda: answer(settings(), query))
            try:
                return _picture(await asyncio.wait_for(asyncio.wrap_future(work), PICTURE_WITHIN_S))
            except (asyncio.TimeoutError, asyncio.CancelledError):
                pool.leave(work)
                raise
        except (Turned, RemoteVideoError, asyncio.TimeoutError) as error:
            return _json({"error": "There is no such picture."}, error.status if isinstance(error, Turned) else 404)

    return handle


def _check_site(request: web.Request, *, changes: bool) -> None:
    """Turn away what another site's page sends: browsers name its origin, and let it set no header of ours. Programs,
    which nobody's page drives, send neither.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise Turned(403, "This request came from a page of another site, so it was refused.")
    is_browser = not request.headers.keys().isdisjoint(("Origin", "Sec-Fetch-Site"))
    if changes and is_browser and GUARD not in request.headers:
        raise Turned(403, f"This request has no header {GUARD}, so it was refused: only the pack's own page sends it.")


async def _json_body(request: web.Request, most: int) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Turned(415, "Send application/json.")
    raw = bytearray()
    async for piece in request.content.iter_chunked(4096):
        raw += piece
        if len(raw) > most:
            raise Turned(413, f"Send at most {most} bytes.")
    body = _parsed(bytes(raw))
    if not isinstance(body, dict):
        raise Turned(400, "Send one JSON object.")
    return body


def _parsed(raw: bytes) -> Any:
    """The JSON value, or None. The decoder's errors quote the text, which may hold a key: none gets out."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _json(answer: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(answer, status=status, headers={"Cache-Control": "no-store"})


def _picture(jpeg: bytes | None) -> web.Response:
    if jpeg is None:
        return _json({"error": "There is no such picture."}, 404)
    kept = {"Cache-Control": "private, max-age=86400"}
    return web.Response(body=jpeg, content_type="image/jpeg", headers=kept)
