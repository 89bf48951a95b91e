"""Clips that flash and beep at the same moment, and where a film does; films' frames and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.media.join import join, look_at
from remote_video_pack.remote_video.media.look import Look, Wish
from remote_video_pack.remote_video.media.measured import Part

from .clips import write_clip

BEEP_HZ, BEEP_S = 1000, 0.04


def flashing(
    path: Path,
    seconds: float,
    at_s: float,
    *,
    rate: int | Fraction = 24,
    size: tuple[int, int] = (64, 48),
    sound_rate: int = 48000,
    sound_s: float | None = None,
    **more: Any,
) -> Path:
    """A dark clip with two white frames from `at_s` on, and a beep that begins with them.

    Args:
        sound_s: how long its sound is.
    """
    count, lit = round(seconds * rate), round(at_s * rate)
    pictures = [np.full((size[1], size[0], 3), 255 if n in (lit, lit + 1) else 30, np.uint8) for n in range(count)]
    samples = np.zeros((2, round((seconds if sound_s is None else sound_s) * sound_rate)), np.float32)
    begin = round(float(lit / Fraction(rate)) * sound_rate)
    time = np.arange(round(BEEP_S * sound_rate)) / sound_rate
    beep = 0.7 * np.sin(2 * np.pi * BEEP_HZ * time)
    samples[:, begin : begin + len(beep)] = beep[: max(0, samples.shape[1] - begin)]
    return write_clip(path, pictures, size=size, rate=rate, sound=samples, sound_rate=sound_rate, **more)


def joined(clips: Sequence[Path | Part], film: Path, **wish: Any) -> Look:
    """Write the film of these clips; how it was made."""
    look = look_at([one if isinstance(one, Part) else Part(one) for one in clips], Wish(**wish))
    with film.open("wb") as file:
        join(look, file)
    return look


def frames(path: Path) -> list[tuple[float, np.ndarray]]:
    """When each frame is shown, s, and its planes as they are stored."""
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray()) for frame in container.decode(video=0)]


def bright_at(path: Path) -> list[float]:
    """When it flashes, s."""
    with av.open(str(path)) as container:
        brightness = [(float(f.time), f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    lit = [at for at, light in brightness if light > 130]
    return [at for at, before in zip(lit, [-1.0, *lit], strict=False) if at - before > 0.2]


def heard_at(path: Path) -> list[float]:
    """When beeps begin, s, as ComfyUI's AUDIO of the file has it."""
    audio = Clip.open(path).audio()
    rate = audio["sample_rate"]
    loud = np.abs(audio["waveform"][0, 0].numpy()) > 0.2
    places = np.flatnonzero(loud)
    return [at / rate for at, before in zip(places, [-rate, *places], strict=False) if at - before > 0.2 * rate]


def lengths(path: Path) -> tuple[float, float]:
    """Of picture and sound, s, by what is decoded; -1.0 for no sound."""
    clip = Clip.open(path)
    shown = [at for at, _ in frames(path)]
    step = 1 / clip.info.fps
    if not clip.info.has_audio:
        return shown[-1] + step, -1.0
    audio = clip.audio()
    return shown[-1] + step, audio["waveform"].shape[2] / audio["sample_rate"]
