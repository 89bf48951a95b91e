"""A provider that lists models page by page, honestly or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from remote_video_pack.remote_video.sandbox.listing import CONTRACTS

from ..providers.scripted import Exchange, Script, says


def model(model_id: str, **changes: Any) -> dict[str, Any]:
    """One model as the provider publishes it."""
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    return {"model_id": model_id, "display_name": model_id, "categories": ["text-to-video"], **changes} | (
        {} if "input_schema" in changes else {"input_schema": schema}
    )


def models(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [model(f"acme/m-{number}/text-to-video") for number in range(start, start + count)]


def paged(
    listed: list[Any],
    *,
    most: int = 1000,
    page: Callable[[list[Any], Mapping[str, int]], Any] | None = None,
) -> Script:
    """Lists those models.

    Args:
        most: a page gives no more, whatever is asked for.
        page: makes the body of a page from its items and {limit, offset, total}.
    """

    def script(exchange: Exchange) -> bool | None:
        asked = parse_qs(urlsplit(exchange.seen.path).query)
        limit, offset = min(most, int(asked["limit"][0])), int(asked["offset"][0])
        items, about = listed[offset : offset + limit], {"limit": limit, "offset": offset, "total": len(listed)}
        return says(page(items, about) if page else {"models": items, **about})(exchange)

    return script


def sandbox_schemas() -> dict[str, Any]:
    """The input schemas of the sandbox's own models, by id."""
    published = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(CONTRACTS.glob("*.json")))
    return {one["model_id"]: one["input_schema"] for one in published if "input_schema" in one}
