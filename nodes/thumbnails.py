"""Thumbnails of clips for the jobs panel: made once, kept under the home folder. No HTTP here."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from ..remote_video.clips.digest import known_sha256
from ..remote_video.clips.output_folder import OutputFolder
from ..remote_video.engine.saved import in_place
from ..remote_video.errors import RemoteVideoError
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.ledger.record import JobRecord
from ..remote_video.operating_system import here
from ..remote_video.private_file import TROUBLES, private_folder
from ..remote_video.settings import Settings
from .asked import Body, text_of
from .comfy_host import output_folder

FOLDER = "thumbnails"
MOST_KEPT = 4000
"""Some 10 kB each; the oldest quarter goes when there are more."""

_log = logging.getLogger("remote_video")


def thumbnail_of(settings: Settings, query: Body) -> bytes | None:
    """{key} -> the first frame of that job's clip as JPEG; None without a clip here. Blocks. Raises LedgerError."""
    record = Ledger.of(settings).get(text_of(query, "key"))
    clip = clip_here(record, settings) if record is not None else None
    if clip is None:
        return None
    try:
        about = clip.stat()
        content = f"{query['key']} {about.st_size} {about.st_mtime_ns}"
        kept = settings.home / FOLDER / f"{hashlib.sha256(content.encode()).hexdigest()[:40]}.jpg"
        return kept.read_bytes() if kept.exists() else _made(clip, kept)
    except TROUBLES as error:
        _log.warning("The thumbnail of %s can't be kept or read: %s", clip.name, error)
        return None


def clip_here(record: JobRecord, settings: Settings) -> Path | None:
    """The clip, when it is in ComfyUI's output folder as the ledger says: nothing else is shown to a browser."""
    folder = OutputFolder(output_folder().resolve(), settings.follow_links)
    clip = in_place(record, folder) if record.is_stored else None
    return clip if clip is not None and is_its_file(clip, record, settings) else None


def is_its_file(file: Path, record: JobRecord, settings: Settings) -> bool:
    """Whether a file under the name of a job's clip is there, and that clip: one that another machine saved under that
    name is another file here, unless its bytes say otherwise.
    """
    try:
        return file.exists() and (settings.is_own(record.saved_on) or known_sha256(file) == record.sha256)
    except OSError:
        return False


def _made(clip: Path, kept: Path) -> bytes | None:
    from ..remote_video.media.thumbnail import thumbnail

    try:
        picture = thumbnail(clip)
    except RemoteVideoError as error:
        _log.info("There is no thumbnail of %s: %s", clip.name, error.what)
        return None
    private_folder(kept.parent)
    new = kept.with_suffix(".new")
    new.write_bytes(picture)
    here().put_over(new, kept)
    _tidy(kept.parent)
    return picture


def _tidy(folder: Path) -> None:
    files = list(folder.iterdir())
    if len(files) <= MOST_KEPT:
        return
    for file in sorted(files, key=lambda file: file.stat().st_mtime)[: len(files) - 3 * MOST_KEPT // 4]:
        file.unlink(missing_ok=True)
