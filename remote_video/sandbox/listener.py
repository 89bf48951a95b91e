"""The listening socket: opened, shut for a while so that connections are refused, opened again on the same port."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from http.server import ThreadingHTTPServer

log = logging.getLogger("remote_video")
HOST = "127.0.0.1"
REOPEN_TRIES = 100
REOPEN_WAIT_S = 0.05
POLL_S = 0.1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int, listener: Listener) -> None:
        self._listener = listener
        super().__init__((HOST, port), listener.handler)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        self._listener.opened(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        if self._listener.closed(request):
            super().shutdown_request(request)
        else:
            self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a connection from %s ended early", client_address, exc_info=True)


class Listener:
    """Accepts connections on one loopback port and hands each to a handler class, on a thread of its own."""

    def __init__(self, port: int, handler: type) -> None:
        self.handler = handler
        self.port = port
        self._server: _Server | None = None
        self._lock = threading.RLock()
        self._connections_lock = threading.Lock()
        """Of its own: the accepting thread must get it while `shut` waits for that thread."""
        self._connections: dict[socket.socket, bool] = {}
        """Open connections -> whether to close them in order."""
        self._reopening: threading.Timer | None = None

    def open(self) -> None:
        """Begin to listen; does nothing when it already does."""
        with self._lock:
            if self._reopening:
                self._reopening.cancel()
                self._reopening = None
            if self._server is None:
                self._server = self._bind()
                self.port = self._server.server_port
                run = threading.Thread(
                    target=self._server.serve_forever, args=(POLL_S,), name="sandbox-listener", daemon=True
                )
                run.start()

    def shut(self, seconds: float | None = None, keep: socket.socket | None = None) -> None:
        """Refuse connections, and break off those that are open.

        Args:
            seconds: open again after so long; None: stay shut until `open`.
            keep: a connection that may end its exchange.
        """
        with self._lock:
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
                self._server = None
            with self._connections_lock:
                broken_off = [connection for connection in self._connections if connection is not keep]
            for connection in broken_off:
                _disconnect(connection)
            if seconds is not None:
                self._reopening = threading.Timer(seconds, self.open)
                self._reopening.daemon = True
                self._reopening.start()

    def stop(self) -> None:
        """Stop for good: also a timer that would open the port again."""
        with self._lock:
            if self._reopening:
                self._reopening.cancel()
                self._reopening = None
            self.shut()

    def opened(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections[connection] = True

    def mark_reset(self, connection: socket.socket) -> None:
        """Close this connection without the orderly goodbye that would come first."""
        with self._connections_lock:
            if connection in self._connections:
                self._connections[connection] = False

    def closed(self, connection: socket.socket) -> bool:
        """Forget a connection; whether to close it in order."""
        with self._connections_lock:
            return self._connections.pop(connection, True)

    def _bind(self) -> _Server:
        for _ in range(REOPEN_TRIES):
            try:
                return _Server(self.port, self)
            except OSError:
                if not self.port:
                    raise
                time.sleep(REOPEN_WAIT_S)
        return _Server(self.port, self)


def _disconnect(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("a connection was already closed")
