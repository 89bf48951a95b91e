"""Running a job again whose clip is saved: what the ledger's history costs."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from remote_video.engine.engine import Engine
from remote_video.sandbox import Pace, Sandbox
from remote_video.settings import Settings

from .client import engine_for, make, request_for
from .decode import CLIPS, realistic_clip
from .ledger import fill
from .processes import fresh

HISTORIES = (0, 1000, 10000)
RUNS = 21


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per length of the ledger's history: median seconds of a run that only reads the file."""
    return [fresh(_measure, history) for history in (HISTORIES[:2] if quick else HISTORIES)]


def _measure(folder: Path, history: int) -> dict[str, Any]:
    clip = realistic_clip(CLIPS, 1920, 1080, 24).read_bytes()
    with Sandbox(folder / "sandbox", pace=Pace(queue_s=0, run_s=0), prebuilt=clip) as sandbox:
        settings = Settings(home=folder / "home", base_urls=sandbox.base_urls)
        fill(settings.home, history)
        with engine_for(settings) as engine:
            asyncio.run(make(engine, request_for(0), settings, folder))
            spent = [_timed(engine, settings, folder) for _ in range(RUNS)]
        assert sandbox.accepted_posts == 1, "a stored job was submitted again"
    return {"jobs in the ledger": history, "stored re-run ms": round(1000 * statistics.median(spent), 1)}


def _timed(engine: Engine, settings: Settings, folder: Path) -> float:
    request = request_for(0)
    begun = time.perf_counter()
    asyncio.run(make(engine, request, settings, folder))
    return time.perf_counter() - begun
