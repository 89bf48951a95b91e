"""What is asked of the ledger, with a thousand jobs in it and with a million, in its file and in PostgreSQL.

A thousand jobs a day, so that a day holds the same in both: what grows grows with jobs that nobody asked for. They are
written by each database itself: clips of 40 models for 200 workflows of two nodes a day, every tenth without a
workflow's id and a tenth of those of one name, and a lease that was given back for each.
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from remote_video.budget import Budget, Period
from remote_video.ledger.ledger import Ledger
from remote_video.ledger.lifecycle import State
from remote_video.ledger.paging import Node, Wanted
from remote_video.ledger.record import NewJob
from remote_video.ledger.sqlite_file import FILE_NAME

from .ledger import BASES
from .postgres import PostgresServer, postgres, why_missing
from .processes import fresh

SIZES, QUICK_SIZES = (1_000, 1_000_000), (1_000, 20_000)
RUNS = 30
A_DAY = 1_000
NEW = NewJob("RunComfy", BASES[0], "model/0", "Model 0", 1, request_digest="asked", estimate_usd=0.4)
WITHIN_A_DAY = Budget(day_usd=1e6, unknown_price_usd=0.4)

_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {size})",
    "postgresql": "WITH n(i) AS (SELECT generate_series(0, {size} - 1))",
}
_KEY = {
    "sqlite": "printf('%064d', i * 7919 % 1000003)",
    "postgresql": "lpad((i::bigint * 7919 % 1000003)::text, 64, '0')",
}
_JOBS = """INSERT INTO jobs (key, state, provider, base, model_id, model_name, take, node_id, asked, attempt,
 request_id, created_at, submitted_at, finished_at, path, bytes, sha256, cost_usd, account, output_folder,
 filename_prefix, prompt, workflow_id, host)
 {numbers} SELECT {key}, CASE WHEN i % 50 = 7 THEN 'failed' ELSE 'stored' END, 'RunComfy',
 CASE WHEN i % 2 = 0 THEN '{base}' ELSE '{other}' END, 'model/' || (i / 2 % 40), 'Model ' || (i / 2 % 40), i,
 CAST(5 + i % 2 AS text), 'asked-' || i, 1, 'request-' || i, {at}, {at} + 2, {at} + 95,
 'video/clip_' || i || '_.mp4', 5000000 + i, {key}, 0.4, 'account', '/srv/output',
 CASE WHEN i % 10 = 9 AND i % 100 > 9 THEN 'video/other' ELSE 'video/clip' END, 'waves at a shore, take ' || i,
 CASE WHEN i % 10 = 9 THEN NULL ELSE 'workflow-' || (i / 1000) || '-' || (i / 2 % 200) END, 'worker' FROM n"""
_LEASES = "INSERT INTO leases (key, engine_id, fence, since) {numbers} SELECT {key}, NULL, 1, {now} FROM n"


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per question, with the milliseconds of both sizes in both databases."""
    sizes = QUICK_SIZES if quick else SIZES
    measured = {f"SQLite, {size:,} ms": fresh(_in_a_file, size) for size in sizes}
    if not why_missing():
        for size in sizes:
            with postgres() as (server, name):
                measured[f"PostgreSQL, {size:,} ms"] = fresh(_in_postgres, server, name, size)
    few, many = (f"{{}}, {size:,} ms" for size in sizes)
    kinds = [kind for kind in ("SQLite", "PostgreSQL") if few.format(kind) in measured]
    return [
        {
            "what": what,
            **{column: round(1000 * spent[what], 2) for column, spent in measured.items()},
            **{
                f"{kind}, times": round(measured[many.format(kind)][what] / measured[few.format(kind)][what], 2)
                for kind in kinds
            },
        }
        for what in measured[few.format("SQLite")]
    ]


def fill(dialect: str, run: Callable[[str], object], size: int) -> None:
    """So many jobs and leases, the newest of them of now."""
    named = {"now": repr(time.time()), "size": size, "base": BASES[0], "other": BASES[1], "key": _KEY[dialect]}
    named["at"] = f"{named['now']} - ({size} - i) * 86.4"
    for statement in (_JOBS, _LEASES):
        run(statement.format(numbers=_NUMBERS[dialect].format(size=size), **named))


def _in_a_file(folder: Path, size: int) -> dict[str, float]:
    ledger = Ledger(folder)
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as db:
        db.execute("BEGIN")
        fill("sqlite", db.execute, size)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return ask(ledger, size)


def _in_postgres(folder: Path, server: PostgresServer, name: str, size: int) -> dict[str, float]:
    ledger = Ledger(folder, url=server.url(name))
    fill("postgresql", lambda statement: server.run(statement, database=name), size)
    server.run("VACUUM ANALYZE", "CHECKPOINT", database=name)  # as autovacuum does by itself
    return ask(ledger, size)


def ask(ledger: Ledger, size: int) -> dict[str, float]:
    """Seconds for each question, the median of several."""
    middle = Node("5", f"workflow-{size // 2 // 1000}-50")
    latest = ledger.page(Wanted(limit=1)).jobs[0]
    before = (latest.created_at - 86.4 * size / 2, "")
    day = Period("day", latest.created_at - 86400, datetime.max)
    new = (hashlib.sha256(f"new {number}".encode()).hexdigest() for number in range(100_000))

    def begin(**within: Any) -> None:
        lease = ledger.acquire(next(new), "engine")
        assert lease is not None
        ledger.begin(lease, NEW, **within)

    ledger.heartbeat("engine")
    questions: dict[str, Callable[[], object]] = {
        "a job's row": lambda: ledger.get(latest.key),
        "page: newest 100": lambda: ledger.page(Wanted()),
        "page: 100 from the middle on": lambda: ledger.page(Wanted(before=before)),
        "page: 100 of one state": lambda: ledger.page(Wanted(states=frozenset({State.FAILED}))),
        "page: 100 of one model, from the middle on": lambda: ledger.page(Wanted(before=before, model="Model 3")),
        "page: a search that finds none": lambda: ledger.page(Wanted(search="no such words")),
        "takes of a node": lambda: ledger.takes(middle),
        "takes of a node without a workflow's id": lambda: ledger.takes(Node("6", None, "video/clip")),
        "usual time": lambda: ledger.usual_seconds("model/1", BASES[0]),
        "usual time, model without clips": lambda: ledger.usual_seconds("none", ""),
        "the models": ledger.model_names,
        "spent in a day": lambda: ledger.spent(day),
        "to collect": ledger.to_collect,
        "interrupted": ledger.interrupted,
        "recent 50": ledger.recent,
        "in flight": lambda: ledger.in_flight(BASES[0]),
        "alike": lambda: ledger.alike(f"asked-{size // 2}", "none"),
        "found by a key's first letters": lambda: ledger.find(latest.key[:63]),
        "heartbeat": lambda: ledger.heartbeat("engine"),
        "acquire and begin": begin,
        "the same within a day's budget": lambda: begin(budget=WITHIN_A_DAY),
        "the same within places": lambda: begin(most=1000),
    }
    return {what: _median(question) for what, question in questions.items()}


def _median(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)
