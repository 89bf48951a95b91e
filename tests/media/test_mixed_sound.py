"""The sound of a film: as loud as its clips, faded only where that is wished, and in step with each picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.media.measured import Part

from .clips import moving_picture, tone, write_clip
from .flashes import bright_at, flashing, heard_at, joined
from .test_sound import with_sound_at

PICTURES = [moving_picture(n, 64, 48) for n in range(24)]


def humming(path: Path, pitch_hz: int, rate: int = 48000) -> Path:
    """A second of picture and of one tone."""
    sound = 0.4 * np.sin(2 * np.pi * pitch_hz * np.arange(rate) / rate).astype(np.float32)
    return write_clip(path, PICTURES, sound=np.stack([sound, sound]), sound_rate=rate)


def loudness(film: Path, at_s: float) -> float:
    """Of 20 ms around a moment, as part of a clip's own."""
    audio = Clip.open(film).audio()
    rate = audio["sample_rate"]
    heard = audio["waveform"][0, 0].numpy()[round((at_s - 0.01) * rate) : round((at_s + 0.01) * rate)]
    return float(np.sqrt((heard**2).mean()) / (0.4 / np.sqrt(2)))


def test_sound_fades_at_joins_where_that_is_wished_and_nowhere_else(tmp_path):
    joined([humming(tmp_path / f"{n}.mp4", 500) for n in range(3)], film := tmp_path / "f.mp4", audio="fade at joins")
    for join_s in (1.0, 2.0):
        assert loudness(film, join_s) < 0.15
        assert loudness(film, join_s - 0.125) == pytest.approx(0.7, abs=0.12)
        assert loudness(film, join_s + 0.125) == pytest.approx(0.7, abs=0.12)
    for kept_s in (0.05, 0.5, 1.5, 2.5, 2.9):
        assert loudness(film, kept_s) == pytest.approx(1, abs=0.1)


def test_sound_that_is_kept_is_as_loud_as_its_clips_up_to_the_join(tmp_path):
    clips = [humming(tmp_path / f"{rate}.mp4", 500, rate) for rate in (48000, 44100)]
    assert not joined(clips, film := tmp_path / "film.mp4").copies_sound
    for at_s in (0.05, 0.5, 0.97, 1.03, 1.5, 1.9):
        assert loudness(film, at_s) == pytest.approx(1, abs=0.1)


def test_a_crossfade_is_as_loud_as_its_clips(tmp_path):
    clips = [humming(tmp_path / f"{pitch}.mp4", pitch) for pitch in (500, 1150)]
    joined(clips, film := tmp_path / "film.mp4", transition_s=0.5)
    for at_s in (0.05, 0.4, 0.6, 0.75, 0.9, 1.1, 1.4):
        assert loudness(film, at_s) == pytest.approx(1, abs=0.2)


def test_sound_that_begins_later_than_its_picture_does_so_in_the_film(tmp_path):
    late = with_sound_at(tmp_path / "late.mkv", [(0.5, tone(0.5, 48000, 1))]).path
    joined([late, late], film := tmp_path / "film.mp4", audio="fade at joins")
    for silent_s in (0.05, 0.45, 1.05, 1.45):
        assert loudness(film, silent_s) < 0.05
    for heard_s in (0.6, 1.6, 1.9):
        assert loudness(film, heard_s) > 0.7


def test_a_part_of_a_clip_has_its_own_sound(tmp_path):
    clip = flashing(tmp_path / "clip.mp4", 2.0, 1.0)
    joined([Part(clip, begin_s=0.5, length_s=1.0), Part(clip, begin_s=0.75)], film := tmp_path / "film.mp4")
    assert bright_at(film) == pytest.approx([0.5, 1.25], abs=0.01)
    assert heard_at(film) == pytest.approx([0.5, 1.25], abs=0.03)
