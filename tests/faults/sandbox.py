"""The sandbox, watched and meddled with: it logs what it is asked, and has every fault of the menu on demand."""

from __future__ import annotations

import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from remote_video_pack.remote_video import sandbox as shipped
from remote_video_pack.remote_video.sandbox import Pace

from ..fault_proxy import FaultProxy
from .answer import Answer, Incoming
from .board import ActiveFault, FaultBoard
from .fault import BodyFate, Call, whole
from .request_log import LoggedRequest, route_of
from .wire import Wire

FREE_BOX = (16).to_bytes(4, "big") + b"free" + bytes(8)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox(shipped.Sandbox):
    """As it ships, behind a proxy that can refuse, reset and cut off.

    What HTTP can say wrongly is said by a middleware; for the rest it takes the connection over, at the proxy.
    """

    def __init__(self, folder: Path, *, port: int = 0, **more: Any) -> None:
        super().__init__(folder, **more)
        self.faults = FaultBoard()
        self.requests: list[LoggedRequest] = []
        """Every request this process served, oldest first."""
        self._proxy: FaultProxy | None = None
        self._own_port = port

    def start(self) -> Sandbox:
        self._port = 0
        super().start()
        try:
            self._proxy = FaultProxy(self._port, at=self._own_port).__enter__()
        except OSError:
            super().stop()
            raise
        self._own_port = self._proxy.port
        self.faults.connect(self._proxy)
        return self

    def stop(self) -> None:
        self.faults.clear()
        if self._proxy is not None:
            self._proxy.__exit__()
            self._proxy = None
        super().stop()

    @property
    def port(self) -> int:
        return self._own_port

    def keep_pace(self, pace: Pace) -> None:
        """From now on jobs go this fast: new ones, and those that are there."""
        self._service._pace = pace
        for job in self._store.all():
            self._store._write(replace(job, pace=pace))

    def app(self) -> web.Application:
        app = super().app()
        app.middlewares.append(self._meddle)
        app.router.add_get(r"/media/{request_id}/{name:second\.mp4|cover\.png}", self._beside)
        return app

    @web.middleware
    async def _meddle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route, headers = route_of(request), {name.lower(): value for name, value in request.headers.items()}
        entry = LoggedRequest(request.method, request.path_qs, headers, time.time(), route)
        self.requests.append(entry)
        active = self.faults.take(route)
        if active is None:
            response = await _answered(request, handler)
            if self.faults.refuses() and self._shuts_after(request, route, Answer.told(response)):
                response.force_close()
            return response
        entry.fault = active.fault.name
        if active.fault.body is not BodyFate.READ:
            return await self._break_off(request, active)
        answer = await _told(request, handler) if active.fault.carried_out else await _nothing(request)
        call = Call(route, active.fired, active.options, Incoming(request.path_qs, headers, self.origin))
        altered = active.fault.alter(answer, call)
        shut = self.faults.refuses() and self._shuts_after(request, route, answer)
        if active.fault.deliver is not whole:
            return self._by_hand(request, altered, active)
        response = altered.response()
        if shut:
            response.force_close()
        return response

    def _shuts_after(self, request: web.Request, route: str, answer: Answer) -> bool:
        """Shut the port where the next call is to be refused, before this answer leaves; whether it was."""
        return self.faults.shuts_after(route, answer, self._proxy.line_of(_address(request)))

    async def _break_off(self, request: web.Request, active: ActiveFault) -> web.Response:
        """Reset the connection before all of the body is read."""
        if active.fault.body is BodyFate.RESET_DURING:
            await request.content.readexactly((request.content_length or 0) // 2)
        return self._take_over(request, active, Wire.reset)

    def _by_hand(self, request: web.Request, answer: Answer, active: ActiveFault) -> web.Response:
        deliver, options = active.fault.deliver, active.options
        return self._take_over(request, active, lambda wire: wire.deliver(lambda: deliver(wire, answer, options)))

    def _take_over(self, request: web.Request, active: ActiveFault, act: Callable[[Wire], None]) -> web.Response:
        """Answer at the proxy, unless the client has left; what is returned reaches nobody."""
        line = self._proxy.take_over(_address(request))
        if line is not None:
            request.transport.abort()
            act(Wire(self._proxy, line, headless=request.method == "HEAD", released=active.released))
        return web.Response()

    async def _beside(self, request: web.Request) -> web.Response:
        """What some jobs make besides their clip: the same pictures in a file with other bytes, and a cover."""
        job = self._store.find(request.match_info["request_id"])
        clip = self._service.clip(job) if job else None
        if clip is None or not clip.exists():
            raise web.HTTPNotFound
        if request.match_info["name"] == "cover.png":
            return web.Response(body=_cover(), content_type="image/png")
        return web.Response(body=clip.read_bytes() + FREE_BOX, content_type="video/mp4")


def _address(request: web.Request) -> tuple[str, int] | None:
    """Where the proxy's connection comes from; None when it is over."""
    return request.transport.get_extra_info("peername") if request.transport else None


async def _answered(request: web.Request, handler: Handler) -> web.Response:
    try:
        return await handler(request)
    except web.HTTPException as said:
        return web.Response(status=said.status, body=said.body, headers=said.headers)


async def _told(request: web.Request, handler: Handler) -> Answer:
    response, whole = await _answered(request, handler), None
    if response.status in (206, 416):
        others = {name: value for name, value in request.headers.items() if name != "Range"}
        whole = Answer.told(await _answered(request.clone(headers=others), handler))
    return Answer.told(response, whole)


async def _nothing(request: web.Request) -> Answer:
    """Read the request, and do nothing."""
    await request.read()
    return Answer.of({})


@cache
def _cover() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 160)).save(file, "PNG")
    return file.getvalue()
