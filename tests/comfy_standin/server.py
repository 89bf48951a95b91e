"""The server: its queue, the text it sends to nodes, its routes."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from aiohttp import web


class PromptQueue:
    """The prompts that run now, those that wait, and how others ended."""

    def __init__(self) -> None:
        self.running: list[tuple[Any, ...]] = []
        self.waiting: list[tuple[Any, ...]] = []
        self.history: dict[str, dict[str, Any]] = {}

    def get_current_queue_volatile(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """(running, waiting), each item (number, prompt id, prompt, extra data, outputs)."""
        return list(self.running), list(self.waiting)

    def get_history(
        self,
        prompt_id: str | None = None,
        max_items: int | None = None,
        offset: int = -1,
        map_function: Callable[[dict[str, Any]], Any] | None = None,
    ) -> dict[str, Any]:
        """How a prompt ended; empty when it is not known."""
        entry = self.history.get(prompt_id or "")
        return {} if entry is None else {prompt_id or "": map_function(entry) if map_function else entry}


class Loop:
    """The server's loop, on which nothing is run here: the process is the tests' own."""

    def call_soon_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        """Take note of nothing."""


class PromptServer:
    """One per process."""

    instance: PromptServer

    def __init__(self) -> None:
        self.prompt_queue = PromptQueue()
        self.routes = web.RouteTableDef()
        self.app = web.Application()
        self.loop = Loop()
        self.client_id: str | None = "a page"
        self.texts: list[tuple[str, str]] = []
        self.sent: list[tuple[str, Any, str | None]] = []
        self.on_prompt_handlers: list[Callable[[Any], Any]] = []

    def add_on_prompt_handler(self, handler: Callable[[Any], Any]) -> None:
        """Have what is posted to /prompt pass through `handler` before it is looked at."""
        self.on_prompt_handlers.append(handler)

    def send_progress_text(self, text: bytes | bytearray | str, node_id: str, sid: str | None = None) -> None:
        """Show a text on a node, as a browser does."""
        words = text if isinstance(text, str) else bytes(text).decode("utf-8")
        self.texts.append((str(node_id), html.unescape(words)))

    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None:
        """Tell one page, or all."""
        self.sent.append((event, data, sid))


PromptServer.instance = PromptServer()
