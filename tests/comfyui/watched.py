"""A page that is watched: what it asked for, what failed, and what its console says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

OURS = ("remote_video", "remote-video")
TOO_EARLY = "Unhandled message"
"""ComfyUI's own warning of an event that comes while the page still loads its extensions."""


@dataclass
class Watched:
    """What a page did.

    Attributes:
        asked: every address, in order.
        failed: of ours, what was not answered, or with a status of 400 or more.
        console: errors and warnings in the console that name us, and every exception.
    """

    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def outside(self, address: str) -> list[str]:
        """What was asked for elsewhere than below this address."""
        parts = urlsplit(address)
        near = (address + "/", f"ws://{parts.netloc}{parts.path}/", "data:", "blob:", "about:")
        return [url for url in self.asked if not (url == address or url.startswith(near))]


def is_ours(*texts: str) -> bool:
    """Whether one of them names this pack."""
    return any(word in text for word in OURS for text in texts)


def watch(page: Any) -> Watched:
    """Watch a page from now on."""
    seen = Watched()

    def answered(answer: Any) -> None:
        if answer.status >= 400 and is_ours(answer.url):
            seen.failed.append(f"{answer.status} {answer.url}")

    def unanswered(request: Any) -> None:
        if is_ours(request.url) and request.failure != "net::ERR_ABORTED":
            seen.failed.append(f"{request.failure} {request.url}")

    def said(message: Any) -> None:
        where = message.location.get("url", "")
        if message.type in ("error", "warning") and is_ours(message.text, where) and TOO_EARLY not in message.text:
            seen.console.append(f"{message.type}: {message.text} ({where})")

    page.on("request", lambda request: seen.asked.append(request.url))
    page.on("websocket", lambda socket: seen.asked.append(socket.url))
    page.on("response", answered)
    page.on("requestfailed", unanswered)
    page.on("console", said)
    page.on("pageerror", lambda error: seen.console.append(f"exception: {error}"))
    return seen
