"""The pictures, videos and sounds of a published schema, with the limits of their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..media.fit import Bound, ImageLimits
from ..models.json_schema import Schema, is_number, listed, types_of
from ..models.media_fields import Footage, MediaField, Picture, Sound
from ..models.runcomfy_limits import MAX_IMAGE_BYTES, MAX_VIDEO_BYTES
from .entry import Unreadable
from .property import Property

FORMAT = re.compile("(?:(image|video|audio)_)?(?:uri|url)(s?)")
ADDRESS = re.compile(r"(?:^|_)ur[il]s?$")
WORDS = {
    "video": re.compile("video|clip|footage|movie"),
    "audio": re.compile("audio|voice|music|sound|speech"),
    "image": re.compile("image|photo|picture|frame|mask|portrait|face"),
}
"""What a name means where no format says so: the last word of it counts."""
RULE = re.compile(r"(file_size_mb|width/height|width_pixels|height_pixels)\s*(<=|>=|<|>)")
ENDS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
FRAMES = frozenset(("start", "first", "end", "last"))
FIRST_FRAMES = ("image", "image_url", "image_uri")
MOST_FILES, MOST_SOCKETS = 16, 100
"""Of a list whose length is not limited; and that a node can have."""
LARGEST_SIDE = 8192
"""No picture is made larger to please a model, px."""


def media_kind(said: Property) -> str | None:
    """image, video or audio; None when it is none of them."""
    types = [name for name in types_of(said.says) if name != "null"]
    items = said.says.get("items")
    inner = items if isinstance(items, Mapping) else {}
    is_list = types == ["array"]
    of = types_of(inner) if is_list else types
    if "enum" in said.says or "const" in said.says or (types and not is_list and "string" not in types):
        return None
    if is_list and (of not in ([], ["string"]) or "properties" in inner):
        return None
    formats = [
        found
        for word in (said.says.get("format"), inner.get("format"), items)
        if isinstance(word, str) and (found := FORMAT.fullmatch(word))
    ]
    if kind := next((found[1] for found in formats if found[1]), None):
        return kind
    if not formats and not ("string" in of and ADDRESS.search(said.name.lower())):
        return None
    last = {kind: [word.start() for word in words.finditer(said.name.lower())] for kind, words in WORDS.items()}
    return max((places[-1], kind) for kind, places in last.items() if places)[1] if any(last.values()) else None


def media_field(said: Property, *, names: int = 0, fewest: int = 0) -> MediaField:
    """The field of a file or of a list of them. Raises Unreadable.

    Args:
        names: how many names with a number stand for it; 0 when one name stands for all.
        fewest: of those, how many are needed.
    """
    fewest, most = _counts(said) if _is_list(said) else (fewest, names or 1)
    if most < max(fewest, 1) or fewest > MOST_SOCKETS:
        raise Unreadable("its numbers of files contradict each other")
    shared: dict[str, Any] = {
        **said.named,
        "required": said.required,
        "takes_address": True,
        "is_list": _is_list(said),
        "is_numbered": bool(names),
        "fewest": fewest,
        "most": min(most, MOST_SOCKETS),
    }
    kind, bounds = media_kind(said), _bounds(said.says)
    if kind == "image":
        is_frame = bool(FRAMES & set(said.name.lower().split("_"))) or said.name in FIRST_FRAMES
        return Picture(**shared, limits=_limits(bounds), fills_canvas=is_frame and most == 1)
    return (Footage if kind == "video" else Sound)(**shared, max_bytes=_largest(bounds, MAX_VIDEO_BYTES))


def _is_list(said: Property) -> bool:
    """Whether the wire has a list; by its format where it names no type."""
    types = types_of(said.says)
    return "array" in types if types else "items" in said.says or str(said.says.get("format")).endswith("s")


def _counts(said: Property) -> tuple[int, int]:
    most = said.count("maxItems")
    return max(said.count("minItems") or 0, int(said.required)), MOST_FILES if most is None else most


def _bounds(says: Schema) -> dict[str, Bound]:
    """The rules of `validations` by what they measure; those that aren't known say nothing. Raises Unreadable."""
    ends: dict[str, dict[str, float]] = {}
    for rule in listed(says, "validations"):
        name = rule.get("validation_rule") if isinstance(rule, Mapping) else None
        value: Any = rule.get("validation_value") if isinstance(rule, Mapping) else None
        found = RULE.fullmatch(name.strip()) if isinstance(name, str) else None
        if found and is_number(value) and value > 0:
            ends.setdefault(found[1], {})[ENDS[found[2]]] = value
    bounds = {name: Bound(**bound) for name, bound in ends.items()}
    if any(bounds.get(side, Bound()).smallest_int() > LARGEST_SIDE for side in ("width_pixels", "height_pixels")):
        raise Unreadable("no picture is as large as it wants")
    return bounds


def _limits(bounds: Mapping[str, Bound]) -> ImageLimits:
    return ImageLimits(
        max_bytes=_largest(bounds, MAX_IMAGE_BYTES),
        width=bounds.get("width_pixels", Bound()),
        height=bounds.get("height_pixels", Bound()),
        ratio=bounds.get("width/height", Bound()),
    )


def _largest(bounds: Mapping[str, Bound], most: int) -> int:
    """The largest file inside, bytes; MB is read as 10^6, the smaller of its two meanings."""
    said = bounds.get("file_size_mb", Bound())
    ends = [*([said.lt * 1e6 - 1] if said.lt else []), *([said.le * 1e6] if said.le else []), most]
    return max(0, int(min(ends)))
