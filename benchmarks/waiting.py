"""Many jobs side by side: what waiting costs.

The provider is the sandbox in a process of its own, which takes RUN_S for every job and serves one ready-made clip. The
process measured here has one engine, and one event loop on which all jobs are watched, as ComfyUI runs the nodes of one
prompt. Each round takes every count once; ratios are taken within a round.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from remote_video.engine import tools
from remote_video.engine.engine import Engine
from remote_video.sandbox import Pace
from remote_video.settings import Settings

from .client import engine_for, make, request_for
from .processes import fresh, providers

RUN_S = 10.0
COUNTS = (1, 10, 25, 50, 100, 200)
QUICK_COUNTS = (1, 10, 100)
COUNTS_LIFTED = (1, 100)
LIFTED = "lifted"
NO_CAP = 100_000.0
"""Questions a second, when the cap is not to matter."""
ROUNDS = 3
TICK_S = 0.01


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per cap and number of jobs."""
    default = tools.QUESTIONS_PER_S
    counted = [(default, count) for count in (QUICK_COUNTS if quick else COUNTS)]
    counted += [(NO_CAP, count) for count in COUNTS_LIFTED]
    rounds = [[fresh(_measure, jobs, cap) for cap, jobs in counted] for _ in range(1 if quick else ROUNDS)]
    for measured in rounds:
        one = {cap: row["wall s"] for (cap, jobs), row in zip(counted, measured, strict=True) if jobs == 1}
        for (cap, _), row in zip(counted, measured, strict=True):
            row["times one"] = row["wall s"] / one[cap]
    return [
        {"jobs": jobs, "questions a s, at most": cap if cap == default else LIFTED, **_medians(results)}
        for (cap, jobs), results in zip(counted, zip(*rounds, strict=True), strict=True)
    ]


def _medians(results: tuple[dict[str, float], ...]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in results), 3) for name in results[0]}


def _measure(folder: Path, jobs: int, cap: float) -> dict[str, float]:
    tools.QUESTIONS_PER_S = cap
    with providers(folder, [Pace(queue_s=0.0, run_s=RUN_S), Pace(queue_s=0.0, run_s=0.0)]) as there:
        measured, warm = (
            Settings(home=folder / "home", base_urls=urls, max_parallel=1000, collect=False) for urls in there.base_urls
        )
        with engine_for(measured) as engine:
            asyncio.run(make(engine, request_for(0), replace(warm, home=folder / "warm"), folder))
            row = asyncio.run(_side_by_side(engine, jobs, measured, folder))
        seen = there.seen()[0]
    row["requests per job"] = seen.count("runcomfy/status") / jobs
    row["posts"] = seen.count("runcomfy/submit")
    return row


async def _side_by_side(engine: Engine, jobs: int, settings: Settings, folder: Path) -> dict[str, float]:
    process = psutil.Process()
    requests = [request_for(seed) for seed in range(jobs)]
    nodes, engines = _LoopWatch(), _LoopWatch()
    looking = asyncio.create_task(nodes.run())
    engine.run(engines.run)
    rss, cpu, begun = process.memory_info().rss, sum(process.cpu_times()[:2]), time.perf_counter()
    await asyncio.gather(*(make(engine, request, settings, folder) for request in requests))
    wall = time.perf_counter() - begun
    looking.cancel()
    return {
        "wall s": wall,
        "times one": 1.0,
        "CPU s per job": (sum(process.cpu_times()[:2]) - cpu) / jobs,
        "threads": nodes.threads,
        "RSS growth MB": (nodes.rss - rss) / 1e6,
        "longest stall of the nodes' loop ms": nodes.longest * 1000,
        "of the engine's ms": engines.longest * 1000,
    }


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
