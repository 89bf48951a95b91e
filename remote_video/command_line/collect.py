"""`collect` and `cancel`: earlier jobs are downloaded or cancelled. Nothing is submitted."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import replace

from ..console import say
from ..engine.engine import Engine
from ..errors import JobCancelled, RemoteVideoError
from ..ledger.ledger import Ledger
from ..ledger.lifecycle import State
from ..ledger.record import JobRecord
from ..providers.status import CancelOutcome
from .clip import Looker, Outcome
from .session import Progress, engine_for, run
from .surroundings import LIFE_SIGN_WITHIN_S, LOOK_S, settings_with_ledger, the_job

WHY_IT_GOES_ON = {
    CancelOutcome.NOT_CANCELLABLE: "it is already running, and goes on",
    CancelOutcome.NOT_OFFERED: "the provider offers no way to cancel; it goes on",
    CancelOutcome.UNKNOWN: "the provider gave no usable answer; it may go on",
}


def cancel_command(options: argparse.Namespace) -> int:
    """Ask the provider to cancel a job, also one that another process follows."""
    settings = replace(settings_with_ledger(options), collect=False)
    job = the_job(Ledger.of(settings), options.key)
    if job.state is not State.SUBMITTED:
        say(f"The job is {job.state.value} ({job.state.sentence}): nothing to cancel.")
        return 1
    with Progress() as progress, engine_for(settings) as engine:
        sentence, is_cancelled = run(engine, lambda: _cancel(engine, job, progress))
    say(sentence, sys.stdout if is_cancelled else sys.stderr)
    return 0 if is_cancelled else 1


async def _cancel(engine: Engine, job: JobRecord, progress: Progress) -> tuple[str, bool]:
    order = await engine.collector.order_of(job.key)
    if order is None:
        return f"The job {job.request_id} belongs to an account whose key is not set.", False
    outcome = await engine.ask_to_cancel(order.client, job.request_id or "", order.settings.timeouts)
    if outcome is not CancelOutcome.CANCELLED:
        return f"Not cancelled: {WHY_IT_GOES_ON[outcome]} ({job.request_id}). `collect` downloads its clip.", False
    try:  # the engine that follows it records that
        await engine.watch(order, Looker(progress)).clip()
    except JobCancelled:
        return f"The job {job.request_id} was cancelled at {job.provider}; it is not billed.", True
    return f"The job {job.request_id} could not be cancelled any more; its clip is here.", False


def collect_command(options: argparse.Namespace) -> int:
    """Bring home what was paid for and is not here yet; submits nothing."""
    settings = replace(settings_with_ledger(options), collect=False)
    if options.within is not None:
        settings = replace(settings, timeout_s=options.within)
    outcomes: list[Outcome] = []
    with Progress() as progress, engine_for(settings) as engine:
        run(engine, lambda: _collect(engine, progress, outcomes, options.json))
    here = sum(outcome.clip is not None for outcome in outcomes)
    say(f"Collected: {here}. Not: {len(outcomes) - here}." if outcomes else "Nothing to collect.")
    return 0 if here == len(outcomes) else 1


async def _collect(engine: Engine, progress: Progress, outcomes: list[Outcome], as_json: bool) -> None:
    """Follow all there is, and what comes meanwhile."""
    ledger, seen = Ledger.of(engine.settings()), set[str]()
    until = time.monotonic() + LIFE_SIGN_WITHIN_S

    async def bring(job: JobRecord) -> None:
        label, began, clip, error = f"{job.model_name} {job.request_id}: ", time.monotonic(), None, None
        if (order := await engine.collector.order_of(job.key)) is None:
            progress.line(f"{label}its key is not set here, left alone")
            return
        try:
            clip = await engine.watch(order, Looker(progress, label)).clip()
        except RemoteVideoError as failure:
            error = failure
        outcome = Outcome(job.key, time.monotonic() - began, clip, error)
        outcomes.append(outcome)
        if as_json:
            told = await asyncio.wrap_future(engine.pools.downloads.start(outcome.as_json))
            print(json.dumps({**told, **({"state": "collected"} if clip else {})}), flush=True)
        elif clip:
            print(clip.path, flush=True)
            for line in clip.more:
                progress.line(label + line)
        if error:
            progress.line(label + " ".join(str(outcome.error).split()))

    def look() -> tuple[list[JobRecord], bool]:
        engine.collector.settle(ledger)
        return ledger.unfinished(), bool(ledger.recent(1, State.INTENT))

    while True:
        found, is_being_submitted = await asyncio.wrap_future(engine.pools.ledger.start(look))
        new = [job for job in found if job.key not in seen]
        if not new and (not is_being_submitted or time.monotonic() > until):
            return
        seen.update(job.key for job in new)
        await asyncio.gather(asyncio.sleep(0 if new else LOOK_S), *map(bring, new))
