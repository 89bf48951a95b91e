"""The ledger at three sizes, and what it takes to save a broken one.

The rows are made by SQLite in bulk: finished clips of 40 models at two providers, and a hundred jobs to be collected.
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from remote_video.budget import NO_BUDGET, Budget
from remote_video.ledger import sqlite_file
from remote_video.ledger.ledger import Ledger
from remote_video.ledger.record import NewJob
from remote_video.ledger.sqlite_file import FILE_NAME

from .processes import fresh

SIZES = (1_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 100_000)
BROKEN_SIZE = 100_000
MODELS, BASES = 40, ("https://model-api.runcomfy.net", "https://api.cometapi.com/v1")
TO_COLLECT = 100
RUNS = 50
NEW = NewJob("RunComfy", BASES[0], "model/0", "A model", 1, request_digest="asked", estimate_usd=0.4)
BUDGET = Budget(day_usd=1e6, month_usd=1e6, unknown_price_usd=0.4)


def key_of(number: int) -> str:
    """The job key of a row."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def fill(home: Path, size: int) -> None:
    """A ledger of so many jobs, the oldest a year ago."""
    Ledger(home)
    now = time.time()
    columns = (
        "key, state, provider, base, model_id, model_name, take, node_id, asked, attempt, request_id, "
        "created_at, submitted_at, finished_at, path, bytes, sha256, cost_usd, account, output_folder, filename_prefix"
    )
    with closing(sqlite3.connect(home / FILE_NAME, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO jobs ({columns}) VALUES ({', '.join('?' * 21)})",
            (_row(number, size, now) for number in range(size)),
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(number: int, size: int, now: float) -> tuple[Any, ...]:
    key, at = key_of(number), now - 365 * 86400 * (1 - number / size)
    base = BASES[number % 2]
    state = "submitted" if number % max(1, size // TO_COLLECT) == 0 else "stored"
    done = (at + 95.0, f"/srv/output/video/clip_{number:07}_.mp4", 5_000_000, key) if state == "stored" else (None,) * 4
    model = f"model/{number // 2 % MODELS}"
    asked = hashlib.sha256(f"asked {number}".encode()).hexdigest()
    known = (
        key,
        state,
        "RunComfy",
        base,
        model,
        "A model",
        number,
        "Veo3I2V",
        asked,
        1,
        f"request-{number}",
        at,
        at + 2,
    )
    return (*known, *done, 0.4, "account", "/srv/output", "video/clip")


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per size, then one for a broken ledger."""
    measured: list[dict[str, Any]] = [fresh(_measure, size) for size in (QUICK_SIZES if quick else SIZES)]
    return [*measured, fresh(_salvage, BROKEN_SIZE)]


def _measure(folder: Path, size: int) -> dict[str, Any]:
    fill(folder / "new", size)
    homes = [folder / f"home{number}" for number in range(5)]
    for home in homes:
        home.mkdir()
        for file in (folder / "new").iterdir():
            (home / file.name).hardlink_to(file)
    opening = [_spent(lambda home=home: Ledger(home)) for home in homes]
    ledger = Ledger(homes[0])
    new_keys = iter(hashlib.sha256(f"new {number}".encode()).hexdigest() for number in range(10 * RUNS))

    def begin(budget: Budget = NO_BUDGET) -> None:
        key = next(new_keys)
        lease = ledger.acquire(key, "engine")
        assert lease is not None
        ledger.begin(lease, NEW, budget)

    numbers = iter(range(0, size, size // RUNS))
    return {
        "jobs": size,
        "file MB": round((homes[0] / FILE_NAME).stat().st_size / 1e6, 1),
        "open ms": _ms(opening),
        "get ms": _ms([_spent(lambda: ledger.get(key_of(next(numbers)))) for _ in range(RUNS)]),
        "acquire and begin ms": _ms([_spent(begin) for _ in range(RUNS)]),
        "the same within a budget ms": _ms([_spent(lambda: begin(BUDGET)) for _ in range(RUNS)]),
        "usual time ms": _ms([_spent(lambda: ledger.usual_seconds("model/1", BASES[0])) for _ in range(RUNS)]),
        "usual time, model without clips ms": _ms(
            [_spent(lambda: ledger.usual_seconds("none", "")) for _ in range(RUNS)]
        ),
        "to collect ms": _ms([_spent(ledger.to_collect) for _ in range(RUNS)]),
        "recent 50 ms": _ms([_spent(ledger.recent) for _ in range(RUNS)]),
    }


def _salvage(folder: Path, size: int) -> dict[str, Any]:
    """One page in the middle of the rows is overwritten; the ledger is found broken, and the rest is saved."""
    home = folder / "home"
    fill(home, size)
    path = home / FILE_NAME
    with closing(sqlite3.connect(path)) as db:
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        # A clip's path stands in its row and in no index.
        page = file.read().find(f"clip_{size // 2 + 1:07}_".encode()) // page_bytes
        file.seek(page * page_bytes)
        file.write(b"\xff" * page_bytes)
    sqlite_file.distrust(path)
    begun = time.perf_counter()
    Ledger(home)
    seconds = time.perf_counter() - begun
    with closing(sqlite3.connect(path)) as db:
        (kept,) = db.execute("SELECT count(*) FROM jobs WHERE state != 'uncertain'").fetchone()
        (uncertain,) = db.execute("SELECT count(*) FROM jobs WHERE state = 'uncertain'").fetchone()
    return {
        "jobs": f"{size}, one page broken",
        "salvage s": round(seconds, 2),
        "rows kept": kept,
        "kept as keys": uncertain,
    }


def _spent(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _ms(spent: Sequence[float]) -> float:
    return round(1000 * statistics.median(spent), 2)
