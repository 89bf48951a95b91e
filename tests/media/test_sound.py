"""Sound is the file's own: its rate, its channels, its length, in step with the picture."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from remote_video_pack.remote_video.errors import MediaError, NotEnoughMemory
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, tone, write_clip

FASTSTART = {"movflags": "faststart"}
HEVC = "keyint=8:min-keyint=8:bframes=0:log-level=none"
PICTURES = [moving_picture(i, 64, 48) for i in range(24)]


def pitch_hz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_rate_and_channels_are_kept(tmp_path, rate, layout, channels):
    sound = tone(1.0, rate, channels)
    path = write_clip(tmp_path / "clip.mp4", PICTURES, sound=sound, sound_rate=rate, layout=layout)
    audio = Clip.open(path).audio()
    waveform = audio["waveform"]
    assert audio["sample_rate"] == rate and waveform.dtype == torch.float32
    assert waveform.shape[:2] == (1, channels)
    assert waveform.shape[2] == pytest.approx(rate, abs=1100)
    for channel in range(channels):
        if (layout, channel) != ("5.1", 3):  # AAC cuts the low-frequency channel off below this pitch
            assert pitch_hz(waveform[0, channel].numpy(), rate) == pytest.approx(220 * (channel + 1), rel=0.02)


def test_samples_are_the_ones_that_went_in(tmp_path):
    sound = tone(1.0, 48000, 2)
    path = write_clip(tmp_path / "clip.mkv", PICTURES, sound=sound, sound_codec="pcm_f32le")
    assert np.abs(Clip.open(path).audio()["waveform"][0].numpy() - sound).max() < 1e-6


def test_integer_samples_become_floats(tmp_path):
    sound = tone(0.5, 48000, 1)
    path = write_clip(tmp_path / "clip.mov", PICTURES, sound=sound, sound_codec="pcm_s16le", layout="mono")
    assert np.abs(Clip.open(path).audio()["waveform"][0].numpy() - sound).max() < 1e-4


@pytest.mark.parametrize("seconds", [0.3, 3.0])
def test_sound_shorter_or_longer_than_the_picture_keeps_its_length(tmp_path, seconds):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, sound=tone(seconds, 48000, 2))
    clip = Clip.open(path)
    assert clip.audio()["waveform"].shape[2] == pytest.approx(seconds * 48000, abs=1100)
    assert clip.frames().shape[0] == 24
    assert torch.equal(clip.last_frame(), clip.frames()[-1:])


def test_the_encoder_s_lead_in_is_cut(tmp_path):
    sound = np.zeros((1, 48000), np.float32)
    sound[0, 24000:] = 0.5 * np.sign(np.sin(np.arange(24000) * 0.05))
    path = write_clip(tmp_path / "clip.mp4", PICTURES, sound=sound, layout="mono")
    heard = np.abs(Clip.open(path).audio()["waveform"][0, 0].numpy()) > 0.2
    assert np.argmax(heard) == pytest.approx(24000, abs=200)


@pytest.mark.parametrize(("delay_s", "expected_s"), [(0.5, 1.5), (-0.25, 0.75)])
def test_sound_that_begins_later_or_earlier_than_the_picture_stays_in_step(tmp_path, delay_s, expected_s):
    path = tmp_path / "clip.mkv"
    rate, begin = 48000, 1.0
    sound = tone(1.0, rate, 1)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("pcm_f32le", rate=rate)
        track.layout = "mono"
        for index, picture in enumerate(PICTURES):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = 24 + index, Fraction(1, 24)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(sound, "flt", "mono")
        block.sample_rate, block.time_base = rate, Fraction(1, rate)
        block.pts = round((begin + delay_s) * rate)
        container.mux(track.encode(block))
        container.mux(track.encode(None))
    waveform = Clip.open(path).audio()["waveform"][0, 0].numpy()
    assert len(waveform) == pytest.approx(expected_s * rate, abs=rate // 100)
    if delay_s > 0:
        assert not waveform[: round(delay_s * rate) - 100].any()


def test_silence_has_the_clip_s_length(tmp_path):
    clip = Clip.open(write_clip(tmp_path / "mute.mp4", PICTURES, rate=10))
    audio = clip.audio()
    assert audio["waveform"].shape == (1, 2, round(2.4 * 44100)) and not audio["waveform"].any()
    assert not clip.info.has_audio


def with_sound_at(path, blocks: list[tuple[float, np.ndarray]], picture_begins_s: float = 0.0):
    """PICTURES with each block of mono sound at its own time, s, as PCM in Matroska."""
    rate = 48000
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("pcm_f32le", rate=rate)
        track.layout = "mono"
        for begin_s, samples in blocks:
            block = av.AudioFrame.from_ndarray(samples, "flt", "mono")
            block.sample_rate, block.time_base, block.pts = rate, Fraction(1, rate), round(begin_s * rate)
            container.mux(track.encode(block))
        for index, picture in enumerate(PICTURES):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(picture_begins_s * 24) + index, Fraction(1, 24)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(track.encode(None))
    return Clip.open(path)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("codec", "options", "late"),
    [
        ("libx264", {"g": "8", "bf": "0"}, 8),
        ("libx264", {"g": "8", "bf": "2"}, 8),
        ("libx265", {"x265-params": HEVC}, 8),
        ("libx264", {"g": "2", "bf": "0"}, 2),
    ],
)
def test_where_the_head_of_the_picture_is_undecodable_the_sound_begins_with_the_first_frame_shown(
    tmp_path, codec, options, late, ending
):
    """Without its first key frame a decoder shows nothing before the second, up to a third of a second later."""
    sound = np.zeros((1, 48000), np.float32)
    sound[0, 24000:] = 0.5
    whole = write_clip(
        tmp_path / "whole.mkv",
        PICTURES,
        codec=codec,
        options=options,
        sound=sound,
        sound_codec="pcm_f32le",
        layout="mono",
    )
    path = tmp_path / f"headless.{ending}"
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        copies = [out.add_stream_from_template(stream, opaque=True) for stream in source.streams]
        for packet in source.demux():
            is_head = packet.stream.type == "video" and packet.pts == 0
            if packet.dts is not None and not is_head:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    clip = Clip.open(path)
    frames, waveform = clip.frames(), clip.audio()["waveform"][0, 0].numpy()
    assert torch.equal(frames, Clip.open(whole).frames()[late:])
    assert clip.info.start_s == pytest.approx(late / 24, abs=1e-3)
    assert len(waveform) == pytest.approx(48000 * (24 - late) / 24, abs=100)
    assert np.argmax(waveform > 0.2) == pytest.approx(24000 - 48000 * late / 24, abs=100)
    assert len(clip.warnings) == 1 and "s of the picture can't be decoded" in clip.warnings[0]


def test_a_hole_in_the_sound_is_silence(tmp_path):
    clip = with_sound_at(tmp_path / "hole.mkv", [(0.0, tone(0.25, 48000, 1)), (0.75, tone(0.25, 48000, 1))])
    waveform = clip.audio()["waveform"][0, 0].numpy()
    assert len(waveform) == pytest.approx(48000, abs=100)
    assert not waveform[12100:35900].any() and np.abs(waveform[36100:]).max() > 0.4


@pytest.mark.parametrize(("sound_s", "picture_s", "heard_s"), [(0.5, 0.0, 1.0), (0.0, 0.25, 0.25)])
def test_blocks_that_follow_one_another_have_nothing_between_them(tmp_path, sound_s, picture_s, heard_s):
    blocks = [(sound_s + begin_s, tone(0.25, 48000, 1)) for begin_s in (0.0, 0.25)]
    clip = with_sound_at(tmp_path / "later.mkv", blocks, picture_begins_s=picture_s)
    waveform = clip.audio()["waveform"][0, 0].numpy()
    assert len(waveform) == pytest.approx(48000 * heard_s, abs=100)
    assert np.abs(waveform[-12000:]).max() > 0.4


@pytest.mark.parametrize("blocks_at_s", [(1e7,), (0.0, 1e7)], ids=["late", "a hole"])
def test_silence_that_would_not_fit_into_the_memory_is_refused(tmp_path, blocks_at_s):
    clip = with_sound_at(tmp_path / "far.mkv", [(begin_s, tone(0.25, 48000, 1)) for begin_s in blocks_at_s])
    with pytest.raises(NotEnoughMemory, match=r"The sound needs 1920\.0 GB of RAM") as refused:
        clip.audio()
    assert str(clip.path) in refused.value.what
    assert len(clip.frames()) == 24


def test_sound_that_ends_before_the_picture_begins_is_silence_of_the_clip_s_length(tmp_path):
    clip = with_sound_at(tmp_path / "early.mkv", [(0.0, tone(0.25, 48000, 1))], picture_begins_s=1.0)
    waveform = clip.audio()["waveform"]
    assert waveform.shape[2] > 40000 and not waveform.any()


def test_sound_in_an_unknown_codec_is_silence_and_a_warning(tmp_path):
    path = write_clip(tmp_path / "clip.mkv", PICTURES, sound=tone(1, 48000, 2), sound_codec="aac")
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    clip = Clip.open(path)
    assert not clip.audio()["waveform"].any()
    assert "sound" in clip.warnings[0] and "codec" in clip.warnings[0]


def test_a_file_cut_between_two_sound_packets_is_an_error(tmp_path):
    path = write_clip(tmp_path / "cut.mp4", PICTURES, sound=tone(1, 48000, 2), container_options=FASTSTART)
    with av.open(str(path)) as container:
        ends = sorted(packet.pos + packet.size for packet in container.demux(audio=0) if packet.size)
    path.write_bytes(path.read_bytes()[: ends[-10]])
    with pytest.raises(MediaError, match="breaks off"):
        Clip.open(path).audio()
