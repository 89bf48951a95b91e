"""The server's end of one connection: bytes out, in any way an honest or a broken server sends them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from ..fault_proxy import FaultProxy, Line
from .answer import Answer

SETTLE_S = 0.05
"""Time for sent bytes to reach the client before a reset overtakes them, s."""


class Wire:
    """A connection for its last exchange, taken out of the server's hands.

    Args:
        headless: the answer goes without its body (HEAD).
        released: set when pauses must end (the fault was cleared, the sandbox stops).
    """

    def __init__(self, proxy: FaultProxy, line: Line, *, headless: bool, released: threading.Event) -> None:
        self._proxy = proxy
        self._line = line
        self._headless = headless
        self._released = released

    def deliver(self, send: Callable[[], None]) -> None:
        """Send something, on a thread, and close the connection in order (FIN) if that did not end it."""

        def run() -> None:
            with suppress(OSError):  # the client has left
                send()
            self._proxy.end(self._line, reset=False)

        threading.Thread(target=run, daemon=True).start()

    def send(self, data: bytes) -> None:
        if data:
            self._line.client.sendall(data)

    def send_head(self, answer: Answer, **framing: str) -> None:
        """Status line and headers; `framing` are the headers that say how long the body is."""
        try:
            reason = HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unknown"
        named = {**answer.headers, **{name.replace("_", "-"): value for name, value in framing.items()}}
        named["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in named.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send_whole(self, answer: Answer) -> None:
        """The answer as it should go."""
        self.send_head(answer, Content_Length=str(len(answer.body)))
        if not self._headless:
            self.send(answer.body)

    def pause(self, seconds: float) -> None:
        """Send nothing for a while, or until the fault is cleared."""
        self._released.wait(seconds)

    def settle(self) -> None:
        """Let what was sent arrive before what comes next."""
        self._released.wait(SETTLE_S)

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self._proxy.end(self._line, reset=True)
