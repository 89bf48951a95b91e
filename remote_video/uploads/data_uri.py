"""The image inside the request itself: nothing to set up, nothing left behind."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

ENCODED_AT_ONCE = 48 * 2**10
"""Bytes of the file; a multiple of 3, so that only the last piece is padded."""


class DataUriBytes:
    """A `data:` URI (RFC 2397) that is made while it is sent: it is a third longer than its file, and is never held.

    Args:
        data: the file.
        mime: its type.
    """

    def __init__(self, data: bytes, mime: str) -> None:
        self._head = f"data:{mime};base64,".encode("ascii")
        self._data = data

    def __len__(self) -> int:
        return len(self._head) + 4 * -(-len(self._data) // 3)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        view = memoryview(self._data)
        for start in range(0, len(view), ENCODED_AT_ONCE):
            yield binascii.b2a_base64(view[start : start + ENCODED_AT_ONCE], newline=False)


class DataUri:
    """Writes files as `data:` URIs."""

    name = "data-uri"

    def url_for(self, data: bytes, mime: str) -> str:
        """Give `data:<mime>;base64,<data>`, a third longer than `data`."""
        return b"".join(DataUriBytes(data, mime)).decode("ascii")

    names: tuple[str, ...] = ()

    def adopt(self, names: list[str]) -> None:
        """Nothing is anywhere."""

    def discard(self) -> None:
        """Nothing was put anywhere."""
