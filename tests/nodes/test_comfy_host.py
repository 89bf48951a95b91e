"""What the pack takes from ComfyUI."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import folder_paths
import pytest
from remote_video_pack.nodes import comfy_host
from server import PromptServer


def test_the_ledger_and_the_keys_are_in_a_folder_that_comfyui_does_not_serve(comfy, monkeypatch):
    monkeypatch.delenv("REMOTE_VIDEO_HOME")
    home = comfy_host.settings().home
    assert home == Path(folder_paths.get_system_user_directory("remote_video"))
    served = [
        folder_paths.get_output_directory(),
        folder_paths.get_input_directory(),
        folder_paths.get_temp_directory(),
    ]
    assert not any(home.is_relative_to(folder) for folder in served)


@pytest.fixture
def signals_as_before():
    numbers = [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals on Windows")
@pytest.mark.usefixtures("signals_as_before")
async def test_a_signal_that_ends_comfyui_ends_the_engine_first_and_one_that_is_ignored_stays_so(comfy, monkeypatch):
    heard: list[tuple[int, bool]] = []
    monkeypatch.setattr(comfy_host, "_engine", None)
    PromptServer.instance.loop = asyncio.get_running_loop()
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append((number, engine.has_ended)))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    engine = comfy_host.the_engine()
    engine.start()
    await asyncio.sleep(0)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signal.raise_signal(signal.SIGTERM)
    assert heard == [(signal.SIGTERM, True)]
