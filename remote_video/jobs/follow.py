"""Waiting for a job that was accepted, until the provider says how it ended."""

from __future__ import annotations

import logging
import random
import time

from ..errors import AccountError, JobCancelled, JobExpired, JobFailed, StillRunning
from ..providers.status import JobState, JobStatus, Passing
from .context import RunContext, clock
from .lifecycle import Event

GROWTH = 1.25
GONE_ANSWERS = 3
"""A fresh id may not be known everywhere at once: only so many "no such job" in a row count."""

_log = logging.getLogger("remote_video")


class Follower:
    """Polls one job. `seen` is the last state the provider gave, for whoever has to stop it."""

    def __init__(self, run: RunContext, request_id: str, usual_s: float | None) -> None:
        self.seen: JobState | None = None
        self._run = run
        self._request_id = request_id
        self._usual_s = usual_s
        self._unknown_words: set[str] = set()
        self._said = "waiting for the first answer"
        self._trouble = ""

    async def until_finished(self) -> JobStatus:
        """Wait for the clip and write down how the job ended.

        Raises:
            JobFailed, ModerationError, JobCancelled, JobExpired: it ended without a clip.
            StillRunning: the deadline passed; the job stays followable.
            AccountError: the key is no longer accepted; the job stays followable.
            StopPressed.
        """
        patience = self._run.patience
        pause, gone = patience.first_poll_pause, 0
        while True:
            asked_to_wait = 0.0
            try:
                status = await self.ask()
            except Passing as passing:
                asked_to_wait = min(passing.retry_after or 0.0, patience.longest_retry_after)
                self._trouble = str(passing)
                self._say(f"{self._said}; asking again ({passing})")
            else:
                self._trouble = ""
                gone = gone + 1 if status.state is JobState.GONE else 0
                if status.state is JobState.SUCCEEDED:
                    return await self._finished(status)
                if status.state in (JobState.FAILED, JobState.CANCELLED) or gone >= GONE_ANSWERS:
                    raise await self._ended(status)
                self._show(status)
            await self._run.stay_known()
            pause_now = max(pause * random.uniform(0.85, 1.15), asked_to_wait)  # noqa: S311 - jitter, no secret
            left = self._run.deadline - time.monotonic()
            if left <= 0:
                raise self._still_running()
            await self._run.sleep(min(pause_now, left))
            pause = min(pause * GROWTH, patience.longest_poll_pause)

    async def ask(self) -> JobStatus:
        """One question. Raises Passing, AccountError, StopPressed."""
        try:
            status = await self._run.call(lambda: self._run.provider.status(self._request_id))
        except AccountError as error:
            raise AccountError(
                f"{error.what} The job goes on at {self._run.provider.name} and is not lost.",
                billed=StillRunning.usual_billed,
                next_step=error.next_step,
                request_id=self._request_id,
                code=error.code,
            ) from None
        self.seen = status.state
        return status

    def _still_running(self) -> StillRunning:
        trouble = f" The last question got no usable answer: {self._trouble}." if self._trouble else ""
        return StillRunning(
            f"The job has not finished within {clock(self._run.deadline - self._run.begun)} "
            f"(REMOTE_VIDEO_TIMEOUT_S); last seen: {self._said}.{trouble}",
            request_id=self._request_id,
        )

    async def _finished(self, status: JobStatus) -> JobStatus:
        run = self._run
        await run.keep(
            lambda: run.ledger.record(
                run.key, Event.SUCCEEDED, finished_at=time.time(), cost_usd=status.cost_usd, error=None, error_kind=None
            )
        )
        return status

    async def _ended(self, status: JobStatus) -> Exception:
        run, request_id, name = self._run, self._request_id, self._run.provider.name
        error: Exception
        if status.state is JobState.FAILED:
            event = Event.FAILED
            error = status.error or JobFailed(f"The job failed at {name}.", request_id=request_id)
        elif status.state is JobState.CANCELLED:
            event, error = Event.CANCELLED, JobCancelled(f"The job was cancelled at {name}.", request_id=request_id)
        else:
            event = Event.GONE
            error = JobExpired(f"{name} no longer knows the job: {status.word}.", request_id=request_id)
        what, kind = getattr(error, "what", str(error)), type(error).__name__
        await run.keep(
            lambda: run.ledger.record(
                run.key, event, finished_at=time.time(), error=what, error_kind=kind, cost_usd=status.cost_usd
            )
        )
        return error

    def _show(self, status: JobStatus) -> None:
        if status.unknown_word and status.word not in self._unknown_words:
            self._unknown_words.add(status.word)
            name = self._run.provider.name
            _log.warning("%s calls the job's state %r, which is not documented; waiting on.", name, status.word)
        if status.state is JobState.QUEUED:
            place = f" (place {status.queue_position})" if status.queue_position is not None else ""
            self._said = f"in the queue{place}"
        elif status.state is JobState.GONE:
            self._said = f"not known to {self._run.provider.name}"
        else:
            percent = f" {status.progress:.0%}" if status.progress is not None else ""
            self._said = f"running{percent}"
        if status.progress is not None:
            self._run.host.progress(status.progress)
        self._say(self._said)

    def _say(self, text: str) -> None:
        usual = f" | usually {clock(self._usual_s)}" if self._usual_s else ""
        self._run.say(f"{text} | {self._request_id}{usual}")
