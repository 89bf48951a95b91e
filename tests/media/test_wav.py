"""A sound on its way to a model: the samples that came in, as a file that anything can read."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest
import torch
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.wav import wav_bytes


def sound(waveform: torch.Tensor, rate: object = 48000) -> dict:
    return {"waveform": waveform, "sample_rate": rate}


def test_every_sample_is_where_it_was_left_and_right_apart():
    left = torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0, -7.0, 0.4 / 32767])
    right = torch.tensor([0.25, 0.0, 0.0, -0.5, 0.0, 0.0, 0.6 / 32767])
    with wave.open(io.BytesIO(wav_bytes(sound(torch.stack([left, right])[None]), "audio"))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (2, 2, 48000, 7)
        samples = np.frombuffer(file.readframes(7), "<i2").reshape(-1, 2).T
    assert samples[0].tolist() == [0, 32767, -32767, 16384, 32767, -32767, 0]
    assert samples[1].tolist() == [8192, 0, 0, -16384, 0, 0, 1]


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_others_hear_the_same(channels):
    waveform = torch.rand(1, channels, 4410, dtype=torch.float64) * 1.6 - 0.8
    with av.open(io.BytesIO(wav_bytes(sound(waveform, 44100), "audio"))) as file:
        stream = file.streams.audio[0]
        heard = np.concatenate([frame.to_ndarray() for frame in file.decode(stream)], axis=1)
        assert (stream.rate, stream.channels) == (44100, channels)
    heard = heard.reshape(-1, channels).T / 32767
    assert np.abs(heard - waveform[0].numpy()).max() <= 0.51 / 32767


def test_a_sound_without_a_batch_is_one_sound_and_stays_as_it_is():
    waveform = torch.rand(2, 100).requires_grad_()
    before = waveform.detach().clone()
    assert wav_bytes(sound(waveform), "audio") == wav_bytes(sound(before[None]), "audio")
    assert torch.equal(waveform, before)


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        ({}, "not an AUDIO"),
        (sound([0.0, 1.0]), "not an AUDIO"),
        (sound(torch.zeros(10)), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 1, 10)), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 10, dtype=torch.int16)), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 10), 0), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 10), "48000"), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 10), 2**40), "not an AUDIO"),
        (sound(torch.zeros(1, 1, 10), None), "not an AUDIO"),
        (sound(torch.zeros(2, 1, 10)), "holds 2 sounds"),
        (sound(torch.zeros(0, 1, 10)), "holds 0 sounds"),
        (sound(torch.zeros(1, 2, 0)), "is empty"),
        (sound(torch.zeros(1, 0, 10)), "is empty"),
        (sound(torch.tensor([[[0.0, float("nan")]]])), "NaN"),
        (sound(torch.tensor([[[0.0, float("-inf")]]])), "NaN or infinite"),
        (sound(torch.zeros(1, 70_000, 2)), "70000 channels of 2 samples"),
        (sound(torch.zeros(1).expand(1, 2, 2**30)), "2 channels of 1,073,741,824 samples"),
    ],
)
def test_what_is_no_sound_is_refused_by_the_name_of_its_input(audio, words):
    with pytest.raises(InputRefused, match=words) as refusal:
        wav_bytes(audio, "the song")
    assert refusal.value.what.startswith("the song ")
