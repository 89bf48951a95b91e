"""The version is one, and is said where somebody asks for it."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from remote_video_pack.remote_video.providers.http import ApiSession
from remote_video_pack.remote_video.version import version

from .command_line.terminal import Terminal

PROJECT = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
WRITTEN = re.search(r'^version = "(.*)"$', PROJECT, re.MULTILINE)[1]


def test_it_is_the_one_in_pyproject_toml_and_python_m_says_it(tmp_path: Path) -> None:
    assert version() == WRITTEN
    assert Terminal(tmp_path).call("--version").stdout == f"Remote Video {WRITTEN}\n"


def test_a_provider_is_told_it() -> None:
    told: list[str | None] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.headers["User-Agent"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        api = ApiSession(address)
        api.at_most(10)
        api.get(address)
        server.shutdown()
    assert told == [f"remote-video/{WRITTEN}"]
