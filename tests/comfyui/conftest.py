"""Tests against a real ComfyUI: `COMFYUI_PATH` says where it is, `COMFYUI_PYTHON` which Python runs it, and
`COMFYUI_FRONTEND` the folder of another frontend than that Python has (`static` in comfyui-frontend-package).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.sandbox import Pace

from ..engine.one_job import small_clip
from ..faults import Sandbox
from .comfy_server import ComfyServer
from .ui_page import CHROMIUM_FLAGS, chromium_path

HOSTILE_HOME = '<img src=x onerror="broken=1"> [x](www.evil.example)'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it with one clear line where there is no ComfyUI."""
    here = Path(__file__).parent
    no_comfyui = pytest.mark.skip(reason="COMFYUI_PATH says where ComfyUI is; it is not set")
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.comfyui)
            item.add_marker(pytest.mark.timeout(300))
            if "COMFYUI_PATH" not in os.environ:
                item.add_marker(no_comfyui)


@pytest.fixture(scope="session")
def start_comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ComfyServer]]:
    """Start a server with options and environment variables; all are ended when the tests are."""
    started: list[ComfyServer] = []

    def start(*options: str, home: str = "home", archive: Path | None = None, **environment: str) -> ComfyServer:
        base = tmp_path_factory.mktemp("comfyui") / "base"
        server = ComfyServer(base, {"REMOTE_VIDEO_HOME": str(base / home), **environment}, options, archive)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Both providers in this process, where what they were asked can be counted."""
    with Sandbox(tmp_path_factory.mktemp("provider"), pace=Pace(0.2, 0.5), short_clips=True) as running:
        yield running


@pytest.fixture(scope="session")
def comfy(start_comfy: Callable[..., ComfyServer], provider: Sandbox) -> ComfyServer:
    """A server whose providers are `provider`, with keys, as a user with an account has it."""
    return start_comfy(**account_at(provider))


@pytest.fixture(scope="session")
def cp1252_comfy(start_comfy: Callable[..., ComfyServer], provider: Sandbox) -> ComfyServer:
    """A server as on Windows when its output goes to a file, in a home whose name is hostile, too."""
    return on_console(start_comfy, provider, "cp1252")


@pytest.fixture(scope="session")
def gbk_comfy(start_comfy: Callable[..., ComfyServer], provider: Sandbox) -> ComfyServer:
    """The same in China."""
    return on_console(start_comfy, provider, "gbk")


def on_console(start_comfy: Callable[..., ComfyServer], provider: Sandbox, encoding: str) -> ComfyServer:
    """A server that prints in this encoding, and fails at what it doesn't have."""
    return start_comfy(home=HOSTILE_HOME, **account_at(provider), PYTHONUTF8="0", PYTHONIOENCODING=f"{encoding}:strict")


def account_at(provider: Sandbox) -> dict[str, str]:
    """The variables of somebody who has a key of each provider."""
    return {
        "RUNCOMFY_API_BASE_URL": provider.runcomfy_base_url,
        "COMETAPI_BASE_URL": provider.cometapi_base_url,
        "RUNCOMFY_API_TOKEN": "a-key",
        "COMETAPI_KEY": "another-key",
    }


@pytest.fixture(scope="session")
def clip_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip that `queueing` and `quick` serve for every job."""
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def queueing(tmp_path_factory: pytest.TempPathFactory, clip_bytes: bytes) -> Iterator[Sandbox]:
    """A provider whose jobs wait in its queue for longer than any test."""
    with Sandbox(tmp_path_factory.mktemp("queueing"), pace=Pace(queue_s=3600), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="session")
def waiting_comfy(start_comfy: Callable[..., ComfyServer], queueing: Sandbox) -> ComfyServer:
    """A server whose jobs are never done."""
    return start_comfy(**account_at(queueing))


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory, clip_bytes: bytes) -> Iterator[Sandbox]:
    """A provider that takes four seconds for a clip."""
    with Sandbox(tmp_path_factory.mktemp("quick"), pace=Pace(1.0, 3.0), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="session")
def quick_comfy(start_comfy: Callable[..., ComfyServer], quick: Sandbox) -> ComfyServer:
    """A server whose clips take four seconds."""
    return start_comfy(**account_at(quick))


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need: pip install playwright")
    if not (chromium := chromium_path()):
        pytest.skip("the browser tests need Chromium: install it, or say where in CHROMIUM_PATH")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
