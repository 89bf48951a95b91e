"""Many requests for one 4K image in one engine: the RAM they hold while some are sent and followed, and others wait.

glibc is told to give large blocks back as soon as they are freed; left to itself it keeps some tens of MB of what was
freed, so that two runs of the same thing differ by more than what is measured here.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch

from remote_video.engine.engine import Engine
from remote_video.engine.order import Order
from remote_video.models import Request
from remote_video.models.veo3 import VEO3
from remote_video.sandbox import Pace
from remote_video.settings import Settings

from .client import Silent, engine_for, make, order_for, request_for
from .encode import picture
from .processes import fresh, providers

SIZE = (3840, 2160)
JOBS = 100
PLACES = (1, 2, 8, 32)
JOB_S = 3600.0
SETTLE_S = 2.0


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per number of places at the provider."""
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**20)
    try:
        return [fresh(_measure, places) for places in (PLACES[:2] if quick else PLACES)]
    finally:
        del os.environ["MALLOC_MMAP_THRESHOLD_"]


def _measure(folder: Path, places: int) -> dict[str, Any]:
    with providers(folder, [Pace(queue_s=JOB_S, run_s=1.0), Pace(queue_s=0.0, run_s=0.0)]) as there:
        home = folder / "home"
        settings, warm = (Settings(home=home, base_urls=urls, max_parallel=places) for urls in there.base_urls)
        image = torch.from_numpy(picture("photo", *SIZE)).float().div_(255)[None]
        with engine_for(settings) as engine:
            asyncio.run(make(engine, request_for(0), warm, folder))
            gc.collect()
            begun = _rss()
            orders = [order_for(_request(image, seed), settings, folder) for seed in range(JOBS)]
            file_bytes = _encoded(orders[0])
            with _peak() as peak:
                watches = [engine.watch(orders.pop(), Silent()) for _ in range(JOBS)]
                _wait_until_followed(engine, places)
            time.sleep(SETTLE_S)
            gc.collect()
            waiting = _rss()
            assert not any(watch.is_answered for watch in watches)
    body_bytes = 4 * file_bytes // 3
    return {
        "jobs": JOBS,
        "places": places,
        "file MB": round(file_bytes / 1e6, 1),
        "body MB": round(body_bytes / 1e6, 1),
        "followed and waiting MB": round((waiting - begun) / 1e6, 1),
        "peak while they are sent MB": round((max(peak) - begun) / 1e6, 1),
        "of it bodies a place": round((max(peak) - begun - file_bytes) / body_bytes / places, 2),
    }


def _request(image: torch.Tensor, seed: int) -> Request:
    return VEO3.request({"image": image, "prompt": "waves", "seed": seed})


def _encoded(order: Order) -> int:
    """Have the image encoded; the size of its file. The other orders share it."""
    assert order.request is not None
    return sum(len(media.encode().data) for media in order.request.media())


def _wait_until_followed(engine: Engine, jobs: int) -> None:
    while sum(event.request_id is not None for event in engine.live().result().values()) < jobs:
        time.sleep(0.05)


def _rss() -> int:
    rss: int = psutil.Process().memory_info().rss
    return rss


@contextmanager
def _peak() -> Iterator[list[int]]:
    """What the process held, looked at all the time."""
    looked, ended = [_rss()], threading.Event()

    def look() -> None:
        while not ended.wait(0.002):
            looked.append(_rss())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looked
    finally:
        ended.set()
        thread.join()
