"""Whoever asks for clips: requests, an engine, and somebody who looks on without a word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

from remote_video.engine.engine import Engine
from remote_video.engine.host import JobEvent, NoHost
from remote_video.engine.order import Order, place_order
from remote_video.engine.watch import StoredClip, Watch
from remote_video.models import Request
from remote_video.models.veo3 import VEO3
from remote_video.settings import Settings


class Silent:
    """Somebody in no prompt, who shows nothing."""

    prompt_id = ""

    def show(self, event: JobEvent) -> None:
        pass

    def is_waiting(self) -> bool:
        return False


@contextmanager
def engine_for(settings: Settings) -> Iterator[Engine]:
    """An engine that runs, and ends with the block."""
    engine = Engine(lambda: settings, NoHost())
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


def order_for(request: Request, settings: Settings, folder: Path) -> Order:
    """That one clip, saved below `folder`."""
    return place_order(
        request,
        settings,
        output_folder=folder / "output",
        filename_prefix="video/clip",
        temp_folder=folder / "temp",
    )


def watch(engine: Engine, request: Request, settings: Settings, folder: Path, **how: Any) -> Watch:
    """Ask for a clip, as a node does."""
    return engine.watch(order_for(request, settings, folder), Silent(), **how)


async def make(engine: Engine, request: Request, settings: Settings, folder: Path) -> StoredClip:
    """One clip, the whole way."""
    return await watch(engine, request, settings, folder).clip()


def request_for(seed: int) -> Request:
    """A request with a small image: it is for measuring what comes after encoding."""
    return VEO3.request({"image": _picture(), "prompt": "waves", "seed": seed})


@cache
def _picture() -> torch.Tensor:
    return torch.linspace(0, 1, 256).expand(1, 256, 256)[..., None].repeat(1, 1, 1, 3)
