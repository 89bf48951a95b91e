"""Submitting a job: the one step that costs money, and is never repeated once a byte of it has left."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from ..errors import JobUncertain, LedgerError, ProviderBusy, RemoteVideoError
from ..patience import Patience
from ..providers.status import Busy, NotSent, Submission
from .context import RunContext
from .lifecycle import Event
from .record import JobRecord

MAX_TRIES = 5
LEDGER_TRIES = 5

_log = logging.getLogger("remote_video")


@dataclass(frozen=True)
class Outcome:
    """What came of a submission.

    Args:
        event: accepted, turned down or lost.
        request_id: the provider's id; only when it was accepted.
        error: what the user is told; only when it was not.
    """

    event: Event
    request_id: str | None = None
    error: RemoteVideoError | None = None


_unwritten: dict[str, Outcome] = {}
"""What came of submissions that could not be written down, by job key."""
_unwritten_lock = threading.Lock()


class TurnedAway(Exception):
    """Not accepted, for a reason that may pass; it may be tried again.

    Args:
        error: what to tell the user when trying again is no use.
        retry_after: how long the provider asks to wait, s.
    """

    def __init__(self, error: ProviderBusy, retry_after: float | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def post_once(run: RunContext, submission: Submission) -> JobRecord:
    """Write down the intent, POST once, write down what came of it. Blocks; goes on when nobody waits for it.

    Raises:
        TurnedAway: not accepted for now.
        JobUncertain: no usable answer; only the user may have it tried again.
        RemoteVideoError: a definite refusal.
        LedgerError: the intent could not be written (nothing was sent), or the accepted id could not (it is told).
        StopPressed, ClaimLost: nothing was sent.
    """
    run.check_stop()
    run.ledger.begin(run.key, run.job, run.owner)
    try:
        request_id = run.provider.submit(submission)
    except (NotSent, Busy) as turned_away:
        error = _busy(turned_away, run.provider.name)
        if not _write_down(run, Outcome(Event.TURNED_DOWN, error=error)):
            raise error from turned_away
        raise TurnedAway(error, getattr(turned_away, "retry_after", None)) from turned_away
    except JobUncertain as lost:
        _write_down(run, Outcome(Event.LOST, error=lost))
        raise
    except RemoteVideoError as refusal:
        _write_down(run, Outcome(Event.TURNED_DOWN, error=refusal))
        raise
    except BaseException as bug:
        fault = JobUncertain(f"The submission ended in a fault of this pack ({type(bug).__name__}).")
        _write_down(run, Outcome(Event.LOST, error=fault))
        raise
    return _write_accepted(run, request_id)


def pause_before_next_try(turned_away: TurnedAway, attempt: int, patience: Patience) -> float:
    """How long to wait before submitting again, s. Raises the user's error when it is no use."""
    pause = max(patience.retry_pause * 2.0**attempt, turned_away.retry_after or 0.0)
    if attempt >= MAX_TRIES - 1 or pause > patience.longest_retry_after:
        raise turned_away.error from turned_away
    return pause


def unwritten_outcome(key: str) -> Outcome | None:
    """What this process knows of a submission beyond the ledger, because the disk refused it."""
    with _unwritten_lock:
        return _unwritten.get(key)


def write(run: RunContext, outcome: Outcome) -> JobRecord:
    """Write down what came of a submission; it is remembered until that has worked. Raises LedgerError."""
    with _unwritten_lock:
        _unwritten[run.key] = outcome
    facts: dict[str, Any] = {"request_id": outcome.request_id, "submitted_at": time.time()}
    if outcome.error is not None:
        what, kind = outcome.error.what, type(outcome.error).__name__
        facts = {"error": what, "error_kind": kind, "finished_at": time.time()}
    record = run.ledger.settle(run.key, run.job, outcome.event, **facts)
    with _unwritten_lock:
        _unwritten.pop(run.key, None)
    return record


def _write_down(run: RunContext, outcome: Outcome) -> bool:
    """Write down that a submission came to nothing; what it came to is told to the user either way."""
    try:
        write(run, outcome)
    except LedgerError as error:
        _log.error("A submission was %s, but that can't be written down: %s", outcome.event.value, error.what)
        return False
    return True


def _write_accepted(run: RunContext, request_id: str) -> JobRecord:
    for attempt in range(LEDGER_TRIES):
        try:
            return write(run, Outcome(Event.ACCEPTED, request_id))
        except LedgerError as error:
            trouble = error
            _log.error(
                "The job %s was accepted by %s but can't be written down: %s", request_id, run.provider.name, error.what
            )
            if attempt < LEDGER_TRIES - 1:
                time.sleep(run.patience.ledger_pause)
    raise LedgerError(
        f"{run.provider.name} accepted the job, but its id could not be written down: {trouble.what}",
        billed=JobUncertain.usual_billed,
        next_step="Make room or make the folder writable, then run again before ComfyUI is closed: it follows the job.",
        request_id=request_id,
    )


def _busy(turned_away: Exception, provider: str) -> ProviderBusy:
    if isinstance(turned_away, NotSent):
        return ProviderBusy(
            f"{provider} can't be reached ({turned_away}).",
            next_step="Check the network, then run again: the same inputs will be submitted.",
        )
    return ProviderBusy(f"{provider} turned the request away for now: {turned_away}")
