"""The routes on a real server, with what the pack's own page sends."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from remote_video_pack.nodes.routes import GUARD, add_routes
from remote_video_pack.remote_video.settings import Settings


@pytest.fixture
async def client(home: Path, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "BASE", tmp_path)
    routes = web.RouteTableDef()
    add_routes(routes, lambda: Settings.from_environment(home))
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app), headers={GUARD: "1"}) as client:
        yield client
