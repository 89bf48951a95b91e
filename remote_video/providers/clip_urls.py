"""Where the clip is, in what a provider calls a job's output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VIDEO_KEYS = ("video", "videos", "video_url", "video_urls", "url", "urls", "output", "outputs")
"""In the order in which they are believed."""
VIDEO_ENDINGS = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".tif", ".tiff")


def clip_urls(output: Any) -> list[str]:
    """The clip's addresses, best first, without repeats.

    Args:
        output: a URL, a list of them, or an object that names them; any of these inside one another. An image's
            address is never taken, and in a list those that look like a video's come first.
    """
    return list(dict.fromkeys(_urls(output)))


def has_picture(output: Any) -> bool:
    """Whether an image's address is anywhere in an output."""
    if isinstance(output, str):
        return _is_url(output) and _ends(output, IMAGE_ENDINGS)
    inside = output.values() if isinstance(output, Mapping) else output if isinstance(output, (list, tuple)) else ()
    return any(map(has_picture, inside))


def _urls(output: Any) -> list[str]:
    if isinstance(output, str):
        return [output] if _is_url(output) and not _ends(output, IMAGE_ENDINGS) else []
    if isinstance(output, (list, tuple)):
        found = [url for item in output for url in _urls(item)]
        return sorted(found, key=lambda url: not _ends(url, VIDEO_ENDINGS))
    if isinstance(output, Mapping):
        return [url for key in VIDEO_KEYS for url in _urls(output.get(key))]
    return []


def _is_url(text: str) -> bool:
    return text.lower().startswith(("https://", "http://")) and text.isprintable()


def _ends(url: str, endings: tuple[str, ...]) -> bool:
    return url.partition("?")[0].partition("#")[0].lower().endswith(endings)
