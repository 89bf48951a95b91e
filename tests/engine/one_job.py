"""One job against a sandbox: its request, settings in a hurry, and a host that can press Stop or hold a run up.

Imported by the tests, and by `child.py` in processes of its own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import torch
from remote_video_pack.remote_video.engine.engine import Engine
from remote_video_pack.remote_video.engine.host import JobEvent, PromptEnd
from remote_video_pack.remote_video.engine.order import Order, place_order
from remote_video_pack.remote_video.engine.watch import StoredClip, Watch
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.request import Request
from remote_video_pack.remote_video.models.veo3 import VEO3
from remote_video_pack.remote_video.sandbox import Pace
from remote_video_pack.remote_video.settings import Settings, user_name
from remote_video_pack.remote_video.timeouts import Timeouts

if TYPE_CHECKING:  # it is loaded by its path, too
    from ..faults import Sandbox

KEY = "a-key-of-the-tests"
PROVIDERS = ("runcomfy", "cometapi")
HURRY = Timeouts(
    question_floor=0.02,
    retry_pause=0.02,
    refetch_pause=0.02,
    longest_refetch_pause=0.1,
    gone_pause=0.02,
    stop_check=0.01,
    lease=0.6,
    heartbeat=0.05,
    heartbeat_seen=0.3,
    shared_look=0.02,
    collect=0.1,
    place_look=0.05,
    ledger_pause=0.02,
)
QUICK = Pace(queue_s=0.02, run_s=0.03)
HOST, USER = socket.gethostname(), user_name()
"""As settings find them; an engine asks for its settings again and again, and these cost more than all the rest."""
SOON_S = 45.0
"""How long a test waits for something that is bound to happen, s: long enough for a machine that is busy."""


def small_clip(folder: Path) -> bytes:
    """A real MP4 of about 200 kB: noise, so that it comes in several pieces."""
    path = folder / "small.mp4"
    noise = np.random.default_rng(7)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "qp": "20"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(12):
            picture = noise.integers(0, 255, (96, 160, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def request_for(provider: str, seed: int = 1, prompt: str = "a calm sea") -> Request:
    """The same clip for the same seed and prompt, in any process."""
    if provider == "cometapi":
        return COMET_VEO.request({"prompt": prompt, "seed": seed, "fit": "auto", "model": "veo3-fast", "size": "16x9"})
    image = torch.linspace(0, 1, 96 * 128 * 3).reshape(1, 96, 128, 3)
    values = {"image": image, "prompt": prompt, "seed": seed, "fit": "auto", "generate_audio": False}
    return VEO3.request(values)


@dataclass
class RecordingAsker:
    """Somebody in a prompt who asks for a clip, keeps what it is told, and does what a test wants at a line it hears.

    Args:
        at_line: called with each line, on whatever thread says it.
    """

    at_line: Callable[[str], None] = lambda line: None
    lines: list[str] = field(default_factory=list)
    events: list[JobEvent] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    """Set: the user presses Stop."""
    prompt_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    waits: bool = False
    """Whether a prompt that waits in the queue asks for the same clip."""

    def show(self, event: JobEvent) -> None:
        self.events.append(event)
        if event.progress is not None:
            self.lines.append(f"progress {event.progress:.2f}")
        self.lines.append(event.text)
        self.at_line(event.text)

    def is_waiting(self) -> bool:
        return self.waits

    def stop_at(self, words: str) -> RecordingAsker:
        """Press Stop when a line holds these words."""
        self.at_line = lambda line: self.stop.set() if words in line else None
        return self

    def heard(self, words: str) -> bool:
        return any(words in line for line in list(self.lines))


@dataclass
class Prompts:
    """A host whose prompts end as a test wants, and in which each asker can press Stop for its own."""

    folder: Path
    askers: dict[str, RecordingAsker] = field(default_factory=dict)
    ends: dict[str, PromptEnd] = field(default_factory=dict)
    published: list[JobEvent] = field(default_factory=list)

    def interrupted_prompt(self) -> str | None:
        latest = reversed(list(self.askers.values()))
        return next((asker.prompt_id for asker in latest if asker.stop.is_set()), None)

    def prompt_end(self, prompt_id: str) -> PromptEnd:
        return self.ends.get(prompt_id, PromptEnd.OTHERWISE)

    def output_folder(self) -> Path:
        return self.folder

    def temp_folder(self) -> Path:
        return self.folder.parent / "temp"

    def publish(self, event: JobEvent) -> None:
        self.published.append(event)


_engines: dict[Path, Engine] = {}


@dataclass
class Setup:
    """A sandbox, a home and an output folder: all that a run needs."""

    sandbox: Sandbox
    folder: Path
    provider: str = "runcomfy"
    timeouts: Timeouts = HURRY
    collect: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.home,
            base_urls=self.sandbox.base_urls,
            timeouts=self.timeouts,
            collect=self.collect,
            **{"host": HOST, "user": USER, **self.more},
        )

    @property
    def host(self) -> Prompts:
        return self.engine.host

    @property
    def engine(self) -> Engine:
        """The one of this process; made anew when the last one was closed."""
        engine = _engines.get(self.folder)
        if engine is None or engine.has_ended:
            engine = _engines[self.folder] = Engine(lambda: self.settings, Prompts(self.output))
        return engine

    def close(self) -> None:
        """End the engine, as the end of ComfyUI does."""
        if self.folder in _engines:
            _engines.pop(self.folder).close()

    @property
    def submit_route(self) -> str:
        return {"runcomfy": "runcomfy/submit", "cometapi": "comet/create"}[self.provider]

    @property
    def status_route(self) -> str:
        return {"runcomfy": "runcomfy/status", "cometapi": "comet/retrieve"}[self.provider]

    @property
    def posts(self) -> int:
        """Submissions that reached the sandbox, accepted or not."""
        return len(self.calls(self.submit_route))

    def calls(self, route: str) -> list[Any]:
        return [logged for logged in self.sandbox.requests if logged.route == route]

    def order(self, *, seed: int = 1, prompt: str = "a calm sea", prefix: str = "video/clip") -> Order:
        return place_order(
            request_for(self.provider, seed, prompt),
            self.settings,
            output_folder=self.output,
            filename_prefix=prefix,
            temp_folder=self.folder / "temp",
        )

    async def watch(self, asker: RecordingAsker | None = None, *, until_accepted: bool = False, **job: Any) -> Watch:
        """Ask for a clip."""
        asker = asker or RecordingAsker()
        order = await asyncio.to_thread(self.order, **job)
        self.host.askers[asker.prompt_id] = asker
        return self.engine.watch(order, asker, until_accepted=until_accepted)

    async def run(self, asker: RecordingAsker | None = None, **job: Any) -> StoredClip:
        """One press on Run."""
        asker = asker or RecordingAsker()
        watch = await self.watch(asker, **job)
        try:
            return await watch.clip()
        finally:
            watch.leave()
            if not asker.stop.is_set():
                self.host.askers.pop(asker.prompt_id, None)  # the engine looks at all of them again and again

    async def submit_many(self, seeds: Iterable[int]) -> list[JobEvent | BaseException]:
        """A press on Run for each seed, all at the same time: the line of its acceptance, or its error."""

        async def accepted(seed: int) -> Any:
            return await (await self.watch(until_accepted=True, seed=seed)).accepted()

        return await asyncio.gather(*map(accepted, seeds), return_exceptions=True)

    def run_now(self, asker: RecordingAsker | None = None, **job: Any) -> StoredClip:
        """One press on Run, in an event loop of its own."""
        return asyncio.run(self.run(asker, **job))

    def clips(self) -> list[Path]:
        return sorted(self.output.rglob("*.mp4"))

    def leftovers(self) -> list[Path]:
        """Files in the output folder that are no clips."""
        return [path for path in self.output.rglob("*") if path.is_file() and path.suffix != ".mp4"]


def wait_until(holds: Callable[[], Any], what: str = "it to happen") -> Any:
    """What `holds` gives once it is true; fails when it never is."""
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited {SOON_S:g} s for {what}")


async def until(holds: Callable[[], Any], what: str = "it to happen") -> Any:
    """The same without blocking the event loop."""
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        if found := holds():
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"waited {SOON_S:g} s for {what}")
