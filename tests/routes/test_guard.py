"""Who may change anything by the routes: the pack's own page behind any proxy, and no page of another site."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from remote_video_pack.nodes.routes import CHANGES, GUARD, PICTURES, READS, add_routes
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.settings import Settings

SAVE = "/remote_video/accounts/save"
KEY = "rv-canary-5f0c2b9e77"
BODY = json.dumps({"provider": "runcomfy", "key": KEY, "insist": True})
JSON = {"Content-Type": "application/json"}
OURS = {**JSON, GUARD: "1"}


@web.middleware
async def cors(request: web.Request, handler) -> web.StreamResponse:
    """ComfyUI's own for `--enable-cors-header`, from 0.12.1 to 0.33.0."""
    response = web.Response() if request.method == "OPTIONS" else await handler(request)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "POST, GET, DELETE, PUT, OPTIONS, PATCH"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


@pytest.fixture
async def port(home: Path) -> AsyncIterator[int]:
    routes = web.RouteTableDef()
    add_routes(routes, lambda: Settings.from_environment(home))
    app = web.Application(middlewares=[cors])
    app.add_routes(routes)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port


async def sent(port: int, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    """Status and head of the answer to exactly these bytes."""
    lines = {"Host": f"127.0.0.1:{port}", "Connection": "close", **headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode("ascii"))
    answer = (await reader.read()).decode("utf-8")
    writer.close()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[0]


THROUGH = {
    "own page": {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8188"},
    "plain http in a network": {"Host": "192.168.1.5:8188", "Origin": "http://192.168.1.5:8188"},
    "proxy that forwards no Host": {"Host": "127.0.0.1:8188", "Origin": "http://comfy.example"},
    "proxy to a name of its own": {
        "Host": "backend:8188",
        "Origin": "https://comfy.example",
        "Sec-Fetch-Site": "same-origin",
    },
    "program": {},
}


@pytest.mark.parametrize("headers", THROUGH.values(), ids=THROUGH.keys())
async def test_the_packs_own_page_gets_through_behind_any_proxy(port, home, headers):
    status, _ = await sent(port, "POST", SAVE, {**OURS, **headers}, BODY)
    assert status == 200
    assert Accounts(home, {}).require("runcomfy").key == KEY


FOREIGN = {
    "simple request": {"Content-Type": "text/plain", "Origin": "http://evil.example"},
    "form": {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"},
    "beacon": {"Content-Type": "text/plain;charset=UTF-8", "Origin": "null"},
    "json without the header": {**JSON, "Origin": "http://evil.example"},
    "json of the same origin without the header": {**JSON, "Sec-Fetch-Site": "same-origin"},
    "browser says cross-site": {**OURS, "Sec-Fetch-Site": "cross-site"},
    "browser says same-site": {**OURS, "Sec-Fetch-Site": "same-site"},
    "browser says what nobody knows": {**OURS, "Sec-Fetch-Site": "elsewhere"},
}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
async def test_no_change_is_made_for_a_page_of_another_site(port, home, path, headers):
    status, _ = await sent(port, "POST", path, headers, BODY)
    assert status == 403
    assert not home.exists()


@pytest.mark.parametrize("path", READS)
async def test_another_sites_page_is_not_answered_where_the_browser_says_so(port, path):
    assert (await sent(port, "GET", path, {"Sec-Fetch-Site": "cross-site"}))[0] == 403


@pytest.mark.parametrize("path", [*READS, *PICTURES])
async def test_what_is_only_read_needs_no_header(port, path):
    """A picture's address stands in the page, and browsers ask for it by themselves."""
    assert (await sent(port, "GET", path, {"Sec-Fetch-Site": "same-origin"}))[0] not in (401, 403)


async def test_a_browser_is_never_told_that_another_site_may_send_the_header(port):
    """The preflight, with ComfyUI open to all origins: without leave for the header no browser sends the POST."""
    asks = {"Origin": "http://evil.example", "Access-Control-Request-Headers": f"content-type,{GUARD.lower()}"}
    _, head = await sent(port, "OPTIONS", SAVE, {**asks, "Access-Control-Request-Method": "POST"})
    allowed = [line for line in head.lower().splitlines() if line.startswith("access-control-allow-headers")]
    assert allowed and GUARD.lower() not in allowed[0]
