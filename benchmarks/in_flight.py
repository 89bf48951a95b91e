"""An engine with many jobs in flight: what following them costs, once all are accepted."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from remote_video.engine.watch import Watch
from remote_video.sandbox import Pace
from remote_video.settings import Settings

from .client import engine_for, make, request_for, watch
from .processes import fresh, providers

JOB_S = 3600.0
SETTLE_S = 10.0
MEASURED_S = 60.0
COUNTS = (1, 100, 1000)


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per number of jobs, watched by a node each, and the last with nobody there."""
    measured_s = 10.0 if quick else MEASURED_S
    watched = [fresh(measure, jobs, True, measured_s) for jobs in COUNTS]
    return [*watched, fresh(measure, COUNTS[-1], False, measured_s)]


def measure(
    folder: Path, jobs: int, is_watched: bool, measured_s: float, ledger_url: str | None = None
) -> dict[str, Any]:
    """What following so many jobs uses, with the ledger in a file, or at that URL."""
    with providers(folder, [Pace(queue_s=JOB_S, run_s=1.0), Pace(queue_s=0.0, run_s=0.0)]) as there:
        home = folder / "home"
        settings, warm = (
            Settings(home=home, base_urls=urls, max_parallel=2 * jobs, ledger_url=ledger_url)
            for urls in there.base_urls
        )
        with engine_for(settings) as engine:
            asyncio.run(make(engine, request_for(0), warm, folder))
            gc.collect()
            process = psutil.Process()
            rss, begun = process.memory_info().rss, time.perf_counter()
            watches = [watch(engine, request_for(seed), settings, folder) for seed in range(jobs)]
            accepted = [watch(engine, request_for(seed), settings, folder, until_accepted=True) for seed in range(jobs)]
            asyncio.run(_all_accepted(accepted))
            accepted_s = time.perf_counter() - begun
            del accepted
            if not is_watched:
                for left in watches:
                    left.leave()
            row = asyncio.run(_follow(watches if is_watched else [], measured_s, process))
        seen = there.seen()[0]
    now = row.pop("ended at")
    asked = sum(1 for route, at in seen.routes if route == "runcomfy/status" and now - measured_s <= at <= now)
    return {
        "jobs": jobs,
        "watched": "by a node each" if is_watched else "by nobody",
        "all accepted after s": round(accepted_s, 1),
        "questions a s": round(asked / measured_s, 1),
        **row,
        "RSS growth MiB": round((row["RSS growth MiB"] - rss) / 2**20, 1),
        "posts": seen.count("runcomfy/submit"),
    }


async def _all_accepted(accepted: list[Watch]) -> None:
    await asyncio.gather(*(watch.accepted() for watch in accepted))


async def _follow(watches: list[Watch], measured_s: float, process: psutil.Process) -> dict[str, Any]:
    """Wait as nodes do; what the process used meanwhile."""
    waiting = [asyncio.create_task(watch.clip()) for watch in watches]
    await asyncio.sleep(SETTLE_S)
    cpu, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    await asyncio.sleep(measured_s)
    used = (sum(process.cpu_times()[:2]) - cpu) / (time.perf_counter() - begun)
    row = {
        "CPU % of a core": round(100 * used, 1),
        "RSS growth MiB": process.memory_info().rss,
        "threads": threading.active_count(),
        "ended at": time.time(),
    }
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return row
