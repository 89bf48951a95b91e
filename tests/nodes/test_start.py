"""What ComfyUI's log says when it starts."""

from __future__ import annotations

import logging

from remote_video_pack.nodes import RemoteVideoExtension
from remote_video_pack.remote_video.version import version
from server import PromptServer


async def test_the_version_stands_in_the_log(comfy, caplog):
    caplog.set_level(logging.INFO, "remote_video")
    server = PromptServer.instance
    await RemoteVideoExtension().get_node_list()
    await server.app.on_startup[-1](server.app)
    assert caplog.messages[0] == f"Remote Video {version()}"
