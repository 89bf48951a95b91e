"""The ledger's steps, in its file and in a PostgreSQL database on the same machine, side by side.

Without PostgreSQL here its columns are left out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remote_video.ledger.ledger import Lease, Ledger
from remote_video.ledger.lifecycle import Event

from .ledger import NEW, key_of
from .postgres import postgres, why_missing
from .processes import fresh

JOBS, QUICK_JOBS = 400, 40
THREADS = 8


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per step, then a job's whole life, by one thread and by eight."""
    jobs = QUICK_JOBS if quick else JOBS
    file = fresh(measure, None, jobs)
    if why_missing():
        return [{"step": step, "SQLite ms": ms(s), "SQLite a s": a_second(s)} for step, s in file.items()]
    with postgres() as (server, name):
        shared = fresh(measure, server.url(name), jobs)
    return [side_by_side(step, file[step], shared[step]) for step in file]


def side_by_side(step: str, file_s: float, shared_s: float) -> dict[str, Any]:
    """Both databases' seconds for the same."""
    return {
        "step": step,
        "SQLite ms": ms(file_s),
        "PostgreSQL ms": ms(shared_s),
        "SQLite a s": a_second(file_s),
        "PostgreSQL a s": a_second(shared_s),
        "PostgreSQL / SQLite": round(shared_s / file_s, 2),
    }


def measure(folder: Path, url: str | None, jobs: int) -> dict[str, float]:
    """Seconds for each step: the median; and for a job's whole life, by one thread and by several."""
    ledger = Ledger(folder, url=url)
    ledger.heartbeat("engine")
    steps = Steps(ledger, "engine")
    spent: dict[str, list[float]] = {}
    for number in range(jobs):
        for step, s in steps.timed_life(key_of(number)).items():
            spent.setdefault(step, []).append(s)
    medians = {step: statistics.median(found) for step, found in spent.items()}
    return {
        **medians,
        "heartbeat": statistics.median(_seconds(lambda: ledger.heartbeat("engine")) for _ in range(jobs)),
        "a job's life, 1 thread": statistics.median(sum(life) for life in zip(*spent.values(), strict=True)),
        f"a job's life, {THREADS} threads": live(ledger, "engine", jobs, THREADS) / jobs,
    }


def live(ledger: Ledger, engine_id: str, jobs: int, threads: int) -> float:
    """Seconds for the whole lives of so many jobs, several at a time."""
    steps = Steps(ledger, engine_id)
    keys = [key_of(number) for number in range(jobs)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda key: steps.life(f"{engine_id}-{key}"), keys):
            pass
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Steps:
    """What an engine asks of the ledger for one clip: the writes of a job that goes well, and a look."""

    ledger: Ledger
    engine_id: str

    def life(self, key: str) -> None:
        """All of it."""
        for _, step in self._steps(key):
            step()

    def timed_life(self, key: str) -> dict[str, float]:
        """All of it, and the seconds that each step took."""
        return {name: _seconds(step) for name, step in self._steps(key)}

    def _steps(self, key: str) -> Iterable[tuple[str, Callable[[], object]]]:
        leases: list[Lease] = []

        def acquire() -> None:
            lease = self.ledger.acquire(key, self.engine_id)
            assert lease is not None
            leases.append(lease)

        yield "acquire", acquire
        (lease,) = leases
        yield "begin", lambda: self.ledger.begin(lease, NEW)
        yield "accepted", lambda: self.ledger.accepted(key, NEW, f"request-{key}")
        yield "record: succeeded", lambda: self.ledger.record(lease, Event.SUCCEEDED, finished_at=time.time())
        yield "note", lambda: self.ledger.note(lease, part_path="video/clip.part")
        yield "record: stored", lambda: self.ledger.record(lease, Event.STORED, path="video/clip.mp4", bytes=5_000_000)
        yield "release", lambda: self.ledger.release(lease)
        yield "get", lambda: self.ledger.get(key)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def ms(s: float) -> float:
    return round(1000 * s, 2)


def a_second(s: float) -> int:
    return round(1 / s)
