"""The clips of stored jobs: where they are, in a moved or another output folder too, and what lies beside them."""

from __future__ import annotations

import contextlib
import logging
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..clips.digest import is_as_large, sha256
from ..clips.download import disk_error
from ..clips.output_file import Target, other_part
from ..clips.output_folder import OutputFolder
from ..errors import MediaError
from ..ledger.ledger import Lease, Ledger
from ..ledger.lifecycle import Event, State
from ..ledger.record import JobRecord, OtherFile, kept_others
from ..media.saved_file import check_video_or_picture
from ..operating_system import sync
from .order import Order

BACK_AGAIN = {State.FINISHED: (), State.EXPIRED: (Event.FOUND, Event.SUCCEEDED)}
"""What happened to a job before its clip is stored again that was found without its provider."""

_log = logging.getLogger("remote_video")


def in_place(record: JobRecord, folder: OutputFolder, *, is_shared: bool = False) -> Path | None:
    """The clip, when it is where the ledger says, in this folder, and as large as it was.

    Args:
        is_shared: other machines write into that ledger too, of folders that are called the same: what lies here under
            the clip's name is it only if its bytes are.
    """
    is_elsewhere = record.output_folder != str(folder.root) and not Path(record.path or "").is_absolute()
    path = None if is_elsewhere else folder.file(record.path)
    if path is None:
        return None
    return path if (_is_same(path, record) if is_shared else is_as_large(path, record.bytes)) else None


def _in_place(record: JobRecord, order: Order) -> Path | None:
    return in_place(record, order.folder, is_shared=order.settings.ledger_url is not None)


def is_anywhere(record: JobRecord, order: Order) -> bool:
    """Whether the clip is available without the provider."""
    return _found(record, order, order.place()) is not None or _original(record, order) is not None


def had_here(record: JobRecord, order: Order, place: Target | None = None) -> Path | None:
    """The clip in the order's folder: where it was saved, where the folder was moved with it, or copied from elsewhere.

    Args:
        place: what a copy is called there; by default as a clip of that order.

    Raises:
        DownloadError: the disk takes no copy.
    """
    place = place or order.place()
    if (found := _found(record, order, place)) is not None:
        return found
    original = _original(record, order)
    return _copied(original, record, order, place) if original else None


def copy_here(record: JobRecord, order: Order) -> JobRecord | None:
    """The record with this machine's paths, where another machine saved the clip and all of it is here as well."""
    if (path := _found(record, order, order.place())) is None:
        return None
    others = []
    for other in record.other_files:
        found = _other_found(other, record, order, path) if other.path else None
        if found is None and not other.is_gone:
            return None
        others.append(replace(other, path=order.folder.kept(found) if found else None))
    save_sidecar(path, order.job.sidecar, order.folder)
    return replace(record, **_known_here(path, others, order))


def others_here(record: JobRecord, order: Order, clip: Path | None = None) -> list[OtherFile]:
    """What the job brought besides, in the order's folder as the clip is; what was saved and is nowhere is due again.

    Args:
        clip: beside which they may be.

    Raises:
        DownloadError: the disk takes no copy.
    """
    return [_other_here(other, record, order, clip) if other.path else other for other in record.other_files]


def _other_here(other: OtherFile, record: JobRecord, order: Order, clip: Path | None) -> OtherFile:
    path = _other_found(other, record, order, clip) or had_here(
        _as_clip(record, other), order, _place_of_other(other, order)
    )
    return replace(other, path=order.folder.kept(path) if path else None)


def _other_found(other: OtherFile, record: JobRecord, order: Order, clip: Path | None) -> Path | None:
    """Under the name that the ledger has for it, or that it gets beside the clip."""
    as_clip, place = _as_clip(record, other), _place_of_other(other, order)
    beside = place.beside(clip, other.number, place.suffix).exact if clip else None
    if beside is not None and _is_same(beside, as_clip):
        return beside
    return _found(as_clip, order, place)


def _place_of_other(other: OtherFile, order: Order) -> Target:
    name = PurePosixPath(other.path or "")
    return replace(order.place(), stem=name.stem, is_whole=True, wanted=0, suffix=name.suffix)


def _as_clip(record: JobRecord, other: OtherFile) -> JobRecord:
    return replace(record, path=other.path, bytes=other.bytes, sha256=other.sha256)


def _found(record: JobRecord, order: Order, place: Target) -> Path | None:
    if (path := _in_place(record, order)) is not None:
        return path
    with contextlib.suppress(OSError):
        for path in (*order.folder.files(record.path), *place.clips()):
            if _is_same(path, record):
                return path
    return None


def _original(record: JobRecord, order: Order) -> Path | None:
    """Where another output folder of this machine has it."""
    path = record.clip_path if order.settings.is_own(record.saved_on) else None
    return path if path is not None and _is_same(path, record) else None


def _copied(original: Path, record: JobRecord, order: Order, place: Target) -> Path | None:
    part = place.part(record.key)
    try:
        check_video_or_picture(original)
        part.unlink(missing_ok=True)  # it may be a second name of a clip
        with original.open("rb") as source, open(part, "xb", opener=order.folder.opener) as copy:
            shutil.copyfileobj(source, copy, 2**20)
            sync(copy)
        path = place.publish(part) if _is_same(part, record) else None
        part.unlink(missing_ok=True)
    except MediaError:
        return None
    except OSError as error:
        raise disk_error(error, place.folder) from error
    return path


def _is_same(path: Path, record: JobRecord) -> bool:
    try:
        return is_as_large(path, record.bytes) and sha256(path) == record.sha256
    except OSError:
        return False


def read_only(ledger: Ledger, order: Order) -> JobRecord | None:
    """A stored clip that is in its place and has nothing left to be tidied up: to read it takes no lease."""
    record = ledger.get(order.key)
    if record is None or not record.is_stored or record.part_path is not None or Path(record.path or "").is_absolute():
        return None
    if (path := _in_place(record, order)) is None:
        return None
    if not all(other.is_gone or _in_place(_as_clip(record, other), order) for other in record.other_files):
        return None
    save_sidecar(path, order.job.sidecar, order.folder)
    return record


def reused(
    ledger: Ledger, lease: Lease, record: JobRecord, path: Path, others: list[OtherFile], order: Order
) -> JobRecord:
    """A clip that was saved before, and is here; from now on it is known where it is, and what lies beside it.

    Where another machine has it, its paths stay.
    """
    save_sidecar(path, order.job.sidecar, order.folder)
    known = _known_here(path, others, order)
    if not record.is_stored:
        for event in BACK_AGAIN[record.state]:
            record = ledger.record(lease, event, error=None, error_kind=None)
        record = ledger.record(lease, Event.STORED, saved_on=order.settings.host, **known)
    elif record.saved_on is not None and not order.settings.is_own(record.saved_on):
        return replace(record, **known)
    else:
        if order.settings.ledger_url is not None:
            known["saved_on"] = order.settings.host
        if any(getattr(record, name) != value for name, value in known.items()):
            ledger.note(lease, **known)
    return replace(tidied(ledger, lease, record, order.folder), **known)


def _known_here(path: Path, others: list[OtherFile], order: Order) -> dict[str, Any]:
    folder = order.folder
    return {"output_folder": str(folder.root), "path": folder.kept(path), "others": kept_others(others)}


def kept_part(record: JobRecord, folder: OutputFolder) -> Path | None:
    """The partial file of the ledger, when it is this job's and in this folder: no other may be removed."""
    part = folder.file(record.part_path)
    is_its_own = part is not None and part.name.startswith(".") and part.name.endswith(f".{record.key[:16]}.part")
    return part if is_its_own else None


def drop_parts(part: Path, record: JobRecord) -> None:
    """Remove the clip's partial file, and those of what the job brought besides."""
    for other in record.other_files:
        other_part(part, other.number).unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def tidied(ledger: Ledger, lease: Lease, record: JobRecord, folder: OutputFolder) -> JobRecord:
    """Remove the partial file of a stored clip, which may be a second name of it, and forget where it was."""
    if record.part_path is None:
        return record
    if (part := kept_part(record, folder)) is not None:
        try:
            drop_parts(part, record)
        except OSError as error:
            _log.warning("The partial download %s can't be removed: %s", part, error)
    nothing: dict[str, Any] = {"part_path": None, "part_validator": None}
    ledger.note(lease, **nothing)
    return replace(record, **nothing)


def save_sidecar(clip: Path, text: str | None, folder: OutputFolder) -> None:
    """Write `<clip>.json`, which opens in ComfyUI when it is dropped on the canvas: the MP4 stays as it came.

    An existing one stays: it tells how the clip came to be.
    """
    if text is None:
        return
    try:
        with open(clip.with_suffix(".json"), "x", encoding="utf-8", opener=folder.opener) as file:
            file.write(text)
    except FileExistsError:
        return
    except OSError as error:
        _log.warning("The workflow could not be saved beside %s: %s", clip.name, error)
