"""The service behind both providers' APIs: takes jobs in, has their clips made, and says how they stand."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

from aiohttp import web

from ..operating_system import here
from .clip_plan import ClipPlan
from .clips import render
from .job_store import Fate, Job, JobStore, Pace, Standing

SLOW_S = 30.0


class Flag(Enum):
    """Words in brackets that make the sandbox show an error; the package's own text says of each what it does."""

    MODERATION = "[moderation]"
    WITHHELD = "[withheld]"
    FAIL = "[fail]"
    BALANCE = "[balance]"
    BUSY = "[busy]"
    GONE = "[gone]"
    HTTPS_ONLY = "[https-only]"
    SLOW = "[slow]"


FATES = {Flag.FAIL: Fate.FAILS, Flag.WITHHELD: Fate.FLAGGED}
FAILURES = {
    Fate.FAILS: "The generation failed (asked for by [fail] in the prompt).",
    Fate.BROKEN: "The sandbox could not make the clip; its log says why.",
    Fate.FLAGGED: "The output was withheld by content moderation (asked for by [withheld] in the prompt).",
}
BAD_KEY = "bad-key"
SIDE_BY_SIDE = 2
"""So many clips are rendered at once."""
CLEANED_EVERY_S = 3600.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger("remote_video")


class JobService:
    """Jobs from their submission to their clip; what it says is safe to ask from any thread.

    Args:
        store: accepted jobs.
        pace: how fast new jobs go.
        short_clips: whether new jobs get half a second at 320 px.
        prebuilt: an MP4 to serve for every job; nothing is rendered then.
        origin: tells the sandbox's own http://127.0.0.1:PORT.
    """

    def __init__(
        self, store: JobStore, pace: Pace, short_clips: bool, prebuilt: Path | None, origin: Callable[[], str]
    ) -> None:
        self.store, self.origin = store, origin
        self._pace, self._short_clips, self._prebuilt = pace, short_clips, prebuilt
        self._making: dict[str, asyncio.Task[None]] = {}

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """While the sandbox runs: render clips, and forget old jobs. At its end let what is being rendered end."""
        self._loop, self._room, self._closing = asyncio.get_running_loop(), asyncio.Semaphore(SIDE_BY_SIDE), False
        cleaning = self._loop.create_task(self._clean())
        yield
        self._closing = True
        cleaning.cancel()
        await asyncio.gather(*self._making.values(), cleaning, return_exceptions=True)

    async def _clean(self) -> None:
        while True:
            await asyncio.to_thread(self.store.forget_old)
            await asyncio.sleep(CLEANED_EVERY_S)

    def take_in(
        self, provider: str, model_id: str, inputs: Mapping[str, Any], plan: ClipPlan, files: Mapping[str, bytes],
        flag: Flag | None, cost: float,
    ) -> Job:  # fmt: skip
        """Accept a submission: from here on it counts."""
        plan = plan.shortened() if self._short_clips else plan
        pace = replace(self._pace, run_s=self._pace.run_s + SLOW_S) if flag is Flag.SLOW else self._pace
        fate = FATES.get(flag, Fate.SUCCEEDS) if flag else Fate.SUCCEEDS
        request_id = f"task_{uuid.uuid4().hex}" if provider == "cometapi" else str(uuid.uuid4())
        job = Job(request_id, provider, model_id, inputs, plan, pace, fate, time.time(), cost)
        self.store.accept(job, files)
        self._want(job)
        return job

    def find(self, provider: str, request_id: str) -> tuple[Job, Standing] | None:
        """A provider's job and how it stands now. Asking after a job whose clip got lost has it made again."""
        job = self.store.find(request_id)
        return (job, self.standing(job)) if job and job.provider == provider else None

    def standing(self, job: Job) -> Standing:
        self._want(job)
        return job.standing(time.time(), self.clip(job).exists())

    def clip(self, job: Job) -> Path:
        """Where the clip of a job is, once it is ready."""
        return self._prebuilt if self._prebuilt and not job.plan.picture else self.store.file(job, job.plan.file_name)

    def media_url(self, job: Job) -> str:
        """Where a finished clip is served; no key needed."""
        return f"{self.origin()}/media/{job.request_id}/{job.plan.file_name}"

    def _want(self, job: Job) -> None:
        """Have the clip of a job made, unless it is there or on its way. Returns at once."""
        if job.fate is Fate.SUCCEEDS and not self.clip(job).exists():
            self._loop.call_soon_threadsafe(self._begin, job)

    def _begin(self, job: Job) -> None:
        if job.request_id not in self._making and not self._closing:
            self._making[job.request_id] = self._loop.create_task(self._make(job))

    async def _make(self, job: Job) -> None:
        async with self._room:
            if not self._closing:
                done = asyncio.Event()
                threading.Thread(target=self._render, args=(job, done), name="sandbox-render", daemon=True).start()
                await done.wait()
        del self._making[job.request_id]

    def _render(self, job: Job, done: asyncio.Event) -> None:
        """On a daemon thread."""
        path, current = self.clip(job), self.store.find(job.request_id)
        part = path.with_name(f"clip.{uuid.uuid4().hex}.part")
        try:
            if current and current.cancelled_at is None and not path.exists():
                render(job.plan, [self.store.file(job, name).read_bytes() for name in job.plan.images], part)
                here().put_over(part, path)
        except Exception:
            log.exception("the sandbox could not render the clip of %s", job.request_id)
            self.store.fail(job)
        finally:
            part.unlink(missing_ok=True)
            self._loop.call_soon_threadsafe(done.set)


def flag_in(words: str) -> Flag | None:
    """The first flag that some words contain, in the order above."""
    lowered = words.lower()
    return next((flag for flag in Flag if flag.value in lowered), None)


def has_key(request: web.Request) -> bool:
    """Whether a request has a bearer token other than the refused one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and token.strip() not in ("", BAD_KEY)
