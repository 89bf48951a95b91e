"""What the sandbox would answer, as a value: status, headers and body, for faults to change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

JSON_TYPE = "application/json"
LAST_WORDS = ("completed", "succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Incoming:
    """A request. Header names are in lower case."""

    target: str
    headers: Mapping[str, str]
    origin: str
    """The sandbox's own http://127.0.0.1:PORT."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer; Content-Length is the delivery's business.

    Args:
        whole: for the part of a file: the answer that is all of it.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    whole: Answer | None = None

    @classmethod
    def of(cls, payload: Any, status: int = 200) -> Answer:
        """A JSON answer."""
        return cls(status, json.dumps(payload).encode(), {"Content-Type": JSON_TYPE})

    @classmethod
    def told(cls, response: web.Response, whole: Answer | None = None) -> Answer:
        """What a handler of the sandbox answers."""
        return cls(response.status, bytes(response.body or b""), dict(response.headers), whole)

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    @property
    def finished(self) -> bool:
        """Whether it says that the job is over, so that the client's next call is the one for its clip."""
        return self.payload().get("status") in LAST_WORDS

    def payload(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        if not self.headers.get("Content-Type", "").startswith(JSON_TYPE):
            return {}
        value = json.loads(self.body or b"{}")
        return value if isinstance(value, dict) else {}

    def with_payload(self, payload: Any, status: int | None = None) -> Answer:
        """The same answer with other JSON in it."""
        return replace(self.with_body(json.dumps(payload).encode(), JSON_TYPE), status=status or self.status)

    def with_body(self, body: bytes, content_type: str | None = None) -> Answer:
        headers = dict(self.headers)
        if content_type:
            headers["Content-Type"] = content_type
        return replace(self, body=body, headers=headers)

    def with_headers(self, **headers: str) -> Answer:
        """Underscores in header names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})
