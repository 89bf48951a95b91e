"""The sandbox's memory: one folder per accepted job, so that any process on the same folder knows it.

- jobs/<request id>/job.json: written last and atomically; a job exists when this file does
- jobs/<request id>/<image>: what was submitted
- jobs/<request id>/clip.mp4, or picture.png: rendered; may be deleted, it is made again from the rest
"""

from __future__ import annotations

import json
import math
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from ..operating_system import here
from .clip_plan import ClipPlan

KEPT_S = 7 * 24 * 3600.0
"""How long a job is kept after something of it was written last."""
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True)
class Pace:
    """How long a job waits and runs, s."""

    queue_s: float = 1.0
    run_s: float = 3.0


class Fate(str, Enum):
    """How a job will end unless it is cancelled."""

    SUCCEEDS = "succeeds"
    FAILS = "fails"
    FLAGGED = "flagged"
    """The result is withheld by content moderation."""
    BROKEN = "broken"
    """The sandbox itself could not make the clip."""


State = Enum("State", "QUEUED RUNNING SUCCEEDED FAILED CANCELLED")
"""Where a job stands."""


@dataclass(frozen=True)
class Standing:
    """A job's state at one moment; `progress` 0..1 while it runs."""

    state: State
    queue_position: int = 0
    progress: float = 0.0

    @property
    def over(self) -> bool:
        return self.state not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Job:
    """An accepted submission. Times are seconds since 1970."""

    request_id: str
    provider: str
    model_id: str
    inputs: Mapping[str, Any]
    plan: ClipPlan
    pace: Pace
    fate: Fate
    submitted_at: float
    cost_usd: float = 0.0
    cancelled_at: float | None = None

    @property
    def due_at(self) -> float:
        return self.submitted_at + self.pace.queue_s + self.pace.run_s

    def standing(self, now: float, clip_ready: bool) -> Standing:
        """The job's state at `now`: it depends on the clock alone, except that it can't end without its clip."""
        if self.cancelled_at is not None:
            return Standing(State.CANCELLED)
        elapsed = now - self.submitted_at
        if elapsed < self.pace.queue_s:
            left = 1 - max(elapsed, 0.0) / self.pace.queue_s
            return Standing(State.QUEUED, queue_position=math.ceil(3 * left))
        if now < self.due_at or (self.fate is Fate.SUCCEEDS and not clip_ready):
            share = (elapsed - self.pace.queue_s) / self.pace.run_s if self.pace.run_s else 1.0
            return Standing(State.RUNNING, progress=min(share, 0.99))
        return Standing(State.SUCCEEDED if self.fate is Fate.SUCCEEDS else State.FAILED, progress=1.0)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "plan": vars(self.plan), "pace": vars(self.pace)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Job:
        plan = ClipPlan.from_json(stored["plan"])
        return cls(**{**stored, "plan": plan, "pace": Pace(**stored["pace"]), "fate": Fate(stored["fate"])})


class JobStore:
    """Jobs in a folder. Safe to use from several threads and several processes."""

    def __init__(self, folder: Path) -> None:
        self._jobs = folder / "jobs"
        self._jobs.mkdir(parents=True, exist_ok=True)

    def accept(self, job: Job, files: Mapping[str, bytes]) -> None:
        """Store a job with the files its plan names. From here on it exists and counts as accepted."""
        folder = self._jobs / job.request_id
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        self._write(job)

    def find(self, request_id: str) -> Job | None:
        if not REQUEST_ID.fullmatch(request_id):
            return None
        try:
            return Job.from_json(json.loads((self._jobs / request_id / "job.json").read_bytes()))
        except FileNotFoundError:
            return None

    def cancel(self, job: Job) -> None:
        self._write(replace(job, cancelled_at=time.time()))

    def fail(self, job: Job) -> None:
        """Note that the clip of a job can't be made: it ends as failed, also for processes to come."""
        self._write(replace(self.find(job.request_id) or job, fate=Fate.BROKEN))

    def file(self, job: Job, name: str) -> Path:
        return self._jobs / job.request_id / name

    def all(self) -> list[Job]:
        """Every job that is kept, oldest first."""
        found = (self.find(folder.name) for folder in self._jobs.iterdir())
        return sorted((job for job in found if job), key=lambda job: job.submitted_at)

    def count(self) -> int:
        return sum(1 for _ in self._jobs.glob("*/job.json"))

    def forget_old(self) -> None:
        """Delete what is older than `KEPT_S`, clips and all; what can't be deleted now is left for the next time."""
        for folder in self._jobs.iterdir():
            with suppress(OSError):
                if folder.stat().st_mtime < time.time() - KEPT_S:
                    (folder / "job.json").unlink(missing_ok=True)
                    shutil.rmtree(folder)

    def _write(self, job: Job) -> None:
        write_whole(self._jobs / job.request_id / "job.json", json.dumps(job.to_json()).encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    part.write_bytes(data)
    here().put_over(part, path)
