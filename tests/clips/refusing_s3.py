"""A server that refuses every request as S3 does when a signature is wrong, and tells in it what it was shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Refusal(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self._refuse(b"")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        shown = self.headers.get("Authorization", "").encode()
        self._refuse(
            b"<Error><Code>SignatureDoesNotMatch</Code><Message>The signature we calculated does not match "
            + shown
            + b"</Message><StringToSign>"
            + shown
            + b"</StringToSign></Error>"
        )

    do_GET = do_DELETE = do_POST = do_PUT

    def _refuse(self, body: bytes) -> None:
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def refusing_s3() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
