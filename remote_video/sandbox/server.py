"""The sandbox as a whole: both providers and the media host behind one loopback port."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from aiohttp import web

from .account import Account
from .cometapi import CometApi
from .job_store import Job, JobStore, Pace, write_whole
from .listing import Listing
from .media_files import MediaFiles
from .runcomfy_api import RunComfyApi
from .service import JobService

log = logging.getLogger("remote_video")
HOST = "127.0.0.1"
LARGEST_BODY = 512 * 1024 * 1024
LET_GO_S = 0.001
"""How long requests may go on when the sandbox stops."""


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
        if prebuilt is not None:
            write_whole(folder / "prebuilt.mp4", prebuilt)
        clip = folder / "prebuilt.mp4" if prebuilt is not None else None
        self._service = JobService(self._store, pace or Pace(), short_clips, clip, lambda: self.origin)
        self._thread: threading.Thread | None = None

    def start(self) -> Sandbox:
        """Listen. Raises OSError when the port is taken."""
        started: Future[tuple[int, Callable[[], object]]] = Future()
        thread = threading.Thread(target=self._run, args=(started,), name="sandbox", daemon=True)
        thread.start()
        self._port, self._end = started.result()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Close every connection, let running renders end."""
        if self._thread is not None:
            self._end()
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
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
        media = MediaFiles(self._service)
        comet = CometApi(self._service, media)
        app.add_subapp("/runcomfy", RunComfyApi(self._service, self.listing, self.account).app())
        app.add_subapp("/cometapi/v1", comet.app())
        app.add_routes(
            [
                web.get("/cometapi/api/models", comet.catalogue),
                web.get(r"/media/{request_id}/{name:clip\.mp4|picture\.png}", media.get),
            ]
        )
        app.cleanup_ctx.append(self._service.run)
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
        runner = web.AppRunner(self.app(), access_log=None, logger=log, shutdown_timeout=LET_GO_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port, backlog=256).start()
            started.set_result((runner.addresses[0][1], lambda: loop.call_soon_threadsafe(ended.set)))
            await ended.wait()
        finally:
            await runner.cleanup()


_shared: dict[Path, Sandbox] = {}
_shared_lock = threading.Lock()


def shared_sandbox(folder: Path, *, short_clips: bool = False) -> Sandbox:
    """This process's one running sandbox on a folder, started (so) when first asked for; it ends with the process."""
    place = folder.resolve()
    with _shared_lock:
        if place not in _shared:
            _shared[place] = Sandbox(place, short_clips=short_clips).start()
        return _shared[place]
