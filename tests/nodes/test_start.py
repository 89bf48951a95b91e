"""What ComfyUI's log says when it starts."""

from __future__ import annotations

import logging
import threading

import pytest
from remote_video_pack.nodes import RemoteVideoExtension, comfy_host
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.version import version
from server import PromptServer

from ..engine.one_job import wait_until
from ..written_jobs import accepted


def test_why_nothing_is_collected_stands_in_the_log(comfy, monkeypatch, caplog):
    monkeypatch.setenv("REMOTE_VIDEO_TIMEOUT_S", "soon")
    comfy_host.collect_at_start()
    wait_until(lambda: any("Nothing is collected: The environment variable" in line for line in caplog.messages))


async def test_the_version_stands_in_the_log(comfy, caplog):
    caplog.set_level(logging.INFO, "remote_video")
    server = PromptServer.instance
    await RemoteVideoExtension().get_node_list()
    await server.app.on_startup[-1](server.app)
    assert caplog.messages[0] == f"Remote Video {version()}"


@pytest.mark.parametrize(
    ("has_jobs", "variables", "is_started"),
    [
        (False, {}, False),
        (True, {}, True),
        (True, {"REMOTE_VIDEO_COLLECT": "0"}, False),
        (True, {"REMOTE_VIDEO_COLLECT": "0", "REMOTE_VIDEO_CLIPS_URL": "file:///nowhere"}, True),
    ],
)
def test_the_engine_is_started_where_there_is_something_to_bring_home(
    comfy, sandbox, home, monkeypatch, has_jobs, variables, is_started
):
    monkeypatch.setattr(comfy_host, "_engine", None)
    if has_jobs:
        accepted(Ledger(home), "a" * 64)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    comfy_host.collect_at_start()
    wait_until(lambda: "remote-video-start" not in {thread.name for thread in threading.enumerate()}, "its end")
    engine = comfy_host.running_engine()
    assert (engine is not None and engine.is_alive()) is is_started
    if engine is not None:
        engine.close()
