"""Whether a file is all there, and what can be had of one whose picture can't be decoded."""

from __future__ import annotations

import av
import pytest
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.media.mp4_boxes import missing_bytes

from .clips import moving_picture, tone, write_clip

PICTURES = [moving_picture(i, 64, 48) for i in range(24)]
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}


@pytest.mark.parametrize("after", [b"A" * 300, b"\n", b"<html>bye</html>", b"\x00\x00\x10\x00free", bytes(100)])
@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, FRAGMENTS])
def test_bytes_after_the_end_are_no_loss(tmp_path, after, options):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, container_options=options)
    path.write_bytes(path.read_bytes() + after)
    assert missing_bytes(path) == 0
    assert len(Clip.open(path).frames()) == 24


def test_a_fragment_without_its_data_is_a_loss(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, options={"g": "8"}, container_options=FRAGMENTS)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"mdat") - 4])
    assert missing_bytes(path) > 0


def test_an_unknown_codec_leaves_the_rest(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, sound=tone(1, 48000, 2))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"xyz1"))
    clip = Clip.open(path)
    assert (clip.info.fps, clip.info.frame_count) == (24.0, 24)
    assert clip.audio()["waveform"].any()
    for read in (clip.frames, clip.last_frame):
        with pytest.raises(MediaError, match="codec"):
            read()


def test_a_second_larger_picture_is_not_taken_for_the_first(tmp_path):

    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=24) for _ in range(2)]
        for stream, size in zip(streams, ((64, 48), (128, 96)), strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for stream, size in zip(streams, ((64, 48), (128, 96)), strict=True):
            for index in range(4):
                frame = av.VideoFrame.from_ndarray(moving_picture(index, *size), format="rgb24")
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert Clip.open(path).frames().shape == (4, 48, 64, 3)
