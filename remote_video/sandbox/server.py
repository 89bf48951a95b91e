"""The sandbox as a whole: both providers and the media host behind one loopback port."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ..loopback import is_loopback_host
from .account import Account
from .cometapi import CometApi
from .desk import Desk
from .job_store import Job, JobStore, Pace, write_whole
from .listing import Listing
from .media_files import MediaFiles
from .runcomfy_api import RunComfyApi

log = logging.getLogger("remote_video")
HOST = "127.0.0.1"
LARGEST_BODY = 512 * 1024 * 1024
IDLE_S = 300.0
LET_GO_S = 0.001
"""How long requests may go on when the sandbox stops."""
CLEANED_EVERY_S = 3600.0
NOT_FOUND_PAGE = "<!doctype html><title>404</title><h1>Not found</h1>\n"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """Both providers on 127.0.0.1, in a thread of its own.

    Args:
        folder: where jobs and clips are kept, for a week; another Sandbox on the same folder knows the same jobs.
        port: 0 takes a free one.
        pace: how long new jobs wait and run, s.
        short_clips: render half a second at 320 px (fast tests).
        prebuilt: an MP4 to serve for every job; nothing is rendered then.
        catalogue: what RunComfy offers, as it would publish it, from now on in this folder; see also `listing`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        pace: Pace | None = None,
        short_clips: bool = False,
        prebuilt: bytes | None = None,
        catalogue: Iterable[Any] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._port = port
        self.listing = Listing(folder)
        self.account = Account()
        if catalogue is not None:
            self.listing.set(catalogue)
        self._store = JobStore(folder)
        prebuilt_file = folder / "prebuilt.mp4" if prebuilt is not None else None
        if prebuilt is not None and prebuilt_file is not None:
            write_whole(prebuilt_file, prebuilt)
        self._desk = Desk(self._store, pace or Pace(), short_clips, prebuilt_file, lambda: self.origin)
        self._thread: threading.Thread | None = None

    def start(self) -> Sandbox:
        """Listen. Raises OSError when the port is taken."""
        started: Future[tuple[int, Callable[[], object]]] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="sandbox", daemon=True)
        self._thread.start()
        self._port, self._end = started.result()
        return self

    def stop(self) -> None:
        """Close every connection, let running renders end."""
        if self._thread is not None:
            self._end()
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def runcomfy_base_url(self) -> str:
        return f"{self.origin}/runcomfy"

    @property
    def cometapi_base_url(self) -> str:
        return f"{self.origin}/cometapi/v1"

    @property
    def base_urls(self) -> dict[str, str]:
        """By provider id, as the settings name them."""
        return {"runcomfy": self.runcomfy_base_url, "cometapi": self.cometapi_base_url}

    @property
    def accepted_posts(self) -> int:
        """How many accepted submissions the folder holds, whichever process served them."""
        return self._store.count()

    @property
    def jobs(self) -> list[Job]:
        """Every accepted job, oldest first."""
        return self._store.all()

    def app(self) -> web.Application:
        """What is served, made anew for each start."""
        app = web.Application(client_max_size=LARGEST_BODY)
        media = MediaFiles(self._desk)
        comet = CometApi(self._desk, media)
        app.add_subapp("/runcomfy", RunComfyApi(self._desk, self.listing, self.account).app())
        app.add_subapp("/cometapi/v1", comet.app())
        app.add_routes(
            [
                web.get("/cometapi/api/models", comet.catalogue),
                web.get(r"/media/{request_id}/{name:clip\.mp4|picture\.png}", media.get),
                web.get("/sandbox/state", self._state),
                web.post("/sandbox/catalogue", told(self._change_listing)),
                web.post("/sandbox/balance", told(self._set_balance)),
                web.route("*", "/{rest:.*}", _not_found),
            ]
        )
        app.cleanup_ctx.extend([self._desk.run, self._keep_clean])
        return app

    def _run(self, started: Future[tuple[int, Callable[[], object]]]) -> None:
        try:
            asyncio.run(self._serve(started))
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[tuple[int, Callable[[], object]]]) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(
            self.app(), access_log=None, logger=log, keepalive_timeout=IDLE_S, shutdown_timeout=LET_GO_S
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port, backlog=256).start()
            started.set_result((runner.addresses[0][1], lambda: loop.call_soon_threadsafe(ended.set)))
            await ended.wait()
        finally:
            await runner.cleanup()

    async def _keep_clean(self, _: web.Application) -> AsyncIterator[None]:
        """While the sandbox runs: forget jobs that are too old, now and then."""

        async def clean() -> None:
            while True:
                await asyncio.to_thread(self._store.forget_old, time.time())
                await asyncio.sleep(CLEANED_EVERY_S)

        cleaning = asyncio.create_task(clean())
        yield
        cleaning.cancel()
        with suppress(asyncio.CancelledError):
            await cleaning

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response({"accepted_posts": self.accepted_posts})

    def _change_listing(self, said: Any) -> Any:
        """Body, any of it: {"set": [models], "put": [models], "remove": [ids]}; {}: what is offered without a word."""
        if not said:
            self.listing.reset()
        if "set" in said:
            self.listing.set(said["set"])
        if "put" in said:
            self.listing.put(*said["put"])
        if "remove" in said:
            self.listing.remove(*said["remove"])
        return {"models": len(self.listing.all())}

    def _set_balance(self, said: Any) -> Any:
        """Body: {"balance_usd", "charges"?}."""
        self.account.set(said["balance_usd"], charges=said.get("charges", False))
        return {"balance_usd": self.account.balance_usd}


async def _not_found(request: web.Request) -> web.Response:
    return web.Response(status=404, text=NOT_FOUND_PAGE, content_type="text/html")


def told(act: Callable[[Any], Any]) -> Handler:
    """A handler that does what it is told in JSON; what it is told wrongly is a 400.

    Web pages are kept out: they can't send JSON to another origin, nor our own host name.
    """

    async def handle(request: web.Request) -> web.Response:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        if not is_loopback_host(host) or request.content_type != "application/json":
            return web.json_response({"message": "send application/json to a loopback address"}, status=403)
        try:
            return web.json_response(act(json.loads(await request.read())))
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            return web.json_response({"message": str(problem)}, status=400)

    return handle


_shared: dict[Path, Sandbox] = {}
_shared_lock = threading.Lock()


def shared_sandbox(folder: Path) -> Sandbox:
    """This process's one running sandbox on a folder, started when first asked for; it ends with the process."""
    place = folder.resolve()
    with _shared_lock:
        if place not in _shared:
            _shared[place] = Sandbox(place).start()
        return _shared[place]
