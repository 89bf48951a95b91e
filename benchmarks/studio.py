"""The ledger's steps, in its file and in a PostgreSQL database on the same machine, side by side."""

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
ROUNDS = 5


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per step, then a job's whole life, by one thread and by eight."""
    jobs = QUICK_JOBS if quick else JOBS
    if missing := why_missing():
        return [{"step": missing}]
    with postgres() as (server, name):
        measured = fresh(measure, server.url(name), jobs)
    return [side_by_side(step, *seconds) for step, seconds in measured.items()]


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


def measure(folder: Path, url: str, jobs: int) -> dict[str, tuple[float, float]]:
    """Median seconds in both databases for each step and for whole lives; one takes turns with the other."""
    ledgers = [Ledger(folder), Ledger(folder, url=url)]
    spent: dict[str, tuple[list[float], list[float]]] = {}

    def note(place: int, step: str, s: float) -> None:
        spent.setdefault(step, ([], []))[place].append(s)

    for number in range(jobs):
        for place, ledger in enumerate(ledgers):
            note(place, "heartbeat", _seconds(lambda ledger=ledger: ledger.heartbeat("engine")))
            steps = Steps(ledger, "engine").timed_life(key_of(number))
            for step, s in {**steps, "a job's life, 1 thread": sum(steps.values())}.items():
                note(place, step, s)
    for round_ in range(ROUNDS):
        for place, ledger in enumerate(ledgers):
            s = live(ledger, f"engine-{round_}", jobs // ROUNDS, THREADS) / (jobs // ROUNDS)
            note(place, f"a job's life, {THREADS} threads", s)
    return {step: (statistics.median(file), statistics.median(shared)) for step, (file, shared) in spent.items()}


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
