"""A clip that is damaged or breaks off is an error that says how much of it is whole, never a short clip."""

from __future__ import annotations

import re
import struct

import av
import numpy as np
import pytest
import torch
from remote_video_pack.remote_video import operating_system
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, tone, write_clip


def whole_clip(tmp_path, **write):
    pictures = [moving_picture(i, 128, 96) for i in range(40)]
    options = {"movflags": "faststart"}
    return write_clip(tmp_path / "clip.mp4", pictures, size=(128, 96), container_options=options, **write)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.99])
@pytest.mark.parametrize("codec_options", [{"g": "8"}, {"g": "250", "bf": "3"}])
def test_a_file_that_breaks_off_says_how_many_frames_are_whole(tmp_path, share, codec_options):
    path = whole_clip(tmp_path, options=codec_options)
    frames = Clip.open(path).frames()
    content = path.read_bytes()
    media = content.index(b"mdat")
    path.write_bytes(content[: media + int((len(content) - media) * share)])
    clip = Clip.open(path)
    with pytest.raises(MediaError) as damaged:
        clip.frames()
    whole = int(re.search(r"(\d+) frames can be decoded", str(damaged.value))[1])
    assert 0 < whole < 40 and damaged.value.whole_frames == whole
    assert torch.equal(clip.frames(whole), frames[:whole])
    with pytest.raises(MediaError):
        clip.last_frame()


def test_bytes_overwritten_in_the_middle_are_an_error(tmp_path):
    path = whole_clip(tmp_path, options={"g": "8"})
    content = bytearray(path.read_bytes())
    middle = (content.index(b"mdat") + len(content)) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    with pytest.raises(MediaError, match="frames can be decoded, then"):
        Clip.open(path).frames()


def test_damaged_sound_is_an_error_that_says_how_much_is_whole(tmp_path):
    path = whole_clip(tmp_path, sound=tone(1.6, 48000, 2))
    sizes = Clip.open(path).audio()["waveform"].shape
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.7)])
    with pytest.raises(MediaError, match=r"sound .* s can be decoded"):
        assert Clip.open(path).audio()["waveform"].shape != sizes


def test_a_picture_that_changes_its_size_is_an_error(tmp_path):
    small = [np.full((48, 64, 3), 90, np.uint8)] * 3
    large = [np.full((96, 128, 3), 90, np.uint8)] * 3
    first = write_clip(tmp_path / "a.h264", small)
    second = write_clip(tmp_path / "b.h264", large, size=(128, 96))
    path = tmp_path / "joined.h264"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(MediaError, match="changes its picture size: frame 4 has 128x96"):
        Clip.open(path).frames()
    with pytest.raises(MediaError, match="changes its picture size: frame 6 has 128x96"):
        Clip.open(path).last_frame()


def damaged_at(path, back: int, first: int = 5) -> None:
    """Overwrite the video packet that is `back` before the end, all but its first bytes."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, size = packets[-back]
    content[start + first : start + size] = bytes(size - first)
    path.write_bytes(content)


@pytest.mark.parametrize("back", [1, 2, 5, 12])
@pytest.mark.parametrize("cores", [1, 2, 8])
def test_a_damaged_packet_near_the_end_is_an_error(tmp_path, monkeypatch, back, cores):
    """Frame threads lose what they can't decode at the very end without a word."""
    path = whole_clip(tmp_path, options={"bf": "2"})
    monkeypatch.setattr(operating_system.here(), "cores", lambda: cores)
    frames = Clip.open(path).frames()
    damaged_at(path, back)
    clip = Clip.open(path)
    with pytest.raises(MediaError) as damaged:
        clip.frames()
    whole = int(re.search(r"(\d+) frames can be decoded", str(damaged.value))[1])
    assert torch.equal(clip.frames(whole), frames[:whole])
    with pytest.raises(MediaError, match="last frame"):
        clip.last_frame()


def test_frames_that_the_decoder_made_up_are_a_warning(tmp_path):
    path = whole_clip(tmp_path, options={"bf": "0", "threads": "1"})
    assert len(Clip.open(path).frames()) == 40
    with av.open(str(path)) as container:
        start, size = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size][20]
    content = bytearray(path.read_bytes())
    content[start + size // 3] ^= 0xFF
    path.write_bytes(content)
    clip = Clip.open(path)
    assert len(clip.frames()) == 40
    assert len(clip.warnings) == 1 and "1 of 40 frames are damaged" in clip.warnings[0]
    clip.last_frame()
    assert "The last frame" in clip.warnings[1]


def test_a_sample_without_a_byte_is_skipped(tmp_path):
    path = whole_clip(tmp_path, options={"bf": "0"})
    content = bytearray(path.read_bytes())
    table = content.index(b"stsz") + 4 + 12
    (size,) = struct.unpack_from(">I", content, table + 4 * 39)
    struct.pack_into(">I", content, table + 4 * 39, 0)
    path.write_bytes(content)
    assert size and Clip.open(path).frames().shape[0] == 39


@pytest.mark.parametrize("container_options", [{"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}])
def test_a_file_cut_between_two_packets_is_an_error(tmp_path, container_options):
    pictures = [moving_picture(i, 128, 96) for i in range(40)]
    path = write_clip(
        tmp_path / "cut.mp4", pictures, size=(128, 96), container_options={"movflags": "faststart"} | container_options
    )
    with av.open(str(path)) as container:
        ends = sorted(packet.pos + packet.size for packet in container.demux(video=0) if packet.size)
    path.write_bytes(path.read_bytes()[: ends[30]])
    clip = Clip.open(path)
    for read in (clip.frames, clip.last_frame):
        with pytest.raises(MediaError, match=r"breaks off|can't be"):
            read()
