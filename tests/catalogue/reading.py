"""Schemas of a few properties, and what is read of them."""

from __future__ import annotations

from typing import Any

from remote_video_pack.remote_video.catalogue.entry import Unreadable
from remote_video_pack.remote_video.catalogue.schema import Reading, read

IMAGE = {"type": "string", "format": "image_uri"}
SHOT = {"prompt": {"type": "string"}, "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5}}


def reading(*required: str, more: dict | None = None, **properties: Any) -> Reading:
    return read({"type": "object", "properties": properties, "required": list(required), **(more or {})})


def of(published: Any, name: str = "thing", *, required: bool = False) -> Any:
    """The field that one property becomes, whatever its name is then; the reason why it is none."""
    try:
        found = read({"properties": {name: published}, "required": [name] if required else []})
    except Unreadable as why:
        return str(why)
    wired = [field for field in found.fields if field.wire == name]
    return wired[0] if wired else found.left_out.get(name)


PARTS = {
    "frontal_image_url": IMAGE,
    "reference_image_urls": {"type": "array", "items": IMAGE},
    "video_url": {"type": "string", "format": "video_uri"},
}
