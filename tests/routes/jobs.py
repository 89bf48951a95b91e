"""Jobs and clips for the routes to tell of."""

from __future__ import annotations

from pathlib import Path

from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event

from ..written_jobs import accepted, happened


def stored(ledger: Ledger, key: str, clip: Path | None, output: Path, **job) -> None:
    """A job whose clip lies in the output folder; without one, did."""
    lease = accepted(ledger, key, output_folder=str(output.resolve()), **job)
    ledger.record(lease, Event.SUCCEEDED, finished_at=ledger.get(key).submitted_at + 65)
    size = clip.stat().st_size if clip else 1
    name = str(clip.relative_to(output)) if clip else "video/gone.mp4"
    happened(ledger, lease, Event.STORED, path=name, bytes=size, sha256="0" * 64)


def put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
