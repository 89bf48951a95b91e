"""The routes on a real server, with what the pack's own page sends."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from remote_video_pack.nodes.routes import GUARD, add_routes
from remote_video_pack.remote_video.settings import Settings

from ..nodes.conftest import sandbox, small_clip

__all__ = ["client", "comfy_folders", "sandbox", "small_clip"]


@pytest.fixture(autouse=True)
def comfy_folders(tmp_path, monkeypatch) -> Path:
    """ComfyUI's folders; the output folder of it."""
    monkeypatch.setattr(folder_paths, "BASE", tmp_path / "comfy")
    return tmp_path / "comfy" / "output"


@pytest.fixture
async def client(home: Path, comfy_folders: Path):
    routes = web.RouteTableDef()
    add_routes(routes, lambda: Settings.from_environment(home))
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app), headers={GUARD: "1"}) as client:
        yield client
