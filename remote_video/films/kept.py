"""Films that were made before: a small file for each, beside the ledger, tells where it is and what is in it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..clips.digest import sha256
from ..clips.output_folder import OutputFolder
from ..private_file import NotPrivate, read_private, write_private

FOLDER = "films"
MOST = 500
"""Films that are remembered, the latest."""
MAX_BYTES = 16 * 2**10
_log = logging.getLogger("remote_video")


def found(home: Path, key: str, folder: OutputFolder) -> Path | None:
    """The film of that key in this folder, whole and as it was made; None when there is none any more."""
    try:
        told = json.loads(read_private(_file(home, key), MAX_BYTES) or b"{}")
        path = folder.file(told.get("path"))
        is_it = path is not None and path.stat().st_size == told["bytes"] and sha256(path) == told["sha256"]
    except (OSError, ValueError, LookupError, AttributeError, TypeError, NotPrivate):
        return None
    return path if is_it else None


def remember(home: Path, key: str, film: Path, folder: OutputFolder) -> None:
    """Write down where it is. A film that can't be remembered is there all the same."""
    told = {"path": folder.kept(film), "bytes": film.stat().st_size, "sha256": sha256(film)}
    try:
        write_private(_file(home, key), json.dumps(told).encode())
        files = sorted((home / FOLDER).glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MOST]:
            file.unlink(missing_ok=True)
    except (OSError, NotPrivate) as error:
        _log.warning("The film %s is not remembered: joined again, it is made again (%s)", film.name, error)


def _file(home: Path, key: str) -> Path:
    return home / FOLDER / f"{key[:32]}.json"
