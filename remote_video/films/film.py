"""A film: found again, or joined and saved as clips are: under a unique name, and never partly written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..clips.digest import sha256
from ..clips.output_file import Target, target
from ..errors import FilmError
from ..media.frames import Check, nothing_to_check
from ..media.join import Told, join, look_at
from ..media.look import Look, Wish
from ..media.measured import InClip, Part
from ..operating_system import is_full, sync
from .kept import found, remember

VERSION = 1
"""Of what a film of the same clips looks like."""


@dataclass(frozen=True)
class Film:
    """What came of joining."""

    path: Path
    clips: int
    reused: bool = False
    """It was made before, and is read from disk."""
    copied: bool = False
    """The picture is the clips' own, bit by bit."""
    length_s: float = 0.0
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a film goes, and where it is written down."""

    home: Path
    output_folder: Path
    filename_prefix: str
    follow_links: bool = False


def make_film(
    parts: Sequence[Part],
    wish: Wish,
    place: Place,
    says: Callable[[str], None] = lambda text: None,
    told: Told = lambda share: None,
    check: Check = nothing_to_check,
) -> Film:
    """Join the clips, or find what was joined of them before. Blocks.

    Args:
        says: is told in words what is being done.
        told: how much of it is done, 0..1.
        check: called again and again; what it raises ends the work, and nothing is left of it.

    Raises:
        InputRefused: these clips can't be joined; nothing was written.
        MediaError: a clip is not a video, damaged, or missing; the message says which.
        FilmError: the disk doesn't take it.
    """
    says(f"looking at {len(parts)} clips")
    aim = target(place.output_folder, place.filename_prefix, follow_links=place.follow_links)
    key = _key(parts, wish, aim, check)
    if (before := found(place.home, key, aim.output)) is not None:
        return Film(before, len(parts), reused=True, notices=("Joined before: read from disk, not made again.",))
    look = look_at(parts, wish, check)
    doing = "copying {} clips into one film" if look.copies_pictures else "encoding a film of {} clips"
    says(doing.format(len(parts)))
    path = _written(look, aim, key, told, check)
    remember(place.home, key, path, aim.output)
    return Film(path, len(parts), copied=look.copies_pictures, length_s=look.length_s, notices=_notices(look))


def _key(parts: Sequence[Part], wish: Wish, aim: Target, check: Check) -> str:
    """Of the clips' bytes and all that is made of them. Raises MediaError."""
    clips = []
    for number, part in enumerate(parts, 1):
        check()
        with InClip(number, part.path):
            clips.append((sha256(part.path), part.begin_s, part.length_s))
    name = (aim.output.kept(aim.folder) if aim.folder != aim.output.root else "", aim.exact.name)
    return hashlib.sha256(json.dumps([VERSION, clips, asdict(wish), name]).encode()).hexdigest()


def _written(look: Look, aim: Target, key: str, told: Told, check: Check) -> Path:
    part = aim.part(key)
    try:
        part.unlink(missing_ok=True)  # of a process that was killed
        with open(part, "xb", buffering=2**20, opener=aim.output.opener) as file:
            join(look, file, told, check)
            sync(file)
            if not os.path.samestat(os.fstat(file.fileno()), part.stat()):
                raise FileExistsError(f"somebody else is joining the same: {part}")
        return aim.publish(part)
    except OSError as error:
        raise _disk_error(error, aim.folder) from error
    finally:
        part.unlink(missing_ok=True)


def _disk_error(error: OSError, folder: Path) -> FilmError:
    if is_full(error):
        return FilmError(f"The disk is full: {folder}. Nothing is left of the film.")
    return FilmError(
        f"The film can't be written ({error.strerror or error}): {folder}.",
        next_step="Make the folder writable, then run again.",
    )


def _notices(look: Look) -> tuple[str, ...]:
    if look.why_encoded:
        return (f"Encoded anew, visually lossless: {look.why_encoded}.", *look.notices)
    if look.sound_rate and not (look.copies_sound or look.fades):
        return ("The picture is copied; the sound is encoded anew, because it doesn't fit the clips' length.",)
    return look.notices
