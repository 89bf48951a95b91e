"""The server's end of one connection: bytes out, in any way an honest or a broken server sends them."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from http import HTTPStatus

from .answer import Answer, FileSlice

CHUNK = 256 * 1024
LINGER_FORMAT = "hh" if os.name == "nt" else "ii"
RESET_ON_CLOSE = struct.pack(LINGER_FORMAT, 1, 0)
SETTLE_S = 0.05
"""Time for sent bytes to reach the client before a reset overtakes them, s."""


class Wire:
    """One connection during one exchange.

    Args:
        connection: its socket.
        headless: the answer goes without its body (HEAD).
        released: set when pauses must end (the fault was cleared, the sandbox stops).
    """

    def __init__(self, connection: socket.socket, *, headless: bool, released: threading.Event) -> None:
        self._connection = connection
        self._headless = headless
        self._released = released
        self.closing = False
        self.reset_wanted = False

    def send(self, data: bytes) -> None:
        if data:
            self._connection.sendall(data)

    def send_head(self, answer: Answer, **framing: str) -> None:
        """Status line and headers; `framing` are the headers that say how long the body is."""
        self.send(self._head(answer, framing))

    def send_whole(self, answer: Answer) -> None:
        """The answer as it should go."""
        head = self._head(answer, {"Content-Length": str(answer.length)})
        if self._headless:
            self.send(head)
        elif isinstance(answer.body, bytes) and len(answer.body) < CHUNK:
            self.send(head + answer.body)
        else:
            self.send(head)
            for piece in pieces(answer):
                self.send(piece)

    def _head(self, answer: Answer, framing: dict[str, str]) -> bytes:
        try:
            reason = HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unknown"
        named = {**answer.headers, **{name.replace("_", "-"): value for name, value in framing.items()}}
        if self.closing:
            named["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in named.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def pause(self, seconds: float) -> None:
        """Send nothing for a while, or until the fault is cleared."""
        self._released.wait(seconds)

    def settle(self) -> None:
        """Let what was sent arrive before what comes next."""
        self._released.wait(SETTLE_S)

    def hang_up(self) -> None:
        """Close after this exchange, in order (FIN)."""
        self.closing = True

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.closing = self.reset_wanted = True


def pieces(answer: Answer) -> Iterator[bytes]:
    """The body in pieces of at most 256 KiB."""
    if isinstance(answer.body, FileSlice):
        with answer.body.path.open("rb") as file:
            file.seek(answer.body.start)
            left = answer.body.length
            while left and (piece := file.read(min(left, CHUNK))):
                left -= len(piece)
                yield piece
        return
    for start in range(0, len(answer.body), CHUNK):
        yield answer.body[start : start + CHUNK]
