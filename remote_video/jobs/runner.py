"""A run: find out what is already paid for, submit only what isn't, wait, and bring the clip home."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import (
    AccountError,
    JobCancelled,
    JobExpired,
    JobFailed,
    JobUncertain,
    LedgerError,
    ModerationError,
    RemoteVideoError,
    StillRunning,
    Stopped,
)
from ..models.request import Request
from ..providers import connect
from ..providers.status import JobState, JobStatus, Passing, Submission
from ..settings import Settings
from ..uploads import Upload, choose
from . import slots
from .context import RunContext, StopPressed
from .fetch import Fetcher, drop_part
from .follow import Follower
from .host import Host
from .ledger import ClaimLost, Ledger
from .lifecycle import ON_RUN, TRANSITIONS, Event, Run, State
from .output_file import Target, target
from .owner import new_owner, retire
from .record import JobRecord, NewJob
from .stopping import part_with
from .submit import TurnedAway, pause_before_next_try, post_once, unwritten_outcome, write
from .workers import LEDGER, PREPARATIONS, QUESTIONS, SUBMISSIONS

_log = logging.getLogger("remote_video")

SHARED_LOOK_S = 0.25


@dataclass(frozen=True)
class StoredClip:
    """A clip on disk.

    Args:
        path: the provider's own file, byte for byte.
        request_id: the provider's id of the job.
        reused: True when this run submitted nothing.
        cost_usd: what it cost, USD, when the provider says.
    """

    path: Path
    request_id: str
    reused: bool
    cost_usd: float | None


async def make_clip(
    request: Request,
    *,
    settings: Settings,
    host: Host,
    output_folder: Path,
    filename_prefix: str,
    temp_folder: Path,
    node_id: str = "",
) -> StoredClip:
    """Make the clip of a request, or find it again.

    Args:
        request: checked and fitted.
        settings: where, with what patience.
        host: who shows the progress and knows of Stop.
        output_folder: nothing is saved outside it.
        filename_prefix: "folder/name" below it.
        temp_folder: the host's own, for images shown under a public origin.
        node_id: who asked, for the jobs panel.

    Raises:
        RemoteVideoError: what happened, whether it was billed, what to do next.
        Stopped: the user pressed Stop; says what became of the job.
    """
    place = await PREPARATIONS.run(lambda: target(output_folder, filename_prefix))
    run, upload = await PREPARATIONS.run(lambda: _prepare(request, settings, host, temp_folder, node_id))
    return await JobRun(request, run, upload, place, settings.max_parallel).to_the_end()


def _prepare(
    request: Request, settings: Settings, host: Host, temp_folder: Path, node_id: str
) -> tuple[RunContext, Upload]:
    upload = choose(settings, temp_folder)
    provider, account_key = connect(request.model.provider, settings)
    ledger = Ledger(settings.home)
    key = request.key(provider.identity, ledger.account_tag(account_key))
    model = request.model
    asked = request.key(provider.identity, account_tag="")
    job = NewJob(provider.name, provider.identity, model.model_id, model.name, request.take, node_id, asked)
    deadline = time.monotonic() + settings.timeout_s
    run = RunContext(
        key, job, new_owner(), provider, ledger, host, deadline, settings.patience, settings.max_clip_bytes
    )
    return run, upload


class JobRun:
    """One run of one job, from what the ledger says to the saved clip."""

    def __init__(self, request: Request, run: RunContext, upload: Upload, place: Target, max_parallel: int) -> None:
        self._request = request
        self._run = run
        self._upload = upload
        self._place = place
        self._max_parallel = max_parallel
        self._follower: Follower | None = None
        self._request_id: str | None = None
        self._submitted = False
        self._claimed = False
        self._holds_place = False
        self._images_are_out = False
        self._images_are_wanted = False

    async def to_the_end(self) -> StoredClip:
        """See `make_clip`."""
        try:
            record = await self._record()
        except StopPressed:
            raise Stopped(await self._after_stop()) from None
        except LedgerError as error:
            raise self._with_the_job(error) from error
        finally:
            self._leave()
        return StoredClip(
            Path(record.path or ""), record.request_id or "", not self._submitted, cost_usd=record.cost_usd
        )

    async def _record(self) -> JobRecord:
        shared = False
        while True:
            shared = await self._claim() or shared
            try:
                return await self._stored(shared)
            except ClaimLost:
                self._claimed, shared = False, True
                self._free_place()

    async def _claim(self) -> bool:
        """Become the one run that works on this job; True when another one was at it before."""
        run, shared = self._run, False
        while not await run.keep(lambda: run.ledger.claim(run.key, run.owner)):
            shared = True
            run.say("sharing the job of another run that asks for the same clip")
            await run.sleep(SHARED_LOOK_S)
        self._claimed = True
        return shared

    async def _stored(self, shared: bool) -> JobRecord:
        """Do what `lifecycle.ON_RUN` says for the state the job is in."""
        before = await self._settled()
        what = ON_RUN[before.state if before else None]
        if before is None or what is Run.SUBMIT:
            if before is not None and shared:
                raise told_before(before)
            what, record = Run.FOLLOW, await self._submit()
        else:
            record = before
        self._request_id = record.request_id
        if what is Run.ASK_USER:
            raise told_before(record)
        if what is Run.REUSE:
            if await self._run.keep(partial(_is_on_disk, record)):
                return await self._run.keep(partial(drop_part, self._run.ledger, record.key))
            record = await self._write(Event.FILE_MISSING)
            what = Run.FETCH
        if what is Run.ASK_PROVIDER:
            record = await self._found_again(record)
        status = await self._follow(record) if what is not Run.FETCH else None
        return await Fetcher(self._run, record, self._place).bring(status)

    async def _settled(self) -> JobRecord | None:
        """The job's row; an intent whose owner died in the middle is uncertain."""
        run = self._run
        record = await run.keep(lambda: run.ledger.get(run.key)) or await self._made_with_another_key()
        outcome = unwritten_outcome(run.key)
        if outcome is not None and (record is None or outcome.event in TRANSITIONS[record.state]):
            return await run.keep(partial(write, run, outcome))
        if record is None or record.state is not State.INTENT:
            return record
        what = f"The request was being sent to {run.provider.name} when ComfyUI ended: the job may or may not exist."
        return await self._write(Event.LOST, error=what, error_kind=JobUncertain.__name__)

    async def _made_with_another_key(self) -> JobRecord | None:
        """The same clip, paid for before the provider's key was changed: it is not paid for again."""
        run = self._run
        other = await run.keep(lambda: run.ledger.under_another_key(run.key, run.job.asked))
        if other is None or not await self._is_within_reach(other):
            return None
        return await run.keep(lambda: run.ledger.take_over(other, run.key))

    async def _is_within_reach(self, other: JobRecord) -> bool:
        """Whether this key's account can still have that job: its file is here, or the provider knows it."""
        if other.state is State.STORED and await self._run.keep(partial(_is_on_disk, other)):
            return True
        if other.state not in (State.STORED, State.SUBMITTED, State.FINISHED):
            return True
        try:
            status = await Follower(self._run, other.request_id or "", None).ask()
        except (Passing, AccountError):
            return False
        return status.state is not JobState.GONE

    async def _submit(self) -> JobRecord:
        """Submit, trying again only what was certainly not accepted."""
        run = self._run
        run.say("preparing the request")
        self._images_are_out = True
        submission = await run.call(lambda: run.provider.prepare(self._request, self._upload), PREPARATIONS)
        for notice in submission.notices:
            run.host.say(notice)
        await self._take_place()
        attempt = 0
        while True:
            run.check_stop()
            run.say("submitting")
            try:
                return await self._post(submission)
            except TurnedAway as turned_away:
                pause = pause_before_next_try(turned_away, attempt, run.patience)
                run.say(f"{turned_away.error.what} Trying again in {pause:.0f} s")
                await run.sleep(pause)
                attempt += 1

    async def _take_place(self) -> None:
        while not slots.take(self._run.provider.identity, self._max_parallel):
            self._run.say(f"waiting for a free place ({self._max_parallel} jobs are in flight)")
            await self._run.sleep(SHARED_LOOK_S)
        self._holds_place = True

    def _free_place(self) -> None:
        if self._holds_place:
            self._holds_place = False
            slots.give_back(self._run.provider.identity)

    async def _post(self, submission: Submission) -> JobRecord:
        """POST on a thread. Stop waits for its answer, so that the id is known; one that has not begun is dropped."""
        run = self._run
        self._images_are_wanted = True
        posting = run.start(lambda: post_once(run, submission), SUBMISSIONS)
        waiting = asyncio.wrap_future(posting)
        give_up: float | None = None
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=run.patience.stop_check)
                if waiting.done() or not run.host.stopped():
                    continue
                if posting.cancel() or (give_up is not None and time.monotonic() > give_up):
                    raise StopPressed
                if give_up is None:
                    run.say("stopping: waiting for the provider's answer, to know the job's id")
                    give_up = time.monotonic() + run.patience.stop_answer
            record = waiting.result()
        except (JobUncertain, LedgerError, StopPressed):
            raise
        except (RemoteVideoError, TurnedAway):
            self._images_are_wanted = False
            raise
        finally:
            waiting.cancel()
        self._submitted, self._request_id = True, record.request_id
        return record

    async def _follow(self, record: JobRecord) -> JobStatus:
        run, request_id = self._run, record.request_id or ""
        usual = await run.keep(lambda: run.ledger.usual_seconds(run.job.model_id, run.job.base))
        self._follower = Follower(run, request_id, usual)
        try:
            status = await self._follower.until_finished()
        except (JobFailed, ModerationError, JobCancelled, JobExpired):
            self._images_are_wanted = False
            raise
        self._images_are_wanted = False
        self._free_place()
        await QUESTIONS.run(self._upload.discard)
        self._images_are_out = False
        return status

    async def _found_again(self, record: JobRecord) -> JobRecord:
        try:
            status = await Follower(self._run, record.request_id or "", None).ask()
        except Passing:
            raise told_before(record) from None
        if status.state is JobState.GONE:
            raise told_before(record)
        return await self._write(Event.FOUND)

    async def _write(self, event: Event, **facts: Any) -> JobRecord:
        run = self._run
        return await run.keep(lambda: run.ledger.record(run.key, event, **facts))

    # -- leaving ---------------------------------------------------------------------------------------------------

    async def _after_stop(self) -> str:
        if not self._claimed:
            return "Stopped. Another run of the same clip goes on."
        parting = await part_with(self._run, self._follower.seen if self._follower else None)
        self._images_are_wanted = self._images_are_wanted and parting.job_goes_on
        return parting.sentence

    def _with_the_job(self, error: LedgerError) -> LedgerError:
        """The same error, for a job that was accepted before the ledger failed."""
        if self._request_id is None or error.request_id is not None:
            return error
        return LedgerError(
            error.what,
            billed=StillRunning.usual_billed,
            next_step="Make room or make the folder writable, then run again with the same inputs: it goes on with the "
            "same job and submits nothing.",
            request_id=self._request_id,
        )

    def _leave(self) -> None:
        """Let others work on the job, when the last call that was begun for it has ended."""
        self._free_place()
        if self._images_are_out and not self._images_are_wanted:
            QUESTIONS.start(self._upload.discard)
        self._run.leave(self._let_go)

    def _let_go(self) -> None:
        run = self._run
        retire(run.owner)
        if not self._claimed:
            return
        try:
            LEDGER.start(lambda: _release(run))
        except RuntimeError:
            _log.debug("ComfyUI is ending; this run's claim ends with it.")


def _release(run: RunContext) -> None:
    """Take the claim back, however long the disk refuses: other processes see this one live, and wait for it."""
    try:
        run.ledger.release(run.key, run.owner)
    except LedgerError as error:
        if not run.ledger.path.exists():
            return
        _log.debug("A claim can't be taken back yet: %s", error.what)
        again = threading.Timer(run.patience.ledger_pause, _release, [run])
        again.daemon = True
        again.start()


def told_before(record: JobRecord) -> RemoteVideoError:
    """The error a job ended with, again, from what the ledger kept of it."""
    kind = getattr(errors, record.error_kind or "", JobUncertain if record.state is State.UNCERTAIN else JobExpired)
    error: RemoteVideoError = kind(record.error or record.state.sentence, request_id=record.request_id)
    return error


def _is_on_disk(record: JobRecord) -> bool:
    path = Path(record.path or "")
    return path.is_file() and path.stat().st_size == record.bytes
