"""What both providers' fronts share behind the wire: taking jobs in, asking how they stand, handing out clips."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .clip_plan import ClipPlan
from .job_store import Fate, Job, JobStore, Pace, Standing
from .prompt_flags import SLOW_S, Flag
from .renders import Renders

FATES = {Flag.FAIL: Fate.FAILS, Flag.WITHHELD: Fate.FLAGGED}
FAILURES = {
    Fate.FAILS: "The generation failed (asked for by [fail] in the prompt).",
    Fate.BROKEN: "The sandbox could not make the clip; its log says why.",
    Fate.FLAGGED: "The output was withheld by content moderation (asked for by [withheld] in the prompt).",
}
BAD_KEY = "bad-key"


@dataclass(frozen=True)
class Reception:
    """The desk behind both fronts.

    Args:
        store: accepted jobs.
        renders: where clips are made.
        pace: how fast new jobs go.
        short_clips: whether new jobs get half a second at 320 px.
        now: the clock, s since 1970.
    """

    store: JobStore
    renders: Renders
    pace: Pace
    short_clips: bool
    now: Callable[[], float] = time.time

    def take_in(
        self,
        provider: str,
        model_id: str,
        inputs: Mapping[str, Any],
        plan: ClipPlan,
        files: Mapping[str, bytes],
        flag: Flag | None,
        cost_usd: float = 0.0,
    ) -> Job:
        """Accept a submission: from here on it counts."""
        plan = plan.shortened() if self.short_clips else plan
        pace = replace(self.pace, run_s=self.pace.run_s + SLOW_S) if flag is Flag.SLOW else self.pace
        fate = FATES.get(flag, Fate.SUCCEEDS) if flag else Fate.SUCCEEDS
        job = Job(_new_id(provider), provider, model_id, inputs, plan, pace, fate, self.now(), cost_usd)
        self.store.accept(job, files)
        self.renders.want(job)
        return job

    def find(self, provider: str, request_id: str) -> tuple[Job, Standing] | None:
        """A provider's job and how it stands now. Asking after a job whose clip got lost has it made again."""
        job = self.store.find(request_id)
        if job is None or job.provider != provider:
            return None
        return job, self.standing(job)

    def standing(self, job: Job) -> Standing:
        self.renders.want(job)
        return job.standing(self.now(), self.renders.ready(job))

    def cancel(self, job: Job) -> Job:
        return self.store.cancel(job, self.now())


def token_of(headers: Mapping[str, str]) -> str | None:
    """The bearer token of a request; None when there is none or it is one that is not accepted."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if kind.lower() == "bearer" and token and token != BAD_KEY else None


def media_url(origin: str, job: Job) -> str:
    """Where a finished clip is served; no key needed."""
    return f"{origin}/media/{job.request_id}/{job.plan.file_name}"


def _new_id(provider: str) -> str:
    return f"task_{uuid.uuid4().hex}" if provider == "cometapi" else str(uuid.uuid4())
