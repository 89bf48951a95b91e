"""The element node: pictures as they are, a video as a bare MP4."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest
import torch
from comfy_api.latest import InputImpl, Types
from remote_video_pack.nodes import NODES
from remote_video_pack.remote_video.errors import InputRefused

from .comfy import picture

Kling3I2V, Kling3Element = NODES[2], NODES[3]


def tagged(mp4: bytes, workflow: str) -> bytes:
    """The same packets with a workflow among the tags, as Save Video writes it."""
    out = BytesIO()
    with (
        av.open(BytesIO(mp4)) as source,
        av.open(out, "w", format="mp4", options={"movflags": "use_metadata_tags"}) as target,
    ):
        target.metadata["workflow"] = workflow
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    return out.getvalue()


def packets(mp4: bytes) -> list[bytes]:
    with av.open(BytesIO(mp4)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.dts is not None]


async def element(**inputs):
    return (await Kling3Element.execute(**inputs)).result[0]


async def test_an_h264_mp4_is_copied_without_its_workflow_and_the_same_whatever_made_it(small_clip):
    sent = []
    for workflow in ("secret one", "secret two"):
        file = tagged(small_clip, workflow)
        assert workflow.encode() in file
        sent.append((await element(video=InputImpl.VideoFromFile(BytesIO(file)))).video_mp4)
    assert sent[0] == sent[1]
    assert b"secret" not in sent[0]
    assert packets(sent[0]) == packets(small_clip)


async def test_frames_become_an_h264_mp4():
    frames = torch.rand(6, 64, 96, 3)
    video = InputImpl.VideoFromComponents(Types.VideoComponents(images=frames, frame_rate=Fraction(24)))
    mp4 = (await element(video=video)).video_mp4
    with av.open(BytesIO(mp4)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video=0)) == 6


async def test_pictures_and_video_reach_the_provider(comfy, sandbox, small_clip):
    given = await element(
        frontal_image=picture(),
        reference_images=picture().repeat(2, 1, 1, 1),
        video=InputImpl.VideoFromFile(BytesIO(small_clip)),
    )
    bare = await comfy.run(Kling3I2V, image=picture(), prompt="a cat")
    with_element = await comfy.run(Kling3I2V, image=picture(), prompt="a cat", elements={"element_0": given})
    assert sandbox.accepted_posts == 2
    assert bare[6] != with_element[6]


@pytest.mark.parametrize("part", ["reference_images", "video"])
async def test_an_element_of_references_or_of_a_video_alone_is_taken_by_the_provider(comfy, sandbox, small_clip, part):
    parts = {"reference_images": picture().repeat(2, 1, 1, 1), "video": InputImpl.VideoFromFile(BytesIO(small_clip))}
    given = await element(**{part: parts[part]})
    await comfy.run(Kling3I2V, image=picture(), prompt="a cat", elements={"element_0": given})
    assert sandbox.accepted_posts == 1


async def test_a_video_that_is_none_is_refused_by_its_name():
    with pytest.raises(InputRefused, match="`video` is a str"):
        await element(video="clip.mp4")


async def test_whatever_a_video_is_it_is_asked_for_as_an_mp4_of_h264(small_clip):
    asked = {}

    class Asked(InputImpl.VideoFromFile):
        def save_to(self, file, **how):
            asked.update(how)
            super().save_to(file, **how)

    await element(video=Asked(BytesIO(small_clip)))
    assert asked == {"format": Types.VideoContainer.MP4, "codec": Types.VideoCodec.H264}


async def test_of_a_video_with_more_tracks_one_of_each_kind_is_sent(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("h264", rate=24), out.add_stream("h264", rate=24)]
        tracks = [out.add_stream("aac", rate=44100, layout="mono") for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for stream in streams:
            for _ in range(3):
                out.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
            out.mux(stream.encode(None))
        for track in tracks:
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), "fltp", "mono")
            sound.sample_rate = 44100
            out.mux(track.encode(sound))
            out.mux(track.encode(None))
    mp4 = (await element(video=InputImpl.VideoFromFile(str(path)))).video_mp4
    with av.open(BytesIO(mp4)) as sent:
        assert [stream.type for stream in sent.streams] == ["video", "audio"]


async def test_an_element_without_a_part_is_refused():
    with pytest.raises(InputRefused, match="is empty") as refused:
        await element()
    assert "Connect `frontal_image`, `reference_images` or `video`" in refused.value.next_step
