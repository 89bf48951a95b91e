"""Submitting a job: the one step that costs money, and is never repeated once a byte of it was sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from ..backoff import backoff
from ..errors import (
    AccountError,
    Billed,
    JobUncertain,
    LedgerError,
    NotSent,
    RateLimited,
    RemoteVideoError,
    SettingsError,
)
from ..ledger.journal import Entry
from ..ledger.ledger import Lease, LeaseLost
from ..ledger.lifecycle import Event
from ..ledger.places import NoPlace
from ..ledger.record import JobRecord
from ..providers.client import Submission
from ..uploads import DataUri, Upload, choose
from ..uploads.names import our_names
from .tools import Tools, Unwanted

MAX_TRIES = 5
LEDGER_TRIES = 5
MAY_STILL_BE_NEEDED = (JobUncertain, LedgerError, LeaseLost, AccountError, SettingsError, asyncio.CancelledError)
"""Ends of a submission, or of following it, after which the provider may still fetch the images, if it has a job."""

Attempt = Callable[..., Entry]
"""What is said about an attempt, except for its outcome."""
KEPT = (
    "Its id is kept in {} and is recorded automatically as soon as possible, also after a restart: the job is "
    "then followed and its clip downloaded. Running again submits nothing."
)
KEPT_IN_MEMORY = (
    "Its id is only in memory, because {} can't be written either. Free some space or make the folder writable "
    "before you close ComfyUI: the job is then followed automatically. Running again submits nothing."
)

_log = logging.getLogger("remote_video")


@asynccontextmanager
async def uploaded(tools: Tools, record: JobRecord | None = None) -> AsyncIterator[Upload]:
    """A way to show the images to the provider; what was shown is taken back when no job needs it any more.

    Args:
        record: of a job that was submitted before, whose images an earlier run may have left there.
    """
    upload = _upload(tools, record)
    try:
        yield upload
    except MAY_STILL_BE_NEEDED as error:
        if getattr(error, "billed", None) is Billed.NO:
            tools.pools.questions.start(upload.discard)
        raise
    except BaseException:
        tools.pools.questions.start(upload.discard)
        raise
    tools.pools.questions.start(upload.discard)


def _upload(tools: Tools, record: JobRecord | None) -> Upload:
    order, left = tools.order, our_names(record.uploads) if record else []
    if record is not None and not left:
        return DataUri()
    try:
        upload = choose(order.provider_id, order.settings, order.temp_folder)
    except SettingsError as error:
        if record is None:
            raise
        _log.warning("The images of %s can't be removed from where they were put: %s", record.request_id, error.what)
        return DataUri()
    upload.adopt(left)
    return upload


async def submit(tools: Tools, lease: Lease, upload: Upload) -> JobRecord:
    """Build the body, which nothing keeps afterwards, and submit; again only what was certainly not accepted.

    Raises:
        Unwanted, LeaseLost: nothing was sent.
        RemoteVideoError: a definite refusal, no connection, or an unknown outcome (JobUncertain).
    """
    client, request, timeouts = tools.order.client, tools.order.request, tools.timeouts
    if request is None:
        raise RuntimeError("a job that is only picked up is never submitted")
    submission = await tools.call(tools.pools.preparations, lambda: client.prepare(request, upload))
    for notice in request.file_notices:
        tools.say(notice)
    if upload.names:
        tools.order = replace(tools.order, job=replace(tools.order.job, uploads=" ".join(upload.names)))
    for attempt in range(MAX_TRIES):
        try:
            return await _post_when_wanted(tools, lease, submission)
        except (NotSent, RateLimited) as error:
            asked_for = (error.retry_after if isinstance(error, RateLimited) else None) or 0.0
            pause = backoff(attempt, timeouts.retry_pause, timeouts.longest_retry_after, at_least=asked_for)
            is_noted = not await tools.call(tools.pools.ledger, partial(tools.journal.entries, tools.key))
            if attempt == MAX_TRIES - 1 or asked_for > timeouts.longest_retry_after or not is_noted:
                raise
            tools.show(f"{error.what} Trying again in {pause:.0f} s")
        await tools.wanted_pause(pause)
    raise AssertionError("the last try returns or raises")


async def _post_when_wanted(tools: Tools, lease: Lease, submission: Submission) -> JobRecord:
    record = None
    while record is None:
        await tools.check_wanted()
        estimate = None if tools.order.job.sandbox else tools.order.estimate
        tools.show(f"submitting, {estimate.words}" if estimate else "submitting")
        try:
            record = await tools.post(partial(post_once, tools, lease, submission))
        except NoPlace:
            tools.limits.places.are_taken()
            await tools.free_place()
    tools.was_accepted(record)
    return record


def post_once(tools: Tools, lease: Lease, submission: Submission) -> JobRecord | None:
    """Record the intent, POST once, record the outcome: one function on one thread, whoever waits.

    Returns:
        The row of the accepted job; None if it was no longer wanted, and nothing was sent.

    Raises:
        BudgetReached: it would cost more than the user's budget has left; nothing was sent.
        NoPlace: the limit of jobs in flight is reached, here and elsewhere; nothing was sent.
        NotSent, RateLimited: not accepted for now.
        JobUncertain: no usable answer; only the user may have it tried again.
        RemoteVideoError: a definite refusal.
        LedgerError: the intent could not be written (nothing was sent), or the accepted id could not (it is told,
            and kept in the journal).
        Unwanted: the engine is ending.
        LeaseLost: another engine works on the job; nothing was sent, or the answer was no.
    """
    if tools.engine.ended.is_set():
        raise Unwanted
    if not tools.is_wanted:
        return None
    clock = tools.ledger.now
    attempt = _begun(tools, lease, clock())
    try:
        request_id = tools.order.client.submit(submission)
    except JobUncertain as lost:
        _note(tools, lease, _ended(attempt, clock(), Event.LOST, lost))
        raise
    except RemoteVideoError as refusal:
        _note(tools, lease, _ended(attempt, clock(), Event.TURNED_DOWN, refusal))
        raise
    except BaseException as bug:
        fault = JobUncertain(f"The submission ended in a fault of this pack ({type(bug).__name__}).")
        _note(tools, lease, _ended(attempt, clock(), Event.LOST, fault))
        raise
    return _write_accepted(tools, attempt(event=Event.ACCEPTED, at=clock(), request_id=request_id))


def _begun(tools: Tools, lease: Lease, now: float) -> Attempt:
    """Write down the intent, as of that moment by the ledger's clock.

    Raises:
        LedgerError: nothing is sent. If the intent may be in the ledger all the same, the journal says so.
    """
    order = tools.order
    attempt = partial(Entry, key=lease.key, fence=lease.fence, begun_at=now, job=order.job)
    try:
        begun = tools.ledger.begin(lease, order.job, order.budget(), most=order.settings.max_parallel, at=now)
    except LedgerError as trouble:
        if trouble.outcome_unknown:
            tools.journal.keep(_ended(attempt, now, Event.TURNED_DOWN, trouble))
        raise
    return partial(attempt, begun_at=begun.created_at, attempt=begun.attempt)


def _ended(attempt: Attempt, at: float, event: Event, error: RemoteVideoError) -> Entry:
    return attempt(event=event, at=at, error=error.what, error_kind=type(error).__name__)


def _note(tools: Tools, lease: Lease, entry: Entry) -> None:
    """Write down that a submission came to nothing; what the ledger refuses is written when it can be."""
    facts: dict[str, Any] = {"error": entry.error, "error_kind": entry.error_kind, "finished_at": entry.at}
    try:
        tools.ledger.record(lease, entry.event, **facts)
    except LedgerError as trouble:
        _log.error("A submission was %s, but that can't be written down: %s", entry.event.value, trouble.what)
        tools.journal.keep(entry)


def _write_accepted(tools: Tools, entry: Entry) -> JobRecord:
    """Into the journal first: the process may end while a ledger that is slow or away is waited for."""
    provider, request_id, journal = tools.order.job.provider, entry.request_id or "", tools.journal
    is_kept = journal.keep(entry)
    for attempt in range(LEDGER_TRIES):
        try:
            record = tools.ledger.accepted(entry.key, entry.job, request_id, at=entry.at)
        except LedgerError as error:
            trouble = error
            _log.error("%s accepted the job %s, but that can't be written down: %s", provider, request_id, error.what)
            if attempt < LEDGER_TRIES - 1:
                time.sleep(tools.timeouts.ledger_pause)
        else:
            journal.drop(entry)
            return record
    raise LedgerError(
        f"{provider} accepted the job, but its id could not be written down: {trouble.what}",
        billed=Billed.YES,
        next_step=KEPT.format(journal.folder) if is_kept else KEPT_IN_MEMORY.format(journal.folder),
        request_id=request_id,
    )
