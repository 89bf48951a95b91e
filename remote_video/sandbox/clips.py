"""A job's clip as a file: H.264 (yuv420p, BT.709, faststart) and AAC, made with PyAV; or its picture, a PNG."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .clip_plan import FPS, ClipPlan
from .scenes import Planes, frames

SAMPLE_RATE = 44_100
CHORDS = ((0, 7, 12, 16), (0, 7, 14, 16), (0, 5, 12, 15), (0, 7, 11, 16), (0, 3, 10, 14))
"""Semitones above the root: quiet, open voicings."""
PARTIALS = ((1.0, 1.0), (2.0, 0.28), (3.0, 0.1))
"""Frequency ratio and loudness of what makes one note."""
BT709 = 1
"""The number of BT.709 among primaries, transfer curves and matrices (ITU-T H.273)."""
LIMITED_RANGE = 1
ENCODER = {"preset": "superfast", "crf": "20", "threads": "2"}
"""A fixed number of threads: x264's output depends on it, and the same job must give the same file."""


def render(plan: ClipPlan, images: Sequence[bytes], path: Path) -> None:
    """Write the clip or the picture of `plan` to `path`.

    Raises:
        OSError: the file can't be written.
        av.FFmpegError: the encoder refused.
    """
    if plan.picture:
        still = _frame(plan, next(frames(plan, images)))
        rgb = still.to_ndarray(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU601")
        return Image.fromarray(rgb).save(path, "PNG")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = f"SANDBOX clip in place of {plan.label}; no provider was asked"
        video = _video_stream(container, plan)
        if plan.sound:
            _add_sound(container, plan)
        for number, planes in enumerate(frames(plan, images)):
            frame = _frame(plan, planes)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _frame(plan: ClipPlan, planes: Planes) -> av.VideoFrame:
    pixels = np.concatenate([np.asarray(plane).reshape(-1) for plane in planes])
    return av.VideoFrame.from_ndarray(pixels.reshape(plan.height * 3 // 2, plan.width), format="yuv420p")


def _video_stream(container: av.container.OutputContainer, plan: ClipPlan) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=FPS, options=dict(ENCODER))
    stream.width, stream.height = plan.width, plan.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FPS)
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    return stream


def _add_sound(container: av.container.OutputContainer, plan: ClipPlan) -> None:
    stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.bit_rate = 128_000
    samples = _pad_chord(plan.frames * SAMPLE_RATE // FPS, plan.prompt)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), 0
    container.mux([*stream.encode(frame), *stream.encode(None)])


def _pad_chord(samples: int, name: str) -> NDArray[Any]:
    """A chord that belongs to `name`. float32 [2, samples], peak at 0.35, 44,100 samples a second."""
    digest = hashlib.sha256(name.encode()).digest()
    root = 110.0 * 2 ** (digest[0] % 8 / 12)
    chord = CHORDS[digest[1] % len(CHORDS)]
    t = np.arange(samples, dtype=np.float32) / SAMPLE_RATE
    left, right = np.zeros_like(t), np.zeros_like(t)
    for index, semitones in enumerate(chord):
        sway = 0.75 + 0.25 * np.sin(2 * np.pi * (0.11 + 0.04 * index) * t + index)
        for side, detune in ((left, 0.9985), (right, 1.0015)):
            side += sway * _note(t, root * 2 ** (semitones / 12) * detune, index) / (1 + 0.25 * index)
    ends = [0, min(1.0, t[-1] / 4), t[-1] - min(1.5, t[-1] / 4), t[-1]]
    both = np.stack([left, right]) * np.sin(np.interp(t, ends, [0, np.pi / 2, np.pi / 2, 0])) ** 2
    return np.asarray(both * (0.35 / max(float(np.abs(both).max(initial=0.0)), 1e-9)), np.float32)


def _note(t: NDArray[Any], frequency: float, phase: float) -> NDArray[Any]:
    return np.asarray(sum(loud * np.sin((2 * np.pi * frequency * t + phase) * ratio) for ratio, loud in PARTIALS))
