"""What the tests of downloads download with, and the clip they download."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from remote_video_pack.remote_video.clips.download import Download
from remote_video_pack.remote_video.clips.media_host import Reach
from remote_video_pack.remote_video.providers.status import MediaSource
from remote_video_pack.remote_video.timeouts import Timeouts

from .clip_host import ClipHost

CLIP = bytes(range(256)) * 1200
ETAG = {"ETag": '"first"'}
HALF = len(CLIP) // 2
HURRIED = Timeouts(connect=5.0, read=2.0)


@dataclass
class Downloader:
    """Downloads to one place, and keeps what was noted."""

    part: Path
    validator: str | None = None
    noted: list[tuple[str | None, int]] = field(default_factory=list)
    """Every validator that was noted, and the size of the partial file at that moment."""
    key: str = "secret-of-the-account"
    key_goes_to: str = "nowhere"
    deadline_s: float = 60.0
    max_bytes: int = 10_000_000
    under_way: Download | None = None
    timeouts: Timeouts = HURRIED
    reach: Reach = Reach(allow_loopback=True)
    said: list[str] = field(default_factory=list)

    def fetch(self, host: ClipHost | str, *, needs_key: bool = False) -> bool:
        self.under_way = self.download()
        return self.under_way.fetch(MediaSource(host if isinstance(host, str) else host.url, needs_key))

    def download(self) -> Download:
        return Download(
            part=self.part,
            validator=self.validator,
            auth_headers=self._authorise,
            reach=self.reach,
            note_validator=self._note,
            progressed=lambda have, whole: None,
            deadline=time.monotonic() + self.deadline_s,
            timeouts=self.timeouts,
            max_bytes=self.max_bytes,
            say=self.said.append,
        )

    def _authorise(self, url: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if url.startswith(self.key_goes_to) else {}

    def _note(self, validator: str | None) -> None:
        self.validator = validator
        self.noted.append((validator, self.part.stat().st_size))
