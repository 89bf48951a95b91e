"""When a node runs again though nothing about it has changed: its clip is gone."""

from __future__ import annotations

from pathlib import Path

from comfy_execution.utils import CurrentNodeContext
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.due import note_handed_on, times_due

from .comfy import NODE_ID, PROMPT_ID, locked_clone, picture

Veo3I2V = NODES[0]


def test_the_latest_two_hundred_clips_of_a_node_are_looked_for(comfy, tmp_path):
    clips = [tmp_path / f"{number}.mp4" for number in range(202)]
    for clip in clips:
        clip.write_bytes(b"clip")
    comfy.queue(Veo3I2V, {}, {"prompt": "of many clips"})

    def runs_again(gone: Path) -> bool:
        before = times_due()
        gone.unlink()
        return times_due() > before

    with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
        for clip in (*clips[:201], clips[1], clips[201]):  # the second one is handed on again
            note_handed_on(clip)
        assert [runs_again(clips[number]) for number in (0, 1, 2, 3, 201)] == [False, True, False, True, True]


async def test_a_clip_that_was_deleted_is_missed_though_its_image_comes_from_another_node_by_now(comfy, sandbox):
    """ComfyUI's cache knows no ids of nodes, and no order of inputs."""
    loader = {"image": {"class_type": "LoadImage", "inputs": {"image": "sea.png"}}}
    output = await comfy.run(Veo3I2V, more=loader, image=picture(), prompt="a cat", fit="auto")

    def fingerprint():
        prompt = comfy.queue(Veo3I2V, {})
        prompt[NODE_ID]["inputs"] = {"fit": "auto", "image": ["9", 0], "prompt": "a cat"}
        with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
            return locked_clone(Veo3I2V).fingerprint_inputs(image=None, prompt="a cat", fit="auto")

    cached = fingerprint()
    Path(output[1]).unlink()
    assert fingerprint() != cached
