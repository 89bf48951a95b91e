"""When a node runs again though nothing about it has changed: its clip is gone."""

from __future__ import annotations

from pathlib import Path

from comfy_execution.utils import CurrentNodeContext
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.due import note_handed_on, times_due

from .comfy import NODE_ID, PROMPT_ID

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
