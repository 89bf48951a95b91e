"""Small real video files, made for the tests with PyAV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def moving_picture(index: int, width: int, height: int) -> np.ndarray:
    """A colourful gradient that moves, uint8 [H,W,3]; smooth, so that 4:2:0 keeps it."""
    x = np.linspace(0, 2 * np.pi, width)[None, :]
    y = np.linspace(0, 2 * np.pi, height)[:, None]
    waves = (np.sin(x + index * 0.3), np.cos(y - index * 0.2), np.sin(x + y + index * 0.1))
    return np.stack([np.broadcast_to(127.5 + 100 * wave, (height, width)) for wave in waves], -1).astype(np.uint8)


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray | av.VideoFrame],
    *,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: int | Fraction = 24,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
    pts: Sequence[int] | None = None,
    sound: np.ndarray | None = None,
    sound_rate: int = 48000,
    layout: str = "stereo",
    sound_codec: str = "aac",
) -> Path:
    """Write a clip; pictures are RGB arrays, or frames that are encoded as they are."""
    with av.open(str(path), "w", format=format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.options = options or {}
        track = None
        if sound is not None:
            track = container.add_stream(sound_codec, rate=sound_rate)
            track.layout = layout
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24") if isinstance(picture, np.ndarray) else picture
            frame.pts = index if pts is None else pts[index]
            frame.time_base = 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _write_sound(container, track, sound, sound_rate, layout)
    return path


def _write_sound(container, track, sound: np.ndarray, rate: int, layout: str) -> None:
    for start in range(0, sound.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + 1024]), "fltp", layout)
        frame.sample_rate = rate
        frame.pts = start
        frame.time_base = Fraction(1, rate)
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def tone(seconds: float, rate: int, channels: int) -> np.ndarray:
    """A sine of another pitch in each channel, float32 [C,N]."""
    time = np.arange(round(seconds * rate)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * 220 * (c + 1) * time) for c in range(channels)]).astype(np.float32)
