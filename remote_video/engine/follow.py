"""Following a job that was accepted, until the provider says how it ended, or the user has it cancelled."""

from __future__ import annotations

import logging
import time
from functools import partial

from ..errors import AccountError, Billed, JobCancelled, JobExpired, JobFailed, NoVideo, RemoteVideoError, SettingsError
from ..ledger.ledger import Lease, Ledger
from ..ledger.lifecycle import Event, State
from ..ledger.record import MAX_FILES, Facts, JobRecord, OtherFile, kept_others
from ..outside_text import quoted
from ..providers.status import CancelOutcome, JobState, JobStatus, OnlyPictures, TransientError
from .host import EventFact
from .pace import pause_before_question
from .tools import Tools

NOT_FOUND_ANSWERS = 3
"""A new id may not be known everywhere at once: only this many "no such job" in a row count."""
WHY_IT_GOES_ON = {
    CancelOutcome.NOT_CANCELLABLE: "is already running and can't be cancelled",
    CancelOutcome.NOT_OFFERED: "goes on: {provider} offers no way to cancel",
    CancelOutcome.UNKNOWN: "may go on: {provider} did not answer the request to cancel",
}

_log = logging.getLogger("remote_video")


class Follower:
    """Asks about one job, at its pace."""

    def __init__(self, tools: Tools, lease: Lease, record: JobRecord) -> None:
        self._tools = tools
        self._lease = lease
        self._request_id = record.request_id or ""
        self._provider = record.provider
        self._submitted_at = record.submitted_at
        self._accepted = time.monotonic()
        self._usual_s: float | None = None
        self._seen: JobState | None = None
        self._last = "accepted"
        self._undocumented: set[str] = set()
        self._pictures_since: float | None = None

    async def until_finished(self, *, just_submitted: bool) -> JobStatus:
        """Wait for the clip and write down how the job ended.

        Raises:
            JobFailed, ModerationError, JobCancelled, JobExpired, NoVideo: it ended without a clip.
            AccountError, SettingsError: the key is no longer accepted, or something has to be set on this machine; the
                job stays followable.
        """
        tools = self._tools
        job = tools.order.job
        usual = partial(Ledger.usual_seconds, model_id=job.model_id, base=job.base)
        self._usual_s, now = await tools.keep(lambda ledger: (usual(ledger), ledger.now()))
        self._accepted = time.monotonic() - max(0.0, now - (self._submitted_at or now))
        self._say(self._last)
        pause, not_found = self._pause() if just_submitted else 0.0, 0
        while True:
            if await tools.cancelled_within(pause):
                await self._cancel()
            status, retry_after = await self._ask()
            if status is not None:
                not_found = not_found + 1 if status.state is JobState.NOT_FOUND else 0
                if status.state is JobState.SUCCEEDED:
                    return await self._finished(status)
                if status.state in (JobState.FAILED, JobState.CANCELLED) or not_found >= NOT_FOUND_ANSWERS:
                    raise await self._ended(status)
                self._show(status)
            tools.answer_accepted()
            pause = tools.timeouts.question_floor if not_found else self._pause(retry_after)

    def _pause(self, retry_after: float = 0.0) -> float:
        timeouts = self._tools.timeouts
        return pause_before_question(
            time.monotonic() - self._accepted,
            usual_s=self._usual_s,
            retry_after_s=min(retry_after, timeouts.longest_retry_after),
            floor_s=timeouts.question_floor,
        )

    async def _ask(self) -> tuple[JobStatus | None, float]:
        """One question: the status, None without a usable answer; and how long the provider asks to wait, s."""
        tools = self._tools
        try:
            status = await tools.unless_cancelled(tools.ask(lambda: tools.order.client.status(self._request_id)))
        except TransientError as trouble:
            if isinstance(trouble, OnlyPictures):
                await self._end_without_video(trouble)
            self._say(f"{self._last}; asking again ({trouble})")
            return None, trouble.retry_after or 0.0
        except (AccountError, SettingsError) as error:
            raise type(error)(
                f"{error.what} The job goes on at {self._provider} and is not lost.",
                billed=Billed.YES,
                next_step=error.next_step,
                request_id=self._request_id,
                code=error.code,
            ) from None
        if status is not None:
            self._seen = status.state
        return status, 0.0

    async def _end_without_video(self, seen: OnlyPictures) -> None:
        """Raises NoVideo once pictures are all there was for long enough. It is kept like a job that is not known, so
        that Run asks once more and submits nothing.
        """
        self._pictures_since = self._pictures_since or time.monotonic()
        if time.monotonic() - self._pictures_since < self._tools.timeouts.pictures:
            return
        what = f"{self._provider} finished the job with pictures, and no video: this model makes none."
        error = NoVideo(what, request_id=self._request_id)
        await self._write_end(Event.NOT_FOUND, error, seen.cost_usd)
        raise error

    async def _finished(self, status: JobStatus) -> JobStatus:
        facts: Facts = {
            "cost_usd": status.cost_usd,
            "error": None,
            "error_kind": None,
            "others": kept_others(OtherFile(number) for number in range(2, min(len(status.files), MAX_FILES) + 1)),
        }
        await self._tools.keep(
            lambda ledger: ledger.record(self._lease, Event.SUCCEEDED, finished_at=ledger.now(), **facts)
        )
        return status

    async def _ended(self, status: JobStatus) -> RemoteVideoError:
        name, request_id = self._provider, self._request_id
        error: RemoteVideoError
        if status.state is JobState.FAILED:
            event, error = Event.FAILED, status.error or JobFailed(f"The job failed at {name}.", request_id=request_id)
        elif status.state is JobState.CANCELLED:
            event, error = Event.CANCELLED, JobCancelled(f"The job was cancelled at {name}.", request_id=request_id)
        else:
            event = Event.NOT_FOUND
            error = JobExpired(f"{name} no longer knows the job: {status.raw_status}.", request_id=request_id)
        await self._write_end(event, error, status.cost_usd)
        return error

    async def _write_end(self, event: Event, error: RemoteVideoError, cost_usd: float | None = None) -> None:
        self._tools.is_ending = True
        error.cost_usd = cost_usd
        facts: Facts = {
            "error": error.what,
            "error_kind": type(error).__name__,
        }
        facts["cost_usd"] = cost_usd
        await self._write(event, facts)

    async def _write(self, event: Event, facts: Facts) -> None:
        """Write down how the job ended, by the ledger's clock."""
        await self._tools.keep(lambda ledger: ledger.record(self._lease, event, finished_at=ledger.now(), **facts))

    # -- when the user wants it cancelled ----------------------------------------------------------------------------

    async def _cancel(self) -> None:
        """Ask to cancel, and say what became of it; returns when the job goes on. Raises JobCancelled."""
        tools, name = self._tools, self._provider
        outcome = CancelOutcome.NOT_CANCELLABLE
        if self._seen is not JobState.RUNNING:
            outcome = await tools.engine.ask_to_cancel(tools.order.client, self._request_id, tools.timeouts)
        if outcome is CancelOutcome.CANCELLED:
            sentence = f"Stopped, and the queued job {self._request_id} was cancelled at {name}."
            error = JobCancelled(
                f"The queued job was cancelled at {name}, as asked.", billed=Billed.NO, request_id=self._request_id
            )
            await self._write_end(Event.CANCELLED, error)
            tools.tell_absent(sentence, is_over=True)
            raise error
        tools.cancel.clear()
        why = WHY_IT_GOES_ON[outcome].format(provider=name)
        tools.tell_absent(
            f"Stopped. The job {self._request_id} {why}. Its clip is collected in the background; run again to "
            "use it, which submits nothing."
        )

    # -- what there is to say ----------------------------------------------------------------------------------------

    def _show(self, status: JobStatus) -> None:
        if status.is_undocumented and status.raw_status not in self._undocumented:
            self._undocumented.add(status.raw_status)
            text = "%s calls the job's state %s, which is not documented; waiting on."
            _log.warning(text, self._provider, quoted(status.raw_status))
        if status.state is JobState.QUEUED:
            place = f" (place {status.queue_position})" if status.queue_position is not None else ""
            self._last = f"in the queue{place}"
        elif status.state is JobState.NOT_FOUND:
            self._last = f"not known to {self._provider}"
        else:
            self._last = "running" + (f" {status.progress:.0%}" if status.progress is not None else "")
        queued = status.queue_position if status.state is JobState.QUEUED else None
        self._say(self._last, progress=status.progress, place=queued)

    def _say(self, words: str, **facts: EventFact) -> None:
        self._tools.show(words, State.SUBMITTED, self._request_id, usually_s=self._usual_s, **facts)
