"""One HTTP request as it came in, one answer as it goes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Incoming:
    """A request, read whole. Header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    origin: str
    """The sandbox's own http://127.0.0.1:PORT."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str, default: str = "") -> str:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True).get(name, [default])[0]


@dataclass(frozen=True)
class FileSlice:
    """`length` bytes of a file from `start` on."""

    path: Path
    start: int
    length: int

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer; Content-Length is the delivery's business."""

    status: int
    body: bytes | FileSlice = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    finished: bool = False
    """The answer says that the job is over, so the client's next call is the one for its clip."""

    @classmethod
    def of(cls, payload: Any, status: int = 200, *, finished: bool = False, **headers: str) -> Answer:
        """A JSON answer; underscores in header names become hyphens."""
        named = {"Content-Type": JSON_TYPE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return cls(status, json.dumps(payload).encode(), named, finished)

    def content(self) -> bytes:
        return self.body.read() if isinstance(self.body, FileSlice) else self.body

    @property
    def length(self) -> int:
        return self.body.length if isinstance(self.body, FileSlice) else len(self.body)

    def payload(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        if not self.headers.get("Content-Type", "").startswith(JSON_TYPE):
            return {}
        value = json.loads(self.content() or b"{}")
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
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})
