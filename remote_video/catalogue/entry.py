"""One model as the catalogue publishes it, read liberally: what is odd in it is absent, never an error of the rest.

Source: `GET /v1/models?include_schema=true` of RunComfy's Model API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..outside_text import code, id_text, message

TO_VIDEO = re.compile(r"(image|text|reference|video|audio|speech|motion)s?-to-video|edit-video|video-edit(ing)?")
EDIT = "edit"
"""Of a video, where the model takes one."""
MOST_KINDS = 20
MOST_USD = 1e6
"""A higher price is a mistake."""
MODEL_ID = re.compile(r"[\w+:@-][\w.+:@-]*(?:/[\w+:@-][\w.+:@-]*)*", re.ASCII)
"""No part of it begins with a dot: an address would lead elsewhere."""


class Unreadable(ValueError):
    """What the catalogue says of a model, or of one of its inputs, can't be understood; says why."""


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue.

    Args:
        model_id: the provider's id; what saved workflows hold for ever.
        name: what people call it.
        kinds: what it makes of what, such as "image-to-video".
        schema: of its input, JSON Schema as published; None when it wasn't asked for, or is none.
        price_usd: what one `price_unit` costs, USD; None when the catalogue doesn't say.
        price_unit: "output" (one clip) or "second" (of it); another word is the provider's own.
        pricing_note: what it says of the price.
        description: a sentence or more.
        retired_at: when it was first seen to be no longer offered, seconds since the epoch; None while it is.
    """

    model_id: str
    name: str
    kinds: frozenset[str]
    schema: Mapping[str, Any] | None = field(repr=False, default=None)
    price_usd: float | None = None
    price_unit: str | None = None
    pricing_note: str = ""
    description: str = ""
    retired_at: float | None = None

    @classmethod
    def read(cls, published: Any, retired_at: float | None = None) -> Entry:
        """Read one object of the listing. Raises Unreadable when it names no model."""
        if not isinstance(published, Mapping):
            raise Unreadable("it is no object")
        model_id = id_text(published.get("model_id"))
        if not model_id or model_id != published.get("model_id") or not MODEL_ID.fullmatch(model_id):
            raise Unreadable("it has no id that can stand in an address")
        schema = published.get("input_schema")
        return cls(
            model_id=model_id,
            name=_words(published.get("display_name"), code) or model_id,
            kinds=_kinds(published),
            schema=schema if isinstance(schema, Mapping) else None,
            price_usd=_price(published.get("base_price_usd")),
            price_unit=_words(published.get("price_unit"), code).lower() or None,
            pricing_note=_words(published.get("pricing_note"), message),
            description=_words(published.get("description"), message),
            retired_at=retired_at,
        )

    @property
    def is_retired(self) -> bool:
        """Whether it was offered once and no longer is."""
        return self.retired_at is not None

    @property
    def makes_video(self) -> bool:
        """Whether it is a video model."""
        return any(kind != EDIT for kind in self.video_kinds) or (EDIT in self.kinds and self._takes_video)

    @property
    def video_kinds(self) -> frozenset[str]:
        """Those of its kinds that say what it makes a video of."""
        return frozenset(kind for kind in self.kinds if TO_VIDEO.fullmatch(kind) or kind == EDIT)

    @property
    def vendor(self) -> str:
        """The first part of its id."""
        return self.model_id.split("/")[0]

    @property
    def _takes_video(self) -> bool:
        properties = (self.schema or {}).get("properties")
        return "video" in self.model_id or any("video" in str(name) for name in properties or ())


def _kinds(published: Mapping[str, Any]) -> frozenset[str]:
    listed = published.get("categories")
    words = [published.get("kind"), *(listed[:MOST_KINDS] if isinstance(listed, list) else [listed])]
    return frozenset(_words(word, code).lower().replace("_", "-").replace(" ", "-") for word in words if word)


def _words(value: Any, door: Any) -> str:
    return str(door(value)).strip() if isinstance(value, str) else ""


def _price(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < MOST_USD else None
