"""A multipart/form-data body (RFC 7578) in pieces, so that files in it are never copied."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from urllib3.fields import RequestField

File = tuple[str, bytes, str]
"""File name, content, content type."""


def multipart(parts: Sequence[tuple[str, str | File]]) -> tuple[list[bytes], str]:
    """The body's pieces in order, and its Content-Type.

    Args:
        parts: a field's name with its text or its file; names may repeat.
    """
    boundary = uuid.uuid4().hex
    pieces = []
    for name, value in parts:
        field = RequestField.from_tuples(name, value)
        content = field.data.encode("utf-8") if isinstance(field.data, str) else field.data
        pieces += [f"--{boundary}\r\n{field.render_headers()}".encode(), content, b"\r\n"]
    return [*pieces, f"--{boundary}--\r\n".encode()], f"multipart/form-data; boundary={boundary}"
