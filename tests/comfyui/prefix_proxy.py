"""A reverse proxy that has ComfyUI below a path: it strips the path, leads websockets on, and forwards no Host."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from .comfy_server import free_port

OF_THE_HOP = {"host", "connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "content-encoding"}
SENT = {"Accept-Encoding": "identity", "Host": "10.0.0.7:8188"}
"""What a proxy calls ComfyUI. Called by a loopback name, ComfyUI answers no script of a page with another host; in a
network of its own, as of containers, it has another name."""


@dataclass
class PrefixProxy:
    """What is served, and what was asked.

    Attributes:
        address: of ComfyUI's page, without the last slash.
        passed: the paths below the prefix that were led on.
        missed: the paths beside the prefix that were asked for.
    """

    address: str
    passed: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


@contextmanager
def behind(target: str, prefix: str = "/studio/comfy") -> Iterator[PrefixProxy]:
    """Serve what is at `target` below `prefix`."""
    port, serving, ending = free_port(), threading.Event(), asyncio.Event()
    proxy = PrefixProxy(f"http://127.0.0.1:{port}{prefix}")
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with aiohttp.ClientSession(auto_decompress=False, trust_env=False) as http:

            async def answer(request: web.Request) -> web.StreamResponse:
                if not request.raw_path.startswith(f"{prefix}/"):
                    if request.raw_path != "/favicon.ico":  # a browser asks by itself
                        proxy.missed.append(request.raw_path)
                    raise web.HTTPNotFound
                path = request.raw_path.removeprefix(prefix)
                proxy.passed.append(path)
                if request.headers.get("Upgrade", "").lower() == "websocket":
                    return await _lead_socket(http, request, target + path)
                return await _lead(http, request, target + path)

            app = web.Application(client_max_size=2**30)
            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            serving.set()
            await ending.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert serving.wait(30)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(30)


def _kept(headers: aiohttp.typedefs.LooseHeaders) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in OF_THE_HOP]  # type: ignore[union-attr]


async def _lead(http: aiohttp.ClientSession, request: web.Request, to: str) -> web.StreamResponse:
    body = await request.read() if request.can_read_body else None
    headers = [(name, value) for name, value in _kept(request.headers) if name.lower() != "accept-encoding"]
    whole = URL(to, encoded=True)
    async with http.request(
        request.method, whole, headers=[*headers, *SENT.items()], data=body, allow_redirects=False
    ) as found:
        told = web.StreamResponse(status=found.status, reason=found.reason)
        for name, value in _kept(found.headers):
            told.headers.add(name, value)
        if (length := found.headers.get("Content-Length")) is not None:
            told.content_length = int(length)
        with suppress(ConnectionError):
            await told.prepare(request)
            async for part in found.content.iter_any():
                await told.write(part)
            await told.write_eof()
        return told


async def _lead_socket(http: aiohttp.ClientSession, request: web.Request, to: str) -> web.WebSocketResponse:
    near = web.WebSocketResponse(max_msg_size=0)
    await near.prepare(request)
    async with http.ws_connect(to, max_msg_size=0, headers={"Host": SENT["Host"]}) as far:

        async def pump(source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, sink: object) -> None:
            async for message in source:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await sink.send_str(message.data)  # type: ignore[attr-defined]
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await sink.send_bytes(message.data)  # type: ignore[attr-defined]

        both = [asyncio.create_task(pump(near, far)), asyncio.create_task(pump(far, near))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
    await near.close()
    return near
