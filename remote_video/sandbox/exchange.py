"""One connection's exchanges: read a request, find what it means, answer it - or break it the way a fault says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from .answer import Answer, Incoming
from .faults import BodyFate, Call, FaultBoard
from .request_log import LoggedRequest, RequestLog
from .routes import Destination, Route, find_route
from .wire import CHUNK, Wire

if TYPE_CHECKING:
    from .listener import Listener

log = logging.getLogger("remote_video")
LARGEST_BODY = 512 * 1024 * 1024
IDLE_S = 300.0
NOTHING = Answer.of({})
NOT_FOUND_PAGE = b"<!doctype html><title>404</title><h1>Not found</h1>\n"


class BodyRefused(ValueError):
    """The request's body can't be read: no usable length, too large, or cut off."""


class Exchange(BaseHTTPRequestHandler):
    """A connection. The class attributes are bound by `serving`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_S
    routes: Sequence[Route]
    log_book: RequestLog
    faults: FaultBoard
    listener: Listener

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_HEAD = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        log.debug("%s", args[0] if args else format)

    def _serve(self) -> None:
        path = self.path.partition("?")[0]
        found = find_route(self.routes, self.command, path)
        name = found.route.name if found else ""
        headers = {key.lower(): value for key, value in self.headers.items()}
        entry = self.log_book.arrived(self.command, self.path, headers, name)
        active = self.faults.take(name)
        entry.fault = active.fault.name if active else ""
        released = active.released if active else threading.Event()
        wire = Wire(self.connection, headless=self.command == "HEAD", released=released)
        fate = active.fault.body if active else BodyFate.READ
        try:
            body = self._body(entry, fate)
        except BodyRefused as problem:
            wire.hang_up()
            wire.send_whole(Answer.of({"message": str(problem)}, 400))
            self._end(wire)
            return
        if body is None:
            wire.reset()
            self._end(wire)
            return
        request = Incoming(self.command, self.path, headers, body, f"http://127.0.0.1:{self.listener.port}")
        answer = NOTHING if active and not active.fault.carried_out else _answer(found, request)
        if self.faults.shuts_after(name, answer, self.listener, self.connection):
            wire.hang_up()
        if active is None:
            wire.send_whole(answer)
        else:
            changed = active.fault.alter(answer, Call(name, active.fired, active.options, request))
            active.fault.deliver(wire, changed, active.options)
        self._end(wire)

    def _end(self, wire: Wire) -> None:
        if wire.closing:
            self.close_connection = True
        if wire.reset_wanted:
            self.listener.mark_reset(self.connection)

    def _body(self, entry: LoggedRequest, fate: BodyFate) -> bytes | None:
        """The request's body; None when the connection is to be broken off before it is all read."""
        if fate is BodyFate.RESET_BEFORE:
            return None
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks(entry)
            return None if fate is BodyFate.RESET_DURING else body
        text = self.headers.get("Content-Length", "0")
        if not text.isdigit() or int(text) > LARGEST_BODY:
            raise BodyRefused(f"unusable Content-Length {text!r}")
        wanted = int(text) // 2 if fate is BodyFate.RESET_DURING else int(text)
        body = self._exactly(wanted, entry)
        return None if fate is BodyFate.RESET_DURING else body

    def _exactly(self, count: int, entry: LoggedRequest) -> bytes:
        read = bytearray()
        while len(read) < count:
            piece = self.rfile.read(min(count - len(read), CHUNK))
            if not piece:
                raise BodyRefused(f"the body ended after {len(read)} of {count} bytes")
            read += piece
            entry.body_bytes += len(piece)
        return bytes(read)

    def _chunks(self, entry: LoggedRequest) -> bytes:
        body = b""
        while size := self._chunk_size():
            body += self._exactly(size, entry)
            self.rfile.readline()
            if len(body) > LARGEST_BODY:
                raise BodyRefused("the body is too large")
        while self.rfile.readline().strip():
            pass
        return body

    def _chunk_size(self) -> int:
        line = self.rfile.readline().partition(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError:
            raise BodyRefused("a chunk has no size") from None


def serving(routes: Sequence[Route], log_book: RequestLog, faults: FaultBoard) -> type[Exchange]:
    """A handler class for these routes; its `listener` is still to be set."""
    parts = {"routes": routes, "log_book": log_book, "faults": faults}
    return type("SandboxExchange", (Exchange,), parts)


def _answer(found: Destination | None, request: Incoming) -> Answer:
    if found is None:
        if request.path.startswith("/runcomfy/"):
            return Answer.of({"message": "Not Found"}, 404)
        return Answer(404, NOT_FOUND_PAGE, {"Content-Type": "text/html; charset=utf-8"})
    try:
        return found.answer(request)
    except Exception:
        log.exception("the sandbox failed at %s %s", request.method, request.path)
        return Answer.of({"message": "internal error of the sandbox; its log has the details"}, 500)
