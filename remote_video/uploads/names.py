"""Random names, with the suffix of the file's content."""

from __future__ import annotations

import re
import secrets

_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/wav": ".wav",
}


_OURS = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{3,4}")


def our_names(kept: str | None) -> list[str]:
    """Those in a text of names that `unguessable_name` can have made: nothing else is ever removed."""
    return [name for name in (kept or "").split() if _OURS.fullmatch(name)]


def unguessable_name(mime: str) -> str:
    """Give a file name with 256 random bits, safe in a URL and on every file system."""
    return secrets.token_hex(32) + _SUFFIXES.get(mime, ".bin")
