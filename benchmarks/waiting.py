"""Many jobs side by side: what waiting costs.

The provider is the sandbox in a process of its own, which takes RUN_S for every job and serves one ready-made clip; the
process measured here runs all jobs in one event loop, as ComfyUI runs the nodes of one prompt.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import torch

from remote_video.jobs.runner import make_clip
from remote_video.models import VEO3, Request
from remote_video.sandbox import Pace, Sandbox
from remote_video.settings import Settings

from .decode import realistic_clip

RUN_S = 10.0
COUNTS = (1, 10, 25, 50, 100, 200)
QUICK_COUNTS = (1, 10, 100)
TICK_S = 0.01


class Silent:
    """A host that shows nothing and is never stopped."""

    def stopped(self) -> bool:
        return False

    def say(self, text: str) -> None:
        pass

    def progress(self, fraction: float) -> None:
        pass


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per number of jobs: wall and CPU seconds, threads, RSS growth, longest stall of the loop, polls."""
    return [_row(count) for count in (QUICK_COUNTS if quick else COUNTS)]


def _row(jobs: int) -> dict[str, Any]:
    """Measured in a fresh process, so that one row's memory and threads don't leak into the next."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_measure_and_send, args=(jobs, theirs))
    process.start()
    theirs.close()
    row: dict[str, Any] = ours.recv()
    process.join()
    return row


def _measure_and_send(jobs: int, to: Connection) -> None:
    os.environ["RUNCOMFY_API_TOKEN"] = "benchmark"
    with tempfile.TemporaryDirectory() as folder, _provider(Path(folder)) as (base_url, ask):
        settings = Settings(home=Path(folder) / "home", runcomfy_base_url=base_url, max_parallel=1000)
        asyncio.run(make_silently(request_for(0), replace(settings, home=Path(folder) / "warm"), Path(folder)))
        before = len(ask())
        row = asyncio.run(_measure(jobs, settings, Path(folder)))
        requests = ask()[before:]
        polls = [path for method, path in requests if method == "GET" and path.partition("?")[0].endswith("/status")]
        to.send({**row, "polls per job": round(len(polls) / jobs, 2), "posts": _posts(requests)})


def _posts(requests: list[tuple[str, str]]) -> int:
    return sum(1 for method, path in requests if method == "POST" and "/v1/models/" in path)


async def _measure(jobs: int, settings: Settings, folder: Path) -> dict[str, Any]:
    process = psutil.Process()
    requests = [request_for(seed) for seed in range(jobs)]
    watch = _LoopWatch()
    rss, cpu, begun = process.memory_info().rss, sum(process.cpu_times()[:2]), time.perf_counter()
    watching = asyncio.create_task(watch.run())
    await asyncio.gather(*(make_silently(request, settings, folder) for request in requests))
    wall = time.perf_counter() - begun
    watching.cancel()
    return {
        "jobs": jobs,
        "wall s": round(wall, 2),
        "CPU s per job": round((sum(process.cpu_times()[:2]) - cpu) / jobs, 3),
        "threads": watch.threads,
        "RSS growth MB": round((watch.rss - rss) / 1e6, 1),
        "longest loop stall ms": round(watch.longest * 1000, 1),
    }


async def make_silently(request: Request, settings: Settings, folder: Path) -> None:
    """One clip, the whole way, without a word."""
    await make_clip(
        request,
        settings=settings,
        host=Silent(),
        output_folder=folder / "output",
        filename_prefix="video/clip",
        temp_folder=folder / "temp",
    )


def request_for(seed: int) -> Request:
    """A request with a small image: this measures waiting, not encoding."""
    return VEO3.request({"image": _picture(), "prompt": "waves", "seed": seed})


def _picture() -> torch.Tensor:
    return torch.linspace(0, 1, 256).expand(1, 256, 256)[..., None].repeat(1, 1, 1, 3)


class _LoopWatch:
    """Notes how long the event loop kept a short sleep waiting, and the most threads and memory seen."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.threads = 0
        self.rss = 0

    async def run(self) -> None:
        process = psutil.Process()
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_S)
            self.longest = max(self.longest, time.perf_counter() - before - TICK_S)
            self.threads = max(self.threads, threading.active_count())
            self.rss = max(self.rss, process.memory_info().rss)


@contextmanager
def _provider(folder: Path) -> Iterator[tuple[str, Any]]:
    """The sandbox in another process; gives its base URL and a function that asks for the requests it saw."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder / "sandbox", theirs))
    process.start()
    base_url = ours.recv()

    def requests_seen() -> list[tuple[str, str]]:
        ours.send("requests")
        seen: list[tuple[str, str]] = ours.recv()
        return seen

    try:
        yield base_url, requests_seen
    finally:
        ours.send("end")
        process.join()


def _serve(folder: Path, to: Connection) -> None:
    clip = realistic_clip(folder.parent, 320, 180, 24)
    with Sandbox(folder, pace=Pace(queue_s=0.0, run_s=RUN_S), prebuilt=clip.read_bytes()) as sandbox:
        to.send(sandbox.runcomfy_base_url)
        while to.recv() != "end":
            to.send([(request.method, request.path) for request in sandbox.requests])
