"""Which files there are, in what a provider calls a job's output, and where each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

VIDEO_KEYS = ("video", "videos", "video_url", "video_urls", "url", "urls", "output", "outputs")
"""In the order in which they are believed."""
PICTURE_KEYS = ("image", "images", "image_url", "image_urls")
VIDEO_ENDINGS = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".tif", ".tiff")
Addresses = tuple[str, ...]
"""Of one file, best first."""


def files_in(output: Any) -> list[Addresses]:
    """The files of an output: the videos, then the pictures beside them; none where there is no video.

    The entries of a list are different files. Several names of one object (`video` beside `videos`) are several ways
    to name the same ones, in the same order.

    Args:
        output: a URL, a list of them, or an object that names them; any of these inside one another. An image's
            address is never taken for a video, and in a list those that look like a video's come first.
    """
    videos = _videos(output)
    named = {url for video in videos for url in video}
    pictures = dict.fromkeys(url for url in _pictures(output) if url not in named)
    return [*videos, *((url,) for url in pictures)] if videos else []


def has_picture(output: Any) -> bool:
    """Whether an image's address is anywhere in an output."""
    return bool(_pictures(output))


def same_files(ways: Iterable[list[Addresses]]) -> list[Addresses]:
    """One list of the files that are named in several ways: those that share an address, else those in one place."""
    files: list[Addresses] = []
    for way in ways:
        met: set[int] = set()
        rest: list[tuple[int, Addresses]] = []
        for place, addresses in enumerate(way):
            known = next((n for n, file in enumerate(files) if set(file) & set(addresses)), None)
            if known is None:
                rest.append((place, addresses))
            else:
                met.add(known)
                files[known] = tuple(dict.fromkeys(files[known] + addresses))
        before = len(files)
        for place, addresses in rest:
            if place < before and place not in met:
                files[place] += addresses
            else:
                files.append(addresses)
    return files


def _videos(output: Any) -> list[Addresses]:
    if isinstance(output, str):
        return [(output,)] if _is_url(output) and not _ends(output, IMAGE_ENDINGS) else []
    if isinstance(output, (list, tuple)):
        found = dict.fromkeys(file for item in output for file in _videos(item))
        return sorted(found, key=lambda file: not _ends(file[0], VIDEO_ENDINGS))
    if isinstance(output, Mapping):
        return same_files(_videos(output.get(key)) for key in VIDEO_KEYS)
    return []


def _pictures(output: Any, *, is_picture: bool = False) -> list[str]:
    if isinstance(output, str):
        return [output] if _is_url(output) and (is_picture or _ends(output, IMAGE_ENDINGS)) else []
    if isinstance(output, (list, tuple)):
        return [url for item in output for url in _pictures(item, is_picture=is_picture)]
    if isinstance(output, Mapping):
        named = [url for key in PICTURE_KEYS for url in _pictures(output.get(key), is_picture=True)]
        return named + [url for key in VIDEO_KEYS for url in _pictures(output.get(key), is_picture=is_picture)]
    return []


def _is_url(text: str) -> bool:
    return text.lower().startswith(("https://", "http://")) and text.isprintable()


def _ends(url: str, endings: tuple[str, ...]) -> bool:
    return url.partition("?")[0].partition("#")[0].lower().endswith(endings)
