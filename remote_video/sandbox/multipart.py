"""A multipart/form-data body taken apart (the standard library's own parser for it is gone since Python 3.13)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


class MultipartError(ValueError):
    """The body is not multipart/form-data as RFC 7578 describes it."""


@dataclass(frozen=True)
class Part:
    """One field. `filename` is None for a plain field."""

    name: str
    filename: str | None
    content_type: str
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", errors="replace")


def parts(body: bytes, content_type: str) -> list[Part]:
    """The fields in the order they were sent.

    Raises:
        MultipartError: wrong content type, no boundary, or a body that does not end with it.
    """
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise MultipartError("Content-Type is not multipart/form-data with a boundary")
    marker = b"--" + boundary.encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + marker)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise MultipartError("the body does not end with its boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, blank, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not blank:
        raise MultipartError("a part has no blank line after its headers")
    message = Message()
    for line in head.decode("utf-8", errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        message[name.strip()] = value.strip()
    field = message.get_param("name", header="Content-Disposition")
    if not isinstance(field, str):
        raise MultipartError("a part has no name")
    return Part(field, message.get_filename(), message.get_content_type(), data)
