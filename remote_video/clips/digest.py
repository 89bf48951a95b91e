"""What a saved file is told from others by."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def is_as_large(path: Path, size: int | None) -> bool:
    """Whether there is a file of that many bytes; false if that can't be determined."""
    try:
        return path.is_file() and path.stat().st_size == size
    except (OSError, ValueError):
        return False


def sha256(path: Path) -> str:
    """The hash of a file's bytes, hex. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def known_sha256(path: Path) -> str:
    """The same, remembered while the file's size and time of change stay as they are. Raises OSError."""
    about = path.stat()
    return _remembered(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4096)
def _remembered(path: Path, _size: int, _changed_at: int) -> str:
    return sha256(path)
