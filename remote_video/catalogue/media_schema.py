"""The pictures, videos and sounds of a published schema, with the limits of their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..media.fit import Bound, ImageLimits
from ..models.media_fields import Footage, MediaField, Picture, Sound
from ..models.runcomfy_limits import MAX_IMAGE_BYTES, MAX_VIDEO_BYTES
from .entry import Unreadable

FORMAT = re.compile("(image|video|audio)_(?:uri|url)(s?)")
ADDRESS = re.compile(r"_ur[il]s?$|^ur[il]s?$")
WORDS = {
    "video": re.compile("video|clip|footage|movie"),
    "audio": re.compile("audio|voice|music|sound|speech"),
    "image": re.compile("image|photo|picture|frame|mask|portrait|face"),
}
"""What a name without a format means, tried in this order."""
RULE = re.compile(r"(file_size_mb|width/height|width_pixels|height_pixels)\s*(<=|>=|<|>)")
ENDS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
MOST_FILES = 16
"""Of a list whose length is not limited."""


def media_kind(name: str, published: Mapping[str, Any]) -> str | None:
    """image, video or audio; None when it is none of them."""
    kinds = {"image", "video", "audio"}
    items = published.get("items")
    inner: Mapping[str, Any] = items if isinstance(items, Mapping) else {}
    for said in (published.get("format"), inner.get("format"), items):
        if isinstance(said, str) and (found := FORMAT.fullmatch(said)) and found[1] in kinds:
            return found[1]
    is_text = published.get("type") == "string" or (published.get("type") == "array" and inner.get("type") == "string")
    if not is_text or "enum" in published or not ADDRESS.search(name.lower()):
        return None
    return next((kind for kind, words in WORDS.items() if words.search(name.lower())), None)


def media_field(
    name: str, published: Mapping[str, Any], tooltip: str, required: bool, *, numbered: int = 0
) -> MediaField:
    """The field of a file or of a list of them. Raises Unreadable.

    Args:
        numbered: how many names with a number stand for it; 0 when one name stands for all.
    """
    kind = media_kind(name, published)
    most: int | None = numbered or 1
    fewest = int(required)
    is_list = published.get("type") == "array" and not numbered
    if is_list:
        most, fewest = (
            _count(published.get("maxItems")) or MOST_FILES,
            max(fewest, _count(published.get("minItems")) or 0),
        )
    if most is not None and (most < 1 or fewest > most):
        raise Unreadable("its numbers of files contradict each other")
    shared: dict[str, Any] = {
        "required": required,
        "takes_address": True,
        "is_list": is_list,
        "is_numbered": bool(numbered),
        "fewest": fewest if required else 0,
        "most": most,
    }
    bounds = _bounds(published)
    if kind == "image":
        is_frame = bool(re.search("start|first|end|last", name)) or name in ("image", "image_url", "image_uri")
        return Picture(name, name, tooltip, **shared, limits=_limits(bounds), fills_canvas=is_frame and most == 1)
    most_bytes = min(_largest(bounds.get("file_size_mb")) or MAX_VIDEO_BYTES, MAX_VIDEO_BYTES)
    return (Footage if kind == "video" else Sound)(name, name, tooltip, **shared, max_bytes=most_bytes)


def _bounds(published: Mapping[str, Any]) -> dict[str, Bound]:
    """The rules of `validations` by what they measure; those that aren't known say nothing."""
    said = published.get("validations")
    ends: dict[str, dict[str, float]] = {}
    for rule in said if isinstance(said, list) else ():
        name = rule.get("validation_rule") if isinstance(rule, Mapping) else None
        value = rule.get("validation_value") if isinstance(rule, Mapping) else None
        found = RULE.fullmatch(name.strip()) if isinstance(name, str) else None
        if found and isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e9:
            ends.setdefault(found[1], {})[ENDS[found[2]]] = value
    return {name: Bound(**bound) for name, bound in ends.items()}


def _limits(bounds: Mapping[str, Bound]) -> ImageLimits:
    return ImageLimits(
        max_bytes=min(_largest(bounds.get("file_size_mb")) or MAX_IMAGE_BYTES, MAX_IMAGE_BYTES),
        width=bounds.get("width_pixels", Bound()),
        height=bounds.get("height_pixels", Bound()),
        ratio=bounds.get("width/height", Bound()),
    )


def _largest(megabytes: Bound | None) -> int | None:
    """The largest file inside, bytes; MB is read as 10^6, the smaller of its two meanings."""
    if megabytes is None:
        return None
    ends = [*([megabytes.lt * 1e6 - 1] if megabytes.lt else []), *([megabytes.le * 1e6] if megabytes.le else [])]
    return int(min(ends)) if ends else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
