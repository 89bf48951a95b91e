"""A media host whose every answer is written out in the test, on a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer

Pieces = Iterator[bytes]


@dataclass(frozen=True)
class Reply:
    """One answer. `body` may be shorter or longer than what the headers claim; `pieces` are sent one by one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[threading.Event], Pieces] | None = None
    """Called with an event that is set when the host closes."""


@dataclass
class ClipHost:
    """Answers the n-th request with the n-th reply, the last one again and again."""

    replies: list[Reply]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers (names in lower case) of every request."""
    closing: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/clip.mp4"

    def next_reply(self, path: str, headers: Mapping[str, str]) -> Reply:
        self.asked.append((path, {name.lower(): value for name, value in headers.items()}))
        return self.replies[min(len(self.asked), len(self.replies)) - 1]


@contextmanager
def _served(server: BaseServer, closing: threading.Event) -> Iterator[None]:
    """Serve on a thread; at the end `closing` is set, and all is closed."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving(*replies: Reply) -> Iterator[ClipHost]:
    """A host with these replies."""
    host = ClipHost(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = host.next_reply(self.path, dict(self.headers))
            head = [f"HTTP/1.1 {reply.status} Said", "Connection: close"]
            if reply.pieces is None and "Content-Length" not in reply.headers:
                head.append(f"Content-Length: {len(reply.body)}")
            head += [f"{name}: {value}" for name, value in reply.headers.items()]
            self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1"))
            for piece in reply.pieces(host.closing) if reply.pieces else [reply.body]:
                self.wfile.write(piece)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: socket.socket, client_address: object) -> None:
            pass  # a client that leaves early is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    host.port = server.server_port
    with _served(server, host.closing):
        yield host


@dataclass
class RawHost:
    """A port whose every word is up to the test."""

    port: int
    accepted: int = 0
    """Connections."""
    spoken_to: threading.Event = field(default_factory=threading.Event)
    """Set once a connection has been accepted."""
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[RawHost]:
    """A host that gives every connection to `speak`, with an event that is set when the host closes."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            host.accepted += 1
            host.spoken_to.set()
            with suppress(OSError):
                speak(self.request, host.closing)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    host = RawHost(server.server_address[1])
    with _served(server, host.closing):
        yield host


def dripping(beginning: bytes, drop: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Say `beginning`, then `drop` again and again, for ever; each comes before a read would time out."""

    def speak(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(beginning)
        while not closing.wait(0.02):
            connection.sendall(drop)

    return speak


@contextmanager
def deaf_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port where no connection ever opens, or fails: as many wait there as it takes (Linux drops the others)."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


CHUNKED = {"Transfer-Encoding": "chunked"}


def chunked(*chunks: bytes) -> Reply:
    said = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return Reply(200, headers=CHUNKED, pieces=lambda closing: iter([said]))
