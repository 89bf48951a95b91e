from __future__ import annotations

import numpy as np
import pytest
import torch
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, tone, write_clip


@pytest.fixture
def clip_file(tmp_path):
    pictures = [moving_picture(i, 64, 48) for i in range(30)]
    return write_clip(tmp_path / "clip.mp4", pictures, sound=tone(1.25, 48000, 2))


def test_info_says_what_is_in_the_file(clip_file):
    info = Clip.open(clip_file).info
    assert (info.width, info.height, info.frame_count, info.fps) == (64, 48, 30, 24.0)
    assert info.duration_s == pytest.approx(1.25, abs=0.01)
    assert info.has_audio and info.bytes == clip_file.stat().st_size


def test_frames_are_the_pictures_that_went_in(clip_file):
    frames = Clip.open(clip_file).frames()
    assert frames.dtype == torch.float32 and frames.shape == (30, 48, 64, 3)
    assert frames.min() >= 0.0 and frames.max() <= 1.0
    for index in (0, 11, 29):
        difference = np.abs(frames[index].numpy() * 255 - moving_picture(index, 64, 48))
        assert difference.mean() < 8


def test_max_frames_gives_the_first_ones(clip_file):
    clip = Clip.open(clip_file)
    assert torch.equal(clip.frames(7), clip.frames()[:7])
    assert clip.frames(1000).shape[0] == 30


def test_last_frame_is_the_last_of_all_frames(clip_file):
    clip = Clip.open(clip_file)
    assert torch.equal(clip.last_frame(), clip.frames()[-1:])


def test_sound_comes_at_its_own_rate(clip_file):
    audio = Clip.open(clip_file).audio()
    assert audio["sample_rate"] == 48000
    assert audio["waveform"].shape[:2] == (1, 2)
    assert audio["waveform"].shape[2] == pytest.approx(60000, abs=1024)


def test_a_clip_without_sound_gives_silence_of_its_length(tmp_path):
    path = write_clip(tmp_path / "mute.mp4", [moving_picture(i, 64, 48) for i in range(24)])
    audio = Clip.open(path).audio()
    assert audio["waveform"].shape == (1, 2, 44100) and not audio["waveform"].any()
    assert audio["sample_rate"] == 44100


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100, b"\x00\x00\x00\x18ftypmp42"])
def test_what_is_no_video_is_said(tmp_path, content):
    path = tmp_path / "no.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"no\.mp4"):
        Clip.open(path)
