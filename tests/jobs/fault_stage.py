"""Runs of the engine against a sandbox of its own: real sockets, a real ledger, and somebody who can press Stop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped
from remote_video_pack.remote_video.jobs.ledger import Ledger
from remote_video_pack.remote_video.jobs.record import JobRecord
from remote_video_pack.remote_video.jobs.runner import StoredClip, make_clip
from remote_video_pack.remote_video.models import COMET_VEO, VEO3
from remote_video_pack.remote_video.models.request import Request
from remote_video_pack.remote_video.patience import Patience
from remote_video_pack.remote_video.sandbox import Pace, Sandbox
from remote_video_pack.remote_video.settings import Settings

from ..media.clips import write_clip

HURRIED = Patience(
    first_poll_pause=0.02,
    longest_poll_pause=0.1,
    retry_pause=0.02,
    refetch_pause=0.02,
    longest_refetch_pause=0.1,
    gone_pause=0.01,
    connect=5.0,
    question=2.0,
    answer=5.0,
    submission=5.0,
    read=0.5,
    stop_check=0.02,
    stop_answer=10.0,
    cancel_answer=5.0,
    ledger_pause=0.01,
)
STALL_S = 15.0
"""Longer than HURRIED waits for any byte."""
LARGEST_CLIP = 2_000_000
SMALL_IMAGE = torch.from_numpy(np.linspace(0, 1, 48 * 64 * 3, dtype=np.float32).reshape(1, 48, 64, 3))
_takes = itertools.count(1)


def clip_bytes(path: Path) -> bytes:
    """An MP4 whose index stands at its front, so that a cut one still opens; a few hundred KB of noise."""
    noise = np.random.default_rng(3)
    pictures = [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(24)]
    write_clip(path, pictures, size=(128, 96), container_options={"movflags": "faststart"})
    return path.read_bytes()


@dataclass
class Seat:
    """Whoever waits for a clip: hears what is said and may press Stop."""

    stop_when: Callable[[str], bool] = lambda text: False
    said: list[str] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    pressed: bool = False

    def stopped(self) -> bool:
        return self.pressed

    def say(self, text: str) -> None:
        self.said.append(text)
        self.pressed = self.pressed or self.stop_when(text)

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)


@dataclass(frozen=True)
class Ending:
    """How a run ended, and what server and ledger say then."""

    clip: StoredClip | None
    error: RemoteVideoError | Stopped | None
    record: JobRecord | None
    posts: int
    """Submissions the server has accepted since the stage was cleared."""


class Stage:
    """One sandbox and one home folder; runs go one after the other."""

    def __init__(self, folder: Path, clip: bytes, pace: Pace) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.output.mkdir(parents=True)
        self.sandbox = Sandbox(folder / "sandbox", pace=pace, prebuilt=clip)
        self.settings = Settings(home=folder / "home", patience=HURRIED, max_clip_bytes=LARGEST_CLIP)
        self.sandbox.start()
        self._posts_before = 0
        self._requests_before = 0

    def clear(self) -> None:
        """Make ready for another story."""
        self.sandbox.faults.clear()
        self._posts_before = self.sandbox.accepted_posts
        self._requests_before = len(self.sandbox.requests)

    @property
    def posts(self) -> int:
        return self.sandbox.accepted_posts - self._posts_before

    @property
    def requests(self) -> list:
        return self.sandbox.requests[self._requests_before :]

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings.home)

    def stop(self) -> None:
        self.sandbox.stop()

    async def run(self, request: Request, *, timeout_s: float = 60.0, seat: Seat | None = None) -> Ending:
        """Run once, to whatever end."""
        settings = replace(
            self.settings,
            timeout_s=timeout_s,
            runcomfy_base_url=self.sandbox.runcomfy_base_url,
            cometapi_base_url=self.sandbox.cometapi_base_url,
        )
        clip, error = None, None
        try:
            clip = await make_clip(
                request,
                settings=settings,
                host=seat or Seat(),
                output_folder=self.output,
                filename_prefix=f"video/{request.take}",
                temp_folder=self.folder / "temp",
                node_id="7",
            )
        except (RemoteVideoError, Stopped) as ended:
            error = ended
        return await asyncio.to_thread(self._ending, request, clip, error)

    def _ending(self, request: Request, clip: StoredClip | None, error: RemoteVideoError | Stopped | None) -> Ending:
        record = next((job for job in self.ledger.recent(5) if job.take == request.take), None)
        return Ending(clip, error, record, self.posts)


def new_request(provider: str) -> Request:
    """A request nobody made before."""
    take = next(_takes)
    if provider == "cometapi":
        return COMET_VEO.request({"prompt": "a calm sea", "model": "veo3-fast", "size": "16x9", "seed": take})
    return VEO3.request({"image": SMALL_IMAGE, "prompt": "a calm sea", "generate_audio": False, "seed": take})


@contextmanager
def stages(folder: Path, count: int, clip: bytes, pace: Pace) -> Iterator[list[Stage]]:
    """So many stages, side by side."""
    made = [Stage(folder / f"stage-{number}", clip, pace) for number in range(count)]
    try:
        yield made
    finally:
        for stage in made:
            stage.stop()
