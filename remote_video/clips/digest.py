"""What a saved file is told from others by."""

from __future__ import annotations

import hashlib
from pathlib import Path


def is_as_large(path: Path, size: int | None) -> bool:
    """Whether there is a file of so many bytes; no where that can't be told."""
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
