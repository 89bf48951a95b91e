"""`jobs` and `forget`: what the ledger knows of what was asked for."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict

from ..console import say
from ..engine.watch import StoredClip
from ..errors import LedgerError
from ..ledger.journal import Journal
from ..ledger.ledger import Forgotten, Ledger
from ..ledger.lifecycle import COSTS_NOTHING, State
from ..ledger.record import JobRecord
from .surroundings import LIFE_SIGN_WITHIN_S, LOOK_S, SHORT_KEY, settings_with_ledger, the_job

NOT_SHOWN = (
    "sidecar",
    "part_path",
    "part_validator",
    "request_digest",
    "file_digest",
    "account",
    "uploads",
    "assumed_usd",
    "stand_in",
)
MONEY = ("cost_usd", "estimate_usd", "earlier_usd")


def jobs_command(options: argparse.Namespace) -> int:
    """List the jobs of the ledger, newest first."""
    state = State(options.state) if options.state else None
    settings = settings_with_ledger(options)
    ledger, journal = Ledger.of(settings), Journal(settings.home, settings.ledger_url)
    with suppress(LedgerError):
        journal.replay(ledger)
    if waiting := journal.entries():
        say(f"The outcome of {len(waiting)} submission(s) is in {journal.folder} until the ledger can be written.")
    jobs = ledger.recent(options.limit, state)
    for job in jobs:
        if options.json:
            told = {name: value for name, value in asdict(job).items() if name not in NOT_SHOWN}
            money = {**(dict.fromkeys(MONEY) if job.sandbox else {}), "sandbox": job.sandbox}
            print(json.dumps({**told, **money, "others": [asdict(other) for other in job.other_files]}))
            continue
        asked = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created_at))
        cost = "sandbox, nothing was paid" if job.sandbox else _cost(job)
        who = job.asker_seen_at(settings.host, is_shared=settings.ledger_url is not None)
        words = (job.key[:SHORT_KEY], asked, job.state.value, job.model_name, job.request_id or "-", cost)
        clip = str(job.clip_path) if job.is_stored and job.path else job.error
        say("  ".join((*words, *filter(None, (who,)), clip or "-")), sys.stdout)
        for line in StoredClip.of(job).more if job.is_stored else ():
            say(f"    {line}", sys.stdout)
    if not options.json:
        say(f"Jobs: {len(jobs)}" if jobs else "No jobs yet.", sys.stdout)
    return 0


def _cost(job: JobRecord) -> str:
    if job.cost_usd is not None:
        return f"{job.cost_usd:.2f} USD"
    is_open = job.estimate_usd is not None and job.state not in COSTS_NOTHING
    return f"about {job.estimate_usd:.2f} USD" if is_open else "-"


def forget_command(options: argparse.Namespace) -> int:
    """Drop a job, so that it may be submitted again."""
    ledger = Ledger.of(settings_with_ledger(options))
    job = the_job(ledger, options.key)
    until = time.monotonic() + LIFE_SIGN_WITHIN_S
    while (outcome := ledger.forget(job.key)) is Forgotten.IN_USE and time.monotonic() < until:
        time.sleep(LOOK_S)
    if outcome is Forgotten.DONE:
        say("Forgotten: the next run with the same inputs submits a new job, and may pay again.", sys.stdout)
        return 0
    why = {
        Forgotten.IN_USE: "A run works on it: it can't be forgotten now.",
        Forgotten.NOT_THERE: "It no longer exists.",
        Forgotten.NOT_FORGETTABLE: f"The job is {job.state.value} ({job.state.sentence}): it can't be forgotten.",
    }
    say(why[outcome])
    return 1
