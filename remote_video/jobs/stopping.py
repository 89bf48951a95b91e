"""After Stop: cancel what can be cancelled, and say what became of the job."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from ..errors import LedgerError
from ..providers.status import CancelOutcome, JobState
from .context import RunContext
from .lifecycle import Event, State
from .record import JobRecord
from .workers import QUESTIONS

_log = logging.getLogger("remote_video")
_NOTHING_THERE = frozenset({State.REFUSED, State.FAILED, State.CANCELLED})
_CLIP_THERE = frozenset({State.FINISHED, State.STORED})


@dataclass(frozen=True)
class Parting:
    """What became of a job whose run was stopped.

    Args:
        sentence: for the user.
        job_goes_on: whether the provider may still be at work on it.
    """

    sentence: str
    job_goes_on: bool


async def part_with(run: RunContext, seen: JobState | None) -> Parting:
    """Cancel the job if it is queued, and say what became of it.

    Args:
        seen: where the provider last said the job is; a running one is not asked to be cancelled, since it can't be.
    """
    name = run.provider.name
    try:
        record = await run.keep(lambda: run.ledger.get(run.key))
    except LedgerError as error:
        return Parting(f"Stopped. What became of the job can't be said now: {error.what}", job_goes_on=True)
    state = record.state if record else None
    if record is None or state in _NOTHING_THERE:
        return Parting("Stopped before anything was accepted by the provider. Nothing was billed.", job_goes_on=False)
    if state is State.INTENT:
        sentence = f"Stopped while the request was being sent to {name}; Run again tells what became of it."
        return Parting(sentence, job_goes_on=True)
    if state in _CLIP_THERE:
        sentence = f"Stopped. {name} has finished the clip ({record.request_id}): Run again only downloads it."
        return Parting(sentence, job_goes_on=False)
    if state is not State.SUBMITTED:
        return Parting(f"Stopped; nothing was submitted. The job is {record.state.sentence}.", job_goes_on=True)
    return await _cancel_submitted(run, record, seen)


async def _cancel_submitted(run: RunContext, record: JobRecord, seen: JobState | None) -> Parting:
    name = run.provider.name
    outcome = CancelOutcome.NOT_CANCELLABLE if seen is JobState.RUNNING else await _answer_in_time(run, record)
    if outcome is CancelOutcome.CANCELLED:
        sentence = f"Stopped, and the queued job {record.request_id} was cancelled at {name}."
        return Parting(sentence, job_goes_on=False)
    why = {
        CancelOutcome.NOT_CANCELLABLE: "is already running and can't be cancelled",
        CancelOutcome.NOT_OFFERED: f"goes on: {name} offers no way to cancel",
        CancelOutcome.UNKNOWN: f"may go on: {name} did not answer the request to cancel",
    }[outcome]
    sentence = f"Stopped. The job {record.request_id} {why}. Run again with the same inputs picks it up, unbilled."
    return Parting(sentence, job_goes_on=True)


async def _answer_in_time(run: RunContext, record: JobRecord) -> CancelOutcome:
    asked = asyncio.wrap_future(run.start(lambda: _cancel(run, record.request_id or ""), QUESTIONS))
    try:
        done, _ = await asyncio.wait({asked}, timeout=run.patience.cancel_answer)
        return asked.result() if done else CancelOutcome.UNKNOWN
    finally:
        asked.cancel()


def _cancel(run: RunContext, request_id: str) -> CancelOutcome:
    """Ask to cancel and write down that it was; on a thread, so that a late answer is still written down."""
    outcome = run.provider.cancel(request_id)
    if outcome is CancelOutcome.CANCELLED:
        facts: dict[str, Any] = {
            "finished_at": time.time(),
            "error": "Cancelled by Stop.",
            "error_kind": "JobCancelled",
        }
        try:
            run.ledger.record(run.key, Event.CANCELLED, about=request_id, **facts)
        except LedgerError as error:
            _log.warning("The job %s was cancelled, but that can't be written down: %s", request_id, error.what)
    return outcome
