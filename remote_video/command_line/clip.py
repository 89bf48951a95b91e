"""One clip from the command line: the request, the target file, and the outcome."""

from __future__ import annotations

import asyncio
import filecmp
import logging
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..clips.output_file import target
from ..engine.engine import Engine
from ..engine.host import JobEvent
from ..engine.order import Order, place_order
from ..engine.watch import StoredClip
from ..errors import (
    Billed,
    DownloadError,
    InputRefused,
    JobExpired,
    JobUncertain,
    MediaError,
    RemoteVideoError,
    StillRunning,
)
from ..media.clip import Clip
from ..models import ModelSpec, Request
from ..operating_system import here
from ..settings import Settings
from .inputs import values_of
from .session import Progress
from .surroundings import SHORT_KEY

_log = logging.getLogger("remote_video")

STATES: Mapping[type, str] = {
    JobUncertain: "uncertain",
    JobExpired: "expired",
    StillRunning: "on its way",
    DownloadError: "finished",
}
"""In a word, what an error leaves behind; any other: "failed"."""


@dataclass(frozen=True)
class Shot:
    """One clip, as it is asked for.

    Args:
        given: the model's inputs by name, in words.
        base: where relative paths of images begin.
        folder, prefix: where the clip goes; see `clips.output_file.target`.
        is_named: the user chose that very name.
        label: put before what there is to say of it.
    """

    spec: ModelSpec
    given: Mapping[str, Any] = field(repr=False)
    base: Path
    folder: Path
    prefix: str
    is_named: bool = False
    label: str = ""

    def request(self) -> Request:
        """What is asked of the model. Blocks. Raises InputRefused."""
        return self.spec.request(values_of(self.spec, self.given, self.base))

    def order(self, settings: Settings) -> Order:
        """Check it whole. Blocks. Raises RemoteVideoError; nothing was sent."""
        request = self.request()
        try:
            return place_order(
                request,
                settings,
                output_folder=self.folder,
                filename_prefix=self.prefix,
                temp_folder=settings.home / "temp",
            )
        except OSError as error:
            raise InputRefused(f"The clip can't be saved in {self.folder} ({error.strerror}).") from error

    def deliver(self, clip: Path) -> Path:
        """Where to find the saved clip: under the name that was asked for, unless something else has it.

        It was saved elsewhere when it was made before: then this is a second name of it, or a copy.
        """
        place = target(self.folder, self.prefix)
        if not place.is_whole or (not self.is_named and clip.is_relative_to(place.folder)):
            return clip
        if not place.exact.exists():
            try:
                place.exact.hardlink_to(clip)
            except FileExistsError:
                return self.deliver(clip)
            except OSError:
                _copy(clip, place.exact)
        return place.exact if _is_same(place.exact, clip) else clip


def _is_same(one: Path, other: Path) -> bool:
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)


def _copy(clip: Path, wanted: Path) -> None:
    part = wanted.with_name(f".{wanted.name}.part")
    try:
        shutil.copyfile(clip, part)
        here().put_over(part, wanted)
    except OSError as error:
        part.unlink(missing_ok=True)
        what = f"The clip is saved as {clip}, but can't be copied to {wanted} ({error.strerror})."
        raise DownloadError(what, next_step="Free some space, or take the clip from there.") from error


@dataclass(frozen=True)
class Outcome:
    """What came of a shot: a clip, or an error."""

    key: str | None
    seconds: float
    clip: StoredClip | None = None
    error: RemoteVideoError | None = None

    @property
    def state(self) -> str:
        """In a word."""
        if self.clip is not None:
            return "had before" if self.clip.reused else "made"
        return STATES.get(type(self.error), "failed")

    def as_json(self) -> dict[str, Any]:
        """The machine-readable result."""
        told: dict[str, Any] = {"state": self.state, "key": self.key, "seconds": round(self.seconds, 1)}
        if self.error is not None:
            about = {"error": self.error.what, "kind": type(self.error).__name__, "next": self.error.next_step}
            told |= {**about, "billed": self.error.billed.value, "request_id": self.error.request_id}
        if self.clip is not None:
            others = [str(other) for other in self.clip.others]
            told |= {**asdict(self.clip), "path": str(self.clip.path), "others": others}
            with suppress(MediaError):
                info = Clip.open(self.clip.path).info
                told |= {name: getattr(info, name) for name in ("width", "height", "fps", "duration_s", "bytes")}
        return told


@dataclass
class Looker:
    """Who looks at a job from the command line."""

    progress: Progress
    label: str = ""
    prompt_id: str = ""

    def show(self, event: JobEvent) -> None:
        """Show how it stands."""
        self.progress.show(event, self.label)

    def is_waiting(self) -> bool:
        """There is no queue."""
        return False


async def make(engine: Engine, shot: Shot, settings: Settings, progress: Progress) -> Outcome:
    """Make a clip, or find it again; on the engine's loop."""
    began, key = time.monotonic(), None
    clip: StoredClip | None = None
    error: RemoteVideoError | None = None
    try:
        order = await asyncio.wrap_future(engine.pools.preparations.start(partial(shot.order, settings)))
        key = order.key
        for notice in order.notices:
            progress.line(f"{shot.label}{notice}")
        watch = engine.watch(order, Looker(progress, shot.label))
        del order  # its pixels go when they are submitted
        clip = await watch.clip()
        path = await asyncio.wrap_future(engine.pools.downloads.start(partial(shot.deliver, clip.path)))
        clip = replace(clip, path=path)
    except RemoteVideoError as trouble:
        clip, error = None, trouble
        if isinstance(error, (JobUncertain, JobExpired)) and key:
            error.next_step = f"To pay for another try: use another seed, or run `forget {key[:SHORT_KEY]}` first."
    except Exception as bug:
        _log.exception("%sa fault of this pack", shot.label)
        what = f"A fault of this pack: {type(bug).__name__}: {bug}."
        error = RemoteVideoError(what, billed=Billed.UNKNOWN, next_step="Run again.")
    return Outcome(key, time.monotonic() - began, clip, error)
