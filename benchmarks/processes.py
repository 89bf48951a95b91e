"""Processes of their own: for each measurement, so that none inherits another's memory, and for the provider."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from remote_video.sandbox import Pace, Sandbox

from .decode import CLIPS, realistic_clip

ROUTES = {"runcomfy/status": "/status", "media": "/media/"}
"""By what is in its path."""
SPAWN = multiprocessing.get_context("spawn")


def fresh(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work(folder, *arguments)` returns in a fresh interpreter; the folder is its own and goes with it."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_work, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join()


def _work(to: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ["RUNCOMFY_API_TOKEN"] = "benchmark"
    with tempfile.TemporaryDirectory() as folder:
        to.send(work(Path(folder), *arguments))


@dataclass(frozen=True)
class Seen:
    """What a sandbox saw of one engine. Times are seconds since 1970."""

    routes: list[tuple[str, float]]
    """Each request: its route, and when it came."""
    due_at: list[float]
    """When each job was finished."""

    def count(self, route: str) -> int:
        return sum(1 for name, _ in self.routes if name == route)


@dataclass(frozen=True)
class Providers:
    """Sandboxes in another process, each with a pace of its own."""

    base_urls: list[dict[str, str]]
    _wire: Connection

    def seen(self) -> list[Seen]:
        self._wire.send("seen")
        answer: list[Seen] = self._wire.recv()
        return answer


@contextmanager
def providers(folder: Path, paces: Sequence[Pace]) -> Iterator[Providers]:
    """A sandbox for each pace, all in one process; each serves one ready-made clip for every job."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(folder / "providers", paces, theirs))
    process.start()
    theirs.close()
    try:
        yield Providers(ours.recv(), ours)
    finally:
        ours.send("end")
        process.join()


def _serve(folder: Path, paces: Sequence[Pace], to: Connection) -> None:
    clip = realistic_clip(CLIPS, 320, 180, 24).read_bytes()
    with ExitStack() as running:
        sandboxes = [
            running.enter_context(Watched(folder / str(number), pace=pace, prebuilt=clip))
            for number, pace in enumerate(paces)
        ]
        to.send([sandbox.base_urls for sandbox in sandboxes])
        while to.recv() != "end":
            to.send([_seen(sandbox) for sandbox in sandboxes])


class Watched(Sandbox):
    """Notes what it is asked, and when."""

    def app(self) -> web.Application:
        self.asked: list[tuple[str, float]] = []
        app = super().app()
        app.middlewares.append(self._note)
        return app

    @web.middleware
    async def _note(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        route = next((name for name, mark in ROUTES.items() if mark in request.path), "")
        self.asked.append((route, time.time()))
        return await handler(request)


def _seen(sandbox: Watched) -> Seen:
    return Seen(sandbox.asked, [job.due_at for job in sandbox.jobs])
