"""A setup for many cases, one after the other: each is a clip of its own, run to whatever end."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from remote_video_pack.remote_video.engine.order import Order
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.record import JobRecord
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import LoggedRequest, Sandbox
from ..media.clips import write_clip
from .one_job import HURRY, RecordingAsker, Setup

PATIENT = replace(HURRY, read=20.0, question_floor=0.03, stop_check=0.1, lease=60.0, heartbeat=10.0, collect=30.0)
"""For a server that answers at once: a machine that is busy for a while breaks off no exchange."""
IMPATIENT = replace(PATIENT, connect=5.0, request=2.0, submission=5.0, read=0.4, cancel_answer=3.0)
"""For a server that stalls."""
STALL_S = 15.0
"""Longer than IMPATIENT waits for any byte."""
LARGEST_CLIP = 2_000_000
DEADLINE_S = 60.0
_seeds = itertools.count(1)


def clip_bytes(path: Path) -> bytes:
    """An MP4 whose index stands at its front, so that a cut one still opens; a few hundred KB of noise."""
    noise = np.random.default_rng(3)
    pictures = [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(24)]
    write_clip(path, pictures, size=(128, 96), container_options={"movflags": "faststart"})
    return path.read_bytes()


@dataclass(frozen=True)
class Ending:
    """How a look at a job ended, and what server and ledger say then."""

    clip: StoredClip | None
    error: RemoteVideoError | Stopped | None
    record: JobRecord | None
    posts: int
    """Submissions of this case that the server has accepted."""
    heard: tuple[str, ...]
    """What was said meanwhile."""


@dataclass
class CaseRunner(Setup):
    """One sandbox, one home and one engine, for case after case."""

    seed: int = 0
    """Of the case that is on."""
    _key: str | None = field(default=None, init=False)
    _posts_before: int = field(default=0, init=False)
    _requests_before: int = field(default=0, init=False)

    def begin(self, provider: str, *, is_stalled: bool) -> None:
        """Make ready for another case: a clip that nobody asked for before, of a server that stalls or does not."""
        self.sandbox.faults.clear()
        self.timeouts = IMPATIENT if is_stalled else PATIENT
        self.provider, self.seed, self._key = provider, next(_seeds), None
        self._posts_before, self._requests_before = self.sandbox.accepted_posts, len(self.sandbox.requests)

    @property
    def requests(self) -> list[LoggedRequest]:
        """What the server was asked in this case."""
        return self.sandbox.requests[self._requests_before :]

    @property
    def ledger(self) -> Ledger:
        return Ledger.of(self.settings)

    async def until_accepted(self) -> None:
        """Submit the case's job and leave it to the engine."""
        self.more["timeout_s"] = DEADLINE_S
        await (await self.watch(until_accepted=True, **self._job)).accepted()

    async def look(self, asker: RecordingAsker | None = None, *, timeout_s: float = DEADLINE_S) -> Ending:
        """Run the case's job once, to whatever end."""
        self.more["timeout_s"] = timeout_s
        asker, clip, error = asker or RecordingAsker(), None, None
        try:
            clip = await self.run(asker, **self._job)
        except (RemoteVideoError, Stopped) as ended:
            error = ended
        return await asyncio.to_thread(self.ending, clip, error, asker)

    def ending(
        self, clip: StoredClip | None, error: RemoteVideoError | Stopped | None, asker: RecordingAsker
    ) -> Ending:
        """How things stand now."""
        posts = self.sandbox.accepted_posts - self._posts_before
        return Ending(clip, error, self.record(), posts, tuple(asker.lines))

    def record(self) -> JobRecord | None:
        """The case's row."""
        return self.ledger.get(self._key) if self._key else None

    def order(self, **job: Any) -> Order:
        order = super().order(**job)
        self._key = order.key
        return order

    @property
    def _job(self) -> dict[str, object]:
        return {"seed": self.seed, "prefix": f"video/{self.seed}"}


@contextmanager
def runners(
    folder: Path, count: int, clip: bytes, pace: Pace, ledger_url: str | None = None
) -> Iterator[list[CaseRunner]]:
    """So many runners, side by side, with a ledger each or one for all."""
    made = []
    for number in range(count):
        home = folder / f"runner-{number}"
        sandbox = Sandbox(home / "sandbox", pace=pace, prebuilt=clip).start()
        made.append(
            CaseRunner(sandbox, home, timeouts=PATIENT, more={"max_clip_bytes": LARGEST_CLIP, "ledger_url": ledger_url})
        )
    with ExitStack() as ledgers:
        for runner in made if ledger_url is None else ():
            ledgers.enter_context(kept_open(runner))
        try:
            yield made
        finally:
            for runner in made:
                runner.sandbox.faults.clear()
                runner.close()
                runner.sandbox.stop()


@contextmanager
def kept_open(runner: CaseRunner) -> Iterator[None]:
    """Look at its ledger meanwhile: who closes an SQLite file as the last one folds its journal in, which costs more
    than most transactions."""
    runner.ledger.recent(1)
    with closing(sqlite3.connect(runner.home / FILE_NAME)) as db:
        db.execute("SELECT count(*) FROM jobs").fetchall()
        yield
