"""From the finish at the provider to its being seen, and the download begun; and how many questions that takes.

Short jobs run in real time against sandboxes in another process, all in one engine, each with a time of its own near
the nominal one. Longer ones are simulated: the pace is a pure function, so a clock can be stepped through it, with the
time one question was measured to take here, or with that of a provider far away.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from remote_video.engine.engine import Engine
from remote_video.engine.pace import pause_before_question
from remote_video.ledger.ledger import Ledger
from remote_video.ledger.sqlite_file import FILE_NAME
from remote_video.models.veo3 import VEO3
from remote_video.sandbox import Pace
from remote_video.settings import Settings

from .client import engine_for, make, request_for
from .ledger import key_of
from .processes import Seen, fresh, providers

REAL_S = (2, 5, 10, 20)
SIMULATED_S = (2, 5, 10, 20, 60, 120, 300, 600, 1200)
JOBS = 15
SPREAD = 0.1
"""A job takes its nominal time, give or take so much of it, within the promise's 2 s to 20 min."""
SHORTEST_S, LONGEST_S = 2.0, 1200.0
STEPS = 400
"""Simulated jobs between the shortest and the longest."""
FAR_S = 0.15
"""What a question takes to a provider far away."""


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per clock, knowledge of the usual time, and job time."""
    table, near = [], []
    for is_known in (False, True):
        measured, question_s = fresh(_real, REAL_S[:2] if quick else REAL_S, 5 if quick else JOBS, is_known)
        table += measured
        near.append(question_s)
    for question_s in (round(statistics.median(near), 4), FAR_S):
        for is_known in (False, True):
            table += [_simulated(nominal_s, question_s, is_known) for nominal_s in SIMULATED_S]
    return table


def _near(nominal_s: float, share: float) -> float:
    """A time near the nominal one; `share`, -1..1, says where."""
    return min(max(nominal_s * (1 + SPREAD * share), SHORTEST_S), LONGEST_S)


def _row(
    clock: str, nominal_s: float, is_known: bool, job_s: Sequence[float], seen: Sequence[float], asked: Sequence[float]
) -> dict[str, Any]:
    of_promise = [lag / max(1.0, 0.03 * took) for lag, took in zip(seen, job_s, strict=True)]
    return {
        "clock": clock,
        "usual time": "known" if is_known else "not known",
        "job s": nominal_s,
        "jobs": len(seen),
        "seen after, median s": round(statistics.median(seen), 2),
        "worst s": round(max(seen), 2),
        "worst, of max(1 s, 3 %)": round(max(of_promise), 2),
        "questions, median": round(statistics.median(asked)),
        "most": max(asked),
    }


# -- in real time ------------------------------------------------------------------------------------------------------


def _real(folder: Path, nominal: Sequence[float], jobs: int, is_known: bool) -> tuple[list[dict[str, Any]], float]:
    """The rows, and what one question took, s."""
    chance = random.Random(7)
    times = [(s, _near(s, chance.uniform(-1, 1))) for s in nominal for _ in range(jobs)]
    starts = [chance.uniform(0, 3) for _ in times]
    with providers(folder, [Pace(queue_s=0.0, run_s=took) for _, took in times]) as there:
        settings = Settings(home=folder / "home", base_urls=there.base_urls[0], collect=False)
        Ledger(settings.home)
        if is_known:
            for (usual_s, _), urls in zip(times, there.base_urls, strict=True):
                _make_known(settings.home, urls["runcomfy"], usual_s)
        each = [replace(settings, base_urls=urls) for urls in there.base_urls]
        with engine_for(settings) as engine:
            asyncio.run(_all(engine, each, starts, folder))
        seen = there.seen()
        question_s = _question_s(each[0])
        finished = [_finished_at(settings.home, urls["runcomfy"]) for urls in there.base_urls]
    return list(_real_rows(times, seen, finished, is_known)), question_s


def _real_rows(
    times: list[tuple[float, float]], seen: list[Seen], finished: list[float], is_known: bool
) -> Iterator[dict[str, Any]]:
    for nominal_s in dict.fromkeys(nominal for nominal, _ in times):
        mine = [number for number, (nominal, _) in enumerate(times) if nominal == nominal_s]
        due = [seen[number].due_at[0] for number in mine]
        row = _row(
            "real",
            nominal_s,
            is_known,
            [times[number][1] for number in mine],
            [finished[number] - at for number, at in zip(mine, due, strict=True)],
            [seen[number].count("runcomfy/status") for number in mine],
        )
        begun = [
            min(at for route, at in seen[number].routes if route == "media") - finish
            for number, finish in zip(mine, due, strict=True)
        ]
        yield {**row, "download begun after, worst s": round(max(begun), 2)}


async def _all(engine: Engine, settings: list[Settings], starts: list[float], folder: Path) -> None:
    async def one(number: int) -> None:
        request = request_for(number)
        await asyncio.sleep(starts[number])
        await make(engine, request, settings[number], folder)

    await asyncio.gather(*(one(number) for number in range(len(settings))))


def _make_known(home: Path, base: str, usual_s: float) -> None:
    """Three clips of that time."""
    with closing(sqlite3.connect(home / FILE_NAME)) as db, db:
        db.executemany(
            "INSERT INTO jobs (key, state, provider, base, model_id, model_name, take, node_id, asked, attempt, "
            "created_at, submitted_at, finished_at) VALUES (?, 'stored', '', ?, ?, '', 0, '', '', 1, ?, ?, ?)",
            [(key_of(hash((base, clip))), base, VEO3.model_id, 1.0, 1.0, 1.0 + usual_s) for clip in range(3)],
        )


def _finished_at(home: Path, base: str) -> float:
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        query = "SELECT finished_at FROM jobs WHERE base = ? AND request_id IS NOT NULL"
        (at,) = db.execute(query, (base,)).fetchone()
    return float(at)


def _question_s(settings: Settings) -> float:
    """One exchange with a sandbox, s: a finished job takes two, so half of that."""
    from remote_video.providers.client import connect

    client = connect("runcomfy", settings).client
    record = next(job for job in Ledger(settings.home).recent() if job.base == client.endpoint and job.request_id)
    spent = []
    for _ in range(50):
        begun = time.perf_counter()
        client.status(record.request_id or "")
        spent.append((time.perf_counter() - begun) / 2)
    return statistics.median(spent)


# -- by a clock that is stepped ----------------------------------------------------------------------------------------


def _simulated(nominal_s: float, question_s: float, is_known: bool) -> dict[str, Any]:
    times = [_near(nominal_s, 2 * step / STEPS - 1) for step in range(STEPS + 1)]
    results = [simulate(job_s, question_s, nominal_s if is_known else None) for job_s in times]
    seen, asked = zip(*results, strict=True)
    return _row(f"simulated, {question_s * 1000:.0f} ms a question", nominal_s, is_known, times, seen, asked)


def simulate(job_s: float, question_s: float, usual_s: float | None) -> tuple[float, int]:
    """How long after its end one job is seen to be finished, s, and after how many questions.

    The provider looks at the job half-way through a question; the one that hears of the end is followed by another
    exchange, for the result.
    """
    now, questions = 0.0, 0
    while True:
        now += pause_before_question(now, usual_s=usual_s) + question_s
        questions += 1
        if now - question_s / 2 >= job_s:
            return now + question_s - job_s, questions
