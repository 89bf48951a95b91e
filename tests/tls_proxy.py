"""A proxy on loopback (CONNECT) that is https for the hosts it is told, and reaches nobody else."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from .providers.tls import certificate_of

Serve = Callable[[ssl.SSLSocket], None]


class TlsProxy:
    """Answers for its hosts, out of TLS, by a function of its user.

    Args:
        hosts: their names.
        folder: for their certificate.
        serve: what becomes of a connection, on a thread of its own.
    """

    def __init__(self, hosts: tuple[str, ...], folder: Path, serve: Serve) -> None:
        self._hosts, self._answer = hosts, serve
        self.certificate = certificate_of(hosts[0], folder, *hosts[1:])
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> TlsProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                host = head_of(connection).split(b" ", 2)[1].partition(b":")[0].decode()
                if host not in self._hosts:
                    connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured)
            except OSError:
                return  # whoever asked has gone


def head_of(connection: socket.socket) -> bytes:
    """What comes up to the end of a request's head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (data := connection.recv(1)):
            raise ConnectionResetError
        head += data
    return head


def piped_to(port: int) -> Serve:
    """Lead a connection on to a port of this machine, both ways."""

    def serve(secured: ssl.SSLSocket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as inner:
            threading.Thread(target=_pipe, args=(secured, inner), daemon=True).start()
            _pipe(inner, secured)

    return serve


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except (OSError, ValueError):
        pass  # one of the two has ended it
    sink.close()
