"""Running a job again whose clip is saved: what the ledger's history costs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from remote_video.jobs.ledger import Ledger
from remote_video.jobs.lifecycle import Event
from remote_video.jobs.record import NewJob
from remote_video.models import VEO3
from remote_video.sandbox import Pace, Sandbox
from remote_video.settings import Settings

from .decode import realistic_clip
from .waiting import make_silently, request_for

HISTORIES = (0, 1000, 10000)
RUNS = 9


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per length of the ledger's history: median seconds of a run that only reads the file."""
    return [_row(history) for history in (HISTORIES[:2] if quick else HISTORIES)]


def _row(history: int) -> dict[str, Any]:
    os.environ["RUNCOMFY_API_TOKEN"] = "benchmark"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = realistic_clip(folder, 1920, 1080, 24).read_bytes()
        with Sandbox(folder / "sandbox", pace=Pace(queue_s=0, run_s=0), prebuilt=clip) as sandbox:
            settings = Settings(home=folder / "home", runcomfy_base_url=sandbox.runcomfy_base_url)
            _fill(Ledger(settings.home), history)
            asyncio.run(make_silently(request_for(0), settings, folder))
            spent = sorted(_timed(settings, folder) for _ in range(RUNS))
            assert sandbox.accepted_posts == 1, "a stored job was submitted again"
    return {"jobs in the ledger": history, "stored re-run ms": round(1000 * statistics.median(spent), 1)}


def _timed(settings: Settings, folder: Path) -> float:
    begun = time.perf_counter()
    asyncio.run(make_silently(request_for(0), settings, folder))
    return time.perf_counter() - begun


def _fill(ledger: Ledger, history: int) -> None:
    """Past jobs of the same model, written by the ledger itself."""
    job = NewJob("RunComfy", "https://model-api.runcomfy.net", VEO3.model_id, VEO3.name, 0)
    for number in range(history):
        key = hashlib.sha256(str(number).encode()).hexdigest()
        ledger.begin(key, job)
        ledger.record(key, Event.ACCEPTED, request_id=key, submitted_at=time.time())
