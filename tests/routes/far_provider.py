"""RunComfy at its own public addresses, and none of them is reached: a proxy leads into a sandbox behind TLS."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from ..tls_proxy import TlsProxy, head_of

HOSTS = ("model-api.runcomfy.net", "api.runcomfy.net")
PREFIX = b"/runcomfy"
"""Below which the sandbox has RunComfy's API."""


class FarProvider:
    """For questions alone: what has a body is not led on.

    Args:
        folder: for the certificate and the sandbox's state.
    """

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox(folder / "sandbox", pace=Pace(0, 0), short_clips=True)
        self._proxy = TlsProxy(HOSTS, folder, self._serve)
        self.environment = {
            "HTTPS_PROXY": self._proxy.address,
            "REQUESTS_CA_BUNDLE": str(self._proxy.certificate),
            "NO_PROXY": "127.0.0.1",
        }

    def __enter__(self) -> FarProvider:
        self.sandbox.__enter__()
        self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.__exit__()
        self.sandbox.__exit__(None, None, None)

    def _serve(self, secured: ssl.SSLSocket) -> None:
        method, path, rest = head_of(secured).split(b" ", 2)
        with socket.create_connection(("127.0.0.1", self.sandbox.port)) as inner:
            once = rest.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            inner.sendall(b" ".join((method, PREFIX + path, once)))
            while data := inner.recv(65536):
                secured.sendall(data)
