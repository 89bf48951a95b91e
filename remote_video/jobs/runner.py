"""A run: find out what is already paid for, submit only what isn't, wait, and bring the clip home."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import JobExpired, JobUncertain, RemoteVideoError, Stopped
from ..models.request import Request
from ..providers import connect
from ..providers.status import CancelOutcome, JobState, JobStatus, Submission
from ..settings import Settings
from ..uploads import Upload, choose
from . import slots
from .context import RunContext, StopPressed
from .fetch import Fetcher, drop_part
from .follow import Follower
from .host import Host
from .ledger import Ledger
from .lifecycle import ON_RUN, Event, Run, State
from .output_file import Target, target
from .owner import new_owner, retire
from .record import JobRecord, NewJob
from .submit import TurnedAway, learnt_but_unwritten, pause_before_next_try, post_once, write_accepted
from .workers import LEDGER, QUESTIONS, SUBMISSIONS

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
    place = await QUESTIONS.run(lambda: target(output_folder, filename_prefix))
    run, upload = await SUBMISSIONS.run(lambda: _prepare(request, settings, host, temp_folder, node_id))
    return await JobRun(request, run, upload, place, settings.max_parallel).to_the_end()


def _prepare(
    request: Request, settings: Settings, host: Host, temp_folder: Path, node_id: str
) -> tuple[RunContext, Upload]:
    upload = choose(settings, temp_folder)
    provider, account_key = connect(request.model.provider, settings)
    ledger = Ledger(settings.home)
    key = request.key(provider.identity, ledger.account_tag(account_key))
    model = request.model
    job = NewJob(provider.name, provider.identity, model.model_id, model.name, request.take, node_id)
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
        self._posting: Future[JobRecord] | None = None
        self._submitted = False
        self._claimed = False
        self._holds_place = False

    async def to_the_end(self) -> StoredClip:
        """See `make_clip`."""
        try:
            shared = await self._claim()
            record = await self._stored(shared)
        except StopPressed:
            raise Stopped(await self._after_stop()) from None
        finally:
            self._leave()
        return StoredClip(
            Path(record.path or ""), record.request_id or "", not self._submitted, cost_usd=record.cost_usd
        )

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
        record = await run.keep(lambda: run.ledger.get(run.key))
        if record is None or record.state is not State.INTENT:
            return record
        learnt = learnt_but_unwritten(run.key)
        if learnt is not None:
            return await run.keep(partial(write_accepted, run, learnt))
        what = f"The request was being sent to {run.provider.name} when ComfyUI ended: the job may or may not exist."
        return await self._write(Event.LOST, error=what, error_kind=JobUncertain.__name__)

    async def _submit(self) -> JobRecord:
        """Submit, trying again only what was certainly not accepted."""
        run = self._run
        run.say("preparing the request")
        submission = await run.call(lambda: run.provider.prepare(self._request, self._upload), SUBMISSIONS)
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
        """POST on a thread. Stop waits for its answer, so that the id is known."""
        self._posting = SUBMISSIONS.start(lambda: post_once(self._run, submission))
        waiting = asyncio.wrap_future(self._posting)
        give_up: float | None = None
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=self._run.patience.stop_check)
                if self._run.host.stopped() and give_up is None:
                    self._run.say("stopping: waiting for the provider's answer, to know the job's id")
                    give_up = time.monotonic() + self._run.patience.stop_answer
                if give_up is not None and not waiting.done() and time.monotonic() > give_up:
                    raise StopPressed
            record = waiting.result()
        finally:
            waiting.cancel()
        self._submitted = True
        return record

    async def _follow(self, record: JobRecord) -> JobStatus:
        run, request_id = self._run, record.request_id or ""
        usual = await run.keep(lambda: run.ledger.usual_seconds(run.job.model_id, run.job.base))
        self._follower = Follower(run, request_id, usual)
        status = await self._follower.until_finished()
        self._free_place()
        await QUESTIONS.run(self._upload.discard)
        return status

    async def _found_again(self, record: JobRecord) -> JobRecord:
        status = await Follower(self._run, record.request_id or "", None).ask()
        if status.state is JobState.GONE:
            raise told_before(record)
        return await self._write(Event.FOUND)

    async def _write(self, event: Event, **facts: Any) -> JobRecord:
        run = self._run
        return await run.keep(lambda: run.ledger.record(run.key, event, **facts))

    # -- leaving ---------------------------------------------------------------------------------------------------

    async def _after_stop(self) -> str:
        """Cancel what can be cancelled, and say what became of the job."""
        run = self._run
        if not self._claimed:
            return "Stopped. Another run of the same clip goes on."
        record = await run.keep(lambda: run.ledger.get(run.key))
        state, name = (record.state if record else None), run.provider.name
        if record is None or state in (State.REFUSED, State.FAILED, State.CANCELLED):
            return "Stopped before anything was accepted by the provider. Nothing was billed."
        if state is State.INTENT:
            return f"Stopped while the request was being sent to {name}; Run again tells what became of it."
        if state is not State.SUBMITTED:
            return f"Stopped. {name} has finished the clip ({record.request_id}): Run again only downloads it."
        outcome = await self._cancelled(record)
        if outcome is CancelOutcome.CANCELLED:
            return f"Stopped, and the queued job {record.request_id} was cancelled at {name}."
        why = {
            CancelOutcome.NOT_CANCELLABLE: "is already running and can't be cancelled",
            CancelOutcome.NOT_OFFERED: f"goes on: {name} offers no way to cancel",
            CancelOutcome.UNKNOWN: f"may go on: {name} did not answer the request to cancel",
        }[outcome]
        return f"Stopped. The job {record.request_id} {why}. Run again with the same inputs picks it up, unbilled."

    async def _cancelled(self, record: JobRecord) -> CancelOutcome:
        if self._follower is not None and self._follower.seen is JobState.RUNNING:
            return CancelOutcome.NOT_CANCELLABLE
        asked = asyncio.wrap_future(QUESTIONS.start(lambda: _cancel(self._run, record.request_id or "")))
        try:
            done, _ = await asyncio.wait({asked}, timeout=self._run.patience.cancel_answer)
            return asked.result() if done else CancelOutcome.UNKNOWN
        finally:
            asked.cancel()

    def _leave(self) -> None:
        """Let others work on the job; a submission still under way keeps it until its answer is written down."""
        self._free_place()
        if self._posting is not None and not self._posting.done():
            self._posting.add_done_callback(lambda _: self._let_go())
        else:
            self._let_go()

    def _let_go(self) -> None:
        run = self._run
        retire(run.owner)
        if self._claimed:
            LEDGER.start(lambda: run.ledger.release(run.key, run.owner))


def _cancel(run: RunContext, request_id: str) -> CancelOutcome:
    """Ask to cancel and write down that it was; on a thread, so that a late answer is still written down."""
    outcome = run.provider.cancel(request_id)
    if outcome is CancelOutcome.CANCELLED:
        facts: dict[str, Any] = {"error": "Cancelled by Stop.", "error_kind": "JobCancelled"}
        run.ledger.record(run.key, Event.CANCELLED, about=request_id, finished_at=time.time(), **facts)
    return outcome


def told_before(record: JobRecord) -> RemoteVideoError:
    """The error a job ended with, again, from what the ledger kept of it."""
    kind = getattr(errors, record.error_kind or "", JobUncertain if record.state is State.UNCERTAIN else JobExpired)
    error: RemoteVideoError = kind(record.error or record.state.sentence, request_id=record.request_id)
    return error


def _is_on_disk(record: JobRecord) -> bool:
    path = Path(record.path or "")
    return path.is_file() and path.stat().st_size == record.bytes
