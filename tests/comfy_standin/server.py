"""The server: its queue, the text it sends to nodes, its routes."""

from __future__ import annotations

from typing import Any

from aiohttp import web


class PromptQueue:
    """The prompts that run now."""

    def __init__(self) -> None:
        self.running: list[tuple[Any, ...]] = []

    def get_current_queue_volatile(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """(running, waiting), each item (number, prompt id, prompt, extra data, outputs)."""
        return list(self.running), []


class PromptServer:
    """One per process."""

    instance: PromptServer

    def __init__(self) -> None:
        self.prompt_queue = PromptQueue()
        self.routes = web.RouteTableDef()
        self.texts: list[tuple[str, str]] = []

    def send_progress_text(self, text: bytes | bytearray | str, node_id: str, sid: str | None = None) -> None:
        """Show a text on a node."""
        self.texts.append((str(node_id), text if isinstance(text, str) else bytes(text).decode("utf-8")))


PromptServer.instance = PromptServer()
