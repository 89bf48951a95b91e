"""A sound as a file that is sent. Apart from reading files, so that ComfyUI's start need not wait for that."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from typing import Any

import torch

from ..errors import InputRefused

HIGHEST_RATE, MOST_CHANNELS, MOST_WAV_BYTES = 768_000, 32, 2**32 - 1024
"""Of a WAV file: Hz, and what its 32 bits count."""


def wav_bytes(audio: Mapping[str, Any], name: str) -> bytes:
    """A sound as a WAV file, 16 bits a sample.

    Args:
        audio: ComfyUI's AUDIO; see `sound.Audio`.
        name: what the input is called in messages.

    Raises:
        InputRefused: it is none, nothing is in it, or too much.
    """
    wave_form: Any = audio.get("waveform")
    rate = audio.get("sample_rate")
    is_sound = isinstance(wave_form, torch.Tensor) and wave_form.is_floating_point() and wave_form.ndim in (2, 3)
    if not is_sound or not isinstance(rate, int) or not 1 <= rate <= HIGHEST_RATE:
        raise InputRefused(f"{name} is not an AUDIO (a waveform of floats [1, channels, samples] and a sample rate).")
    if wave_form.ndim == 3 and wave_form.shape[0] != 1:
        raise InputRefused(f"{name} holds {wave_form.shape[0]} sounds; this input takes one.")
    channels, length = wave_form.shape[-2:]
    if channels > MOST_CHANNELS or 2 * channels * length > MOST_WAV_BYTES:
        raise InputRefused(f"{name} has {channels} channels of {length:,} samples, more than a WAV file can hold.")
    samples = wave_form.reshape(channels, length).detach().to(device="cpu", dtype=torch.float32)
    if samples.numel() == 0 or not bool(torch.isfinite(samples).all()):
        raise InputRefused(f"{name} is empty, or has values that are no numbers (NaN or infinite).")
    whole = (samples.clamp(-1.0, 1.0) * 32767).round().to(torch.int16).T.contiguous().numpy()
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(whole.shape[1])
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(whole.astype("<i2").tobytes())
    return file.getvalue()
