"""Names that nobody can guess, with the suffix of what the file holds."""

from __future__ import annotations

import secrets

_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "video/mp4": ".mp4"}


def unguessable_name(mime: str) -> str:
    """Give a file name with 256 random bits, safe in a URL and on every file system."""
    return secrets.token_hex(32) + _SUFFIXES.get(mime, ".bin")
