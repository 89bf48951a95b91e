"""What a page asks of the pack's routes: a JSON object, of which nothing is taken for granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..remote_video.errors import RequestRefused
from ..remote_video.outside_text import quoted, storable

Body = Mapping[str, Any]


def text_of(body: Body, name: str) -> str:
    """A text of the request. Raises RequestRefused: there is none, or none that can be stored."""
    value = body.get(name)
    if not isinstance(value, str) or storable(value) != value:
        raise RequestRefused(f"The request has no text {quoted(name)}.")
    return value
