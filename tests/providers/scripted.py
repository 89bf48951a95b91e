"""A provider that answers exactly what a test tells it to, over real sockets, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Exchange:
    """One request being answered: for scripts that answer in odd ways."""

    connection: socket.socket
    file: Any
    seen: Seen
    length: int

    def read_body(self, size: int | None = None) -> bytes:
        return self.file.read(self.length if size is None else min(size, self.length))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.connection.close()


Script = Callable[[Exchange], bool | None]
"""Answers one request; True keeps the connection for the next one."""


def reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Script:
    """A whole answer."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"

    def script(exchange: Exchange) -> bool:
        exchange.send(head.encode() + body)
        return True

    return script


def says(payload: Any, status: int = 200, **headers: str) -> Script:
    """A JSON answer; `Retry_After` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status, json.dumps(payload).encode(), {"Content-Type": "application/json", **named})


HTML = reply(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"})


@dataclass
class ScriptedProvider:
    """Answers with its scripts in turn; the last one again and again."""

    scripts: list[Script] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    greets: Callable[[socket.socket], None] | None = None
    """Takes over a connection before anything of it is read."""

    def will(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    @property
    def only_request(self) -> Seen:
        (only,) = self.requests
        return only

    def __enter__(self) -> ScriptedProvider:
        provider = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                provider.connections += 1
                if provider.greets:
                    provider.greets(self.connection)
                    return
                while provider._exchange(self.connection, self.rfile):
                    pass

            def finish(self) -> None:
                if not self.rfile.closed:
                    super().finish()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hangs up is part of some tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _exchange(self, connection: socket.socket, file: Any) -> bool | None:
        words = file.readline().decode("latin-1").split()
        if len(words) != 3:
            return False
        headers = {}
        while line := file.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        length = int(headers.get("content-length", 0))
        exchange = Exchange(connection, file, Seen(words[0], words[1], headers, b""), length)
        if getattr(script, "reads_itself", False):
            self.requests.append(exchange.seen)
        else:
            exchange.seen = Seen(words[0], words[1], headers, file.read(length))
            self.requests.append(exchange.seen)
        return script(exchange)


def reads_itself(script: Script) -> Script:
    """Mark a script that is called before the request's body is read."""
    script.reads_itself = True  # type: ignore[attr-defined]
    return script
