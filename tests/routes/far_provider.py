"""RunComfy at its own public addresses, and none of them is reached: a proxy leads into a sandbox behind TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from remote_video_pack.remote_video.sandbox import Pace, Sandbox

from ..providers.tls import certificate_of

HOSTS = ("model-api.runcomfy.net", "api.runcomfy.net")
PREFIX = b"/runcomfy"
"""Below which the sandbox has RunComfy's API."""


class FarProvider:
    """A proxy (HTTPS_PROXY) that answers for `HOSTS` and for nobody else.

    Args:
        folder: for the certificate and the sandbox's state.
    """

    def __init__(self, folder: Path) -> None:
        certificate = certificate_of(HOSTS[0], folder, *HOSTS[1:])
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self.sandbox = Sandbox(folder / "sandbox", pace=Pace(0, 0), short_clips=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.environment = {"HTTPS_PROXY": address, "REQUESTS_CA_BUNDLE": str(certificate), "NO_PROXY": "127.0.0.1"}

    def __enter__(self) -> FarProvider:
        self.sandbox.__enter__()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.sandbox.__exit__(None, None, None)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            host = _head(connection).split(b" ", 2)[1].partition(b":")[0].decode()
            if host not in HOSTS:
                connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                method, path, rest = _head(secured).split(b" ", 2)
                with socket.create_connection(("127.0.0.1", self.sandbox.port)) as inner:
                    one = rest.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                    inner.sendall(b" ".join((method, PREFIX + path, one)))
                    while data := inner.recv(65536):
                        secured.sendall(data)
        except OSError:
            connection.close()


def _head(connection: socket.socket) -> bytes:
    """What comes up to the end of a request's head; the requests that are made here have no body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (data := connection.recv(4096)):
            raise ConnectionResetError
        head += data
    return head
