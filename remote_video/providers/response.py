"""What an API answered: read within bounds, and JSON only where it is JSON of a size and depth that make sense."""

from __future__ import annotations

import json
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
MAX_DEPTH = 64
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

    def json(self) -> Any | None:
        """The parsed body; None for anything that is not JSON, by its Content-Type or by its looks."""
        kind = self.headers.get("Content-Type", "application/json").lower()
        if self.body is None or not ("json" in kind or kind.startswith("text/plain")):
            return None
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return keyless(value, self.key) if _depth_is_sane(value) else None

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


def read(response: requests.Response, key: str) -> Response:
    """Read a response, at most MAX_RESPONSE_BYTES of it; a key it repeats is taken out."""
    headers = CaseInsensitiveDict({name: without_key(value, key) for name, value in response.headers.items()})
    try:
        body = body_of(response, MAX_RESPONSE_BYTES)
    except TROUBLE:
        body = None
    return Response(response.status_code, headers, body, key)


def _depth_is_sane(value: Any) -> bool:
    """Whether JSON is nested at most MAX_DEPTH deep: whoever walks through it stays far from the end of the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return True
    return False


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []
