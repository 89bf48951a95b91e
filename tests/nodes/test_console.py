"""A run and the console that ComfyUI has by then."""

from __future__ import annotations

import sys
from io import BytesIO, TextIOWrapper

import pytest
from remote_video_pack.nodes import NODES
from remote_video_pack.remote_video.errors import InputRefused

from .comfy import picture

Veo3I2V, JoinClips = NODES[0], NODES[7]


@pytest.mark.parametrize(
    ("node", "inputs"),
    [(Veo3I2V, {"image": picture(), "prompt": " "}), (JoinClips, {"clips": {}})],
    ids=["clip", "film"],
)
async def test_a_run_leaves_a_console_that_takes_any_error(comfy, monkeypatch, node, inputs):
    """ComfyUI and its packs may have put another one in its place since the start."""
    console = TextIOWrapper(BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stderr", console)
    with pytest.raises(InputRefused):
        await comfy.run(node, **inputs)
    console.write("\u5185\u5bb9")
    console.flush()
