"""What an open page is told by ComfyUI's websocket."""

from __future__ import annotations

import asyncio
import html
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

from .comfy_server import ComfyServer

TEXT = 3
"""The kind of a binary message that is a text on a node."""
OPEN_WITHIN_S = 30.0


class Page:
    """One page, and all it was told.

    Args:
        client_id: its name; queue a prompt with it.
    """

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.texts: dict[str, list[str]] = {}
        """What its nodes were shown, by node id."""
        self.events: list[dict[str, Any]] = []
        """Other messages: {type, data}."""
        self.is_open = threading.Event()
        self.closing = threading.Event()

    def shows(self, node_id: str, words: str) -> bool:
        """Whether these words stand on a node now; a page may hear of a prompt's end after a script has."""
        return words in self.texts.get(node_id, [""])[-1]

    def last_texts(self) -> list[str]:
        """What stands on its nodes now."""
        return [texts[-1] for texts in list(self.texts.values())]

    async def listen(self, url: str) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
            self.is_open.set()
            while not self.closing.is_set():
                try:
                    message = await asyncio.wait_for(socket.receive(), 0.2)
                except asyncio.TimeoutError:
                    continue
                self._told(message)

    def _told(self, message: aiohttp.WSMessage) -> None:
        if message.type is aiohttp.WSMsgType.TEXT:
            self.events.append(json.loads(message.data))
        elif message.type is aiohttp.WSMsgType.BINARY and struct.unpack(">I", message.data[:4])[0] == TEXT:
            (length,) = struct.unpack(">I", message.data[4:8])
            node_id = message.data[8 : 8 + length].decode()
            self.texts.setdefault(node_id, []).append(html.unescape(message.data[8 + length :].decode()))


@contextmanager
def open_page(server: ComfyServer, client_id: str) -> Iterator[Page]:
    """Open a page, until the block ends."""
    page = Page(client_id)
    thread = threading.Thread(target=lambda: asyncio.run(page.listen(server.socket_url(client_id))))
    thread.start()
    try:
        assert page.is_open.wait(OPEN_WITHIN_S)
        yield page
    finally:
        page.closing.set()
        thread.join()
