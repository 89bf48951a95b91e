"""What an API answered: read within bounds, and JSON only where it is JSON of a size and depth that make sense."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from ..outside_text import keyless, message, without_key
from .body import body_of, whole_number

MAX_RESPONSE_BYTES = 2**20
MAX_LISTING_BYTES = 8 * 2**20
"""Of a listing, or a page of one."""
MAX_DEPTH = 64
LISTS = ("models", "data", "items", "results")
TROUBLE = (requests.RequestException, HTTPError, OSError)
"""What a connection can end in; urllib3's own errors come through `requests` here and there."""
LONGEST_WAIT_S = 10 * 365 * 24 * 3600
"""Nobody means more by Retry-After."""


@dataclass(frozen=True)
class Response:
    """What came back.

    Args:
        status: the HTTP status code.
        headers: case-insensitive.
        body: the bytes, or None when the connection broke before they were complete, or they are too many.
        key: what was sent with the request; it is taken out of whatever repeats it, once that is decoded.
    """

    status: int
    headers: Any
    body: bytes | None = field(repr=False)
    key: str = field(default="", repr=False)

    def json(self, *, clipped: bool = False) -> Any | None:
        """The parsed body; None for anything that is not JSON, by its Content-Type or by its looks.

        Args:
            clipped: one that is nested too deep loses what is too deep, rather than being none: so one odd item of
                a long listing doesn't spoil the others.
        """
        kind = self.headers.get("Content-Type", "application/json").lower()
        if self.body is None or not ("json" in kind or kind.startswith("text/plain")):
            return None
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        too_deep = _beyond_depth(value)
        if too_deep and not clipped:
            return None
        for item in too_deep:
            item.clear()
        return keyless(value, self.key)

    @property
    def summary(self) -> str:
        """The response in few words, for when it says nothing itself."""
        where = self.headers.get("Location", "")
        if 300 <= self.status < 400 and where:
            return f"HTTP {self.status}, a redirect to {message(where)[:200]}, which is not followed"
        return f"HTTP {self.status}" + ("" if self.json() is not None else ", not JSON")

    @property
    def retry_after(self) -> float | None:
        """The Retry-After header, s from now (RFC 9110, 10.2.3: seconds or an HTTP date).

        None without one that can be read and means a time within LONGEST_WAIT_S.
        """
        value = self.headers.get("Retry-After", "")
        seconds: float | None = whole_number(value)
        if seconds is None:
            try:
                when = parsedate_to_datetime(value.strip())
                when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
                seconds = max(0.0, (when - datetime.now(timezone.utc)).total_seconds())
            except (TypeError, ValueError, IndexError, OverflowError):
                return None
        return float(seconds) if seconds <= LONGEST_WAIT_S else None


def read(response: requests.Response, key: str, most_bytes: int = MAX_RESPONSE_BYTES) -> Response:
    """Read a response, at most `most_bytes` of it; a key it repeats is taken out."""
    headers = CaseInsensitiveDict({name: without_key(value, key) for name, value in response.headers.items()})
    try:
        body = body_of(response, most_bytes)
    except TROUBLE:
        body = None
    return Response(response.status_code, headers, body, key)


def listed_in(body: Any) -> list[Any] | None:
    """The items of a listing: a bare list, or the list an object has under one of `LISTS`; None when there is none."""
    for _ in range(3):
        if isinstance(body, list):
            return body
        if not isinstance(body, Mapping):
            return None
        body = next((body[name] for name in LISTS if isinstance(body.get(name), (list, Mapping))), None)
    return None


def _beyond_depth(value: Any) -> list[Any]:
    """The objects and lists MAX_DEPTH deep in JSON that hold more: without them, a walk through it stays far from
    the end of the stack.
    """
    level = [value]
    for _ in range(MAX_DEPTH - 1):
        level = [inner for item in level for inner in _inside(item)]
    return [item for item in level if _inside(item)]


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []
