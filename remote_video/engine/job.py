"""The life of one job, from top to bottom: claim, settle, prepare, submit, follow, fetch, store."""

from __future__ import annotations

import logging
from functools import partial

from .. import errors
from ..errors import Billed, JobExpired, JobUncertain, LedgerError, RemoteVideoError
from ..ledger.ledger import Lease, Ledger
from ..ledger.lifecycle import Action, Event, IllegalTransition, State
from ..ledger.record import JobRecord, on_run
from ..providers.status import JobState, TransientError
from .another_key import made_with_another_key, told_of
from .fetch import Fetcher
from .follow import Follower
from .offers import still_taken
from .purse import affordable
from .reuse import copied_before, had
from .saved import read_only
from .submit import submit, uploaded
from .tools import Tools

HAVE_A_CLIP = (Action.REUSE, Action.FETCH, Action.ASK_PROVIDER)
"""A clip that was saved once is looked for here and in the clip store before its provider is asked."""
GOES_ON = "The job goes on and its clip is downloaded then; running again with the same inputs submits nothing."

_log = logging.getLogger("remote_video")


async def make(tools: Tools) -> JobRecord:
    """Make the clip that was ordered, or find it again; the row of the stored clip.

    Raises:
        RemoteVideoError: what happened, whether it was billed, what to do next. Of the clip store only that it can't
            be, before anything is submitted: its trouble is nobody's fault.
        Unwanted: the job was no longer wanted before anything was submitted.
        LeaseLost: another engine took the job over while this one slept.
    """
    if (saved := await tools.keep(partial(read_only, order=tools.order))) is not None:
        return saved
    if (saved := await copied_before(tools)) is not None:
        return saved
    async with tools.lease() as lease:
        record = await settle(tools, lease)
        action = on_run(record)
        if action is Action.SUBMIT and record is not None and (tools.shared or tools.order.request is None):
            raise stored_error(record)
        if action is Action.ASK_USER and record is not None:
            raise stored_error(record)
        if record is not None and record.was_saved and action in HAVE_A_CLIP:
            if (saved := await had(tools, lease, record)) is not None:
                return saved
            if action is Action.REUSE:
                record = await tools.keep(lambda ledger: ledger.record(lease, Event.FILE_MISSING))
        try:
            status = None
            if action is Action.ASK_PROVIDER:
                record = await found_again(tools, lease, _known(record))
            if action is Action.SUBMIT and tools.order.request is not None:
                record = None  # an earlier try's
                tools.show("preparing the request")
                offer = tools.engine.offers.ask(tools.order)
                if tools.order.estimate is not None:
                    tools.purse.ask(tools)
                await tools.call(tools.pools.preparations, tools.order.request.encode)
                if tools.others_clip is not None:
                    tools.order.request.file_notices.append(told_of(tools.others_clip))
                await still_taken(tools, offer)
                if tools.order.settings.clips_url:
                    await tools.call(
                        tools.pools.preparations, partial(tools.engine.sharing.opened, tools.order.settings)
                    )
                async with tools.in_flight(is_new=True), uploaded(tools) as upload:
                    async with affordable(tools):
                        record = await submit(tools, lease, upload)
                    status = await Follower(tools, lease, record).until_finished(just_submitted=True)
            elif action in (Action.FOLLOW, Action.ASK_PROVIDER):
                async with tools.in_flight(is_new=False), uploaded(tools, record):
                    status = await Follower(tools, lease, _known(record)).until_finished(just_submitted=False)
            elif action is Action.FETCH:
                async with uploaded(tools, record):
                    pass  # the worker that saw its end had no time to remove them
            return await Fetcher(tools, lease, _known(record)).bring(status)
        except RemoteVideoError as error:
            name_the_job(error, record)
            raise


def _known(record: JobRecord | None) -> JobRecord:
    if record is None:
        raise RuntimeError("a job without a row is submitted, and nothing else")
    return record


async def settle(tools: Tools, lease: Lease) -> JobRecord | None:
    """The job's row, with what the journal has of it; an intent whose engine died in the middle is uncertain."""
    for entry in await tools.call(tools.pools.ledger, partial(tools.journal.entries, tools.key)):
        await tools.keep(partial(tools.journal.tell, entry, lease=lease))
    record = await tools.keep(lambda ledger: ledger.get(tools.key))
    if on_run(record) is Action.SUBMIT:
        record = await made_with_another_key(tools, lease) or record
    if record is None or record.state is not State.INTENT:
        return record
    return await tools.keep(lambda ledger: write_lost(ledger, lease, record))


def write_lost(ledger: Ledger, lease: Lease, record: JobRecord) -> JobRecord:
    """Write down that an intent's engine died in the middle, unless it lives after all and its answer came just now."""
    what = f"The request was being sent to {record.provider} when ComfyUI ended: the job may or may not exist."
    try:
        return ledger.record(lease, Event.LOST, error=what, error_kind=JobUncertain.__name__)
    except IllegalTransition:
        return ledger.get(lease.key) or record


async def found_again(tools: Tools, lease: Lease, record: JobRecord) -> JobRecord:
    """Ask whether the provider knows an expired job after all. Raises the error it ended with when it doesn't."""
    try:
        status = await tools.ask(lambda: tools.order.client.status(record.request_id or ""))
    except TransientError:
        raise stored_error(record) from None
    if status.state is JobState.NOT_FOUND:
        raise stored_error(record)
    return await tools.keep(lambda ledger: ledger.record(lease, Event.FOUND))


def stored_error(record: JobRecord) -> RemoteVideoError:
    """The error a job ended with, again, from what the ledger kept of it."""
    kind = errors.kind_named(record.error_kind or "")
    if kind is None:
        kind = JobUncertain if record.state is State.UNCERTAIN else JobExpired
    return kind(record.error or record.state.sentence, request_id=record.request_id)


def name_the_job(error: RemoteVideoError, record: JobRecord | None) -> None:
    """Let an error that came after a job was accepted say which job that is; a ledger's also that it is not lost."""
    if record is None or record.request_id is None or error.request_id is not None:
        return
    error.request_id = record.request_id
    if isinstance(error, LedgerError):
        error.billed = Billed.YES
        error.next_step = f"{error.next_step} {GOES_ON}"
