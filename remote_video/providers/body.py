"""The body of an HTTP answer as it comes in: counted, unpacked in small steps, and whole or an error.

None of it is left to urllib3, whose versions differ: before 2.1 a body that was cut counts as whole, and before 2.6 ten
kilobytes unpack into gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from typing import Any

import requests
from urllib3.exceptions import DecodeError, IncompleteRead, ProtocolError

PIECE_BYTES = 64 * 2**10
GZIP_OR_ZLIB = 47
MOST_DIGITS = 18
"""Of a number in a header; a longer one is none."""


def whole_number(text: str) -> int | None:
    """A header's number; None for what can't be read as one."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def codings(headers: Mapping[str, str]) -> list[str]:
    """How a body is packed, by its Content-Encoding, in the order in which that was done."""
    named = (name.strip().lower() for name in headers.get("Content-Encoding", "").split(","))
    return [name for name in named if name not in ("", "identity")]


def received(response: requests.Response) -> Iterator[bytes]:
    """The body, unpacked, in pieces of at most PIECE_BYTES.

    Raises:
        HTTPError: of urllib3; it broke off, or is packed otherwise than once, by gzip or deflate.
    """
    packed = codings(response.headers)
    if not packed:
        return _sent(response)
    if packed[0] not in ("gzip", "x-gzip", "deflate") or len(packed) > 1:
        raise DecodeError("the body is compressed in a way that was not requested")
    return _unpacked(_sent(response))


def body_of(response: requests.Response, at_most: int) -> bytes | None:
    """The whole body; None when there is more of it than `at_most` bytes. Raises as `received`."""
    pieces, size = [], 0
    for piece in received(response):
        pieces.append(piece)
        size += len(piece)
        if size > at_most:
            return None
    return b"".join(pieces)


def _sent(response: requests.Response) -> Iterator[bytes]:
    """The bytes as they arrive, one packet at a time, so that the deadline is checked even if the sender is slow."""
    raw = response.raw
    have = 0
    while piece := raw.read1(PIECE_BYTES, decode_content=False) if hasattr(raw, "read1") else _read1(raw):
        have += len(piece)
        yield piece
    told = None if raw.chunked else whole_number(response.headers.get("Content-Length", ""))
    if told is not None and have < told:
        raise IncompleteRead(have, told - have)


def _read1(raw: Any) -> bytes:
    """What has come by now, with urllib3 before 2.1, whose `read` waits until it has all that was asked for."""
    try:
        if raw.chunked and (piece := raw._fp.read1(PIECE_BYTES)):
            return bytes(piece)
        ready = len(raw._fp.peek(1)) if raw._fp.length != 0 else 0
    except (OSError, HTTPException) as error:
        raise ProtocolError("Connection broken", error) from error
    return bytes(raw.read(min(ready, PIECE_BYTES) or 1, decode_content=False))


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Members of a gzip file follow one another (RFC 1952, 2.2)."""
    member = zlib.decompressobj(GZIP_OR_ZLIB)
    is_open = False
    for piece in pieces:
        rest, more = piece, True
        while more:
            try:
                unpacked = member.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise DecodeError(f"the body can't be decompressed ({error})") from error
            is_open = not member.eof
            rest = member.unconsumed_tail if is_open else member.unused_data
            more = bool(rest) or len(unpacked) == PIECE_BYTES
            if not is_open:
                member = zlib.decompressobj(GZIP_OR_ZLIB)
                more = bool(rest)
            if unpacked:
                yield unpacked
    if is_open:
        raise DecodeError("the compressed body is truncated")
