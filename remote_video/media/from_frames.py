"""Frames in memory as a file that can be joined."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from av.video.reformatter import ColorRange, VideoReformatter

from .colours import BT601, BT709, ONE_THREAD

CRF = 8
"""The film is encoded once more."""
LIMITED, BT709_TAG = 1, 1
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
BLOCK = 1024
SOUND_BITS = 320_000


def write_frames(path: Path, images: torch.Tensor, rate: Any, waveform: torch.Tensor | None, sound_rate: int) -> None:
    """Write an H.264 MP4 whose colours are tagged.

    Args:
        images: [T,H,W,3 or 4], 0..1; an odd last line or column is left out.
        rate: frames per second.
        waveform: [C,N], -1..1; None for none.
        sound_rate: Hz.

    Raises:
        OSError, av.FFmpegError: it can't be written.
    """
    height, width = images.shape[1] // 2 * 2, images.shape[2] // 2 * 2
    reformatter, fps = VideoReformatter(), Fraction(rate).limit_denominator(1001)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264" if "libx264" in av.codecs_available else "h264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(CRF), "preset": "ultrafast"}
        context = stream.codec_context
        context.color_range = LIMITED
        context.color_primaries = context.color_trc = context.colorspace = BT709_TAG
        sound = _sound_stream(container, waveform, sound_rate)
        for number, image in enumerate(images):
            pixels = (image[:height, :width, :3].float() * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"),
                format="yuv420p",
                src_colorspace=BT601,
                dst_colorspace=BT709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                **ONE_THREAD,
            )
            frame.pts, frame.time_base = number, 1 / fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None and waveform is not None:
            _write_sound(container, sound, waveform, sound_rate)


def _sound_stream(container: Any, waveform: torch.Tensor | None, rate: int) -> av.AudioStream | None:
    if waveform is None or not waveform.numel():
        return None
    stream: av.AudioStream = container.add_stream("aac", rate=rate, layout=LAYOUTS.get(waveform.shape[0], "stereo"))
    stream.codec_context.bit_rate = SOUND_BITS
    return stream


def _write_sound(container: Any, stream: av.AudioStream, waveform: torch.Tensor, rate: int) -> None:
    channels = waveform.shape[0] if waveform.shape[0] in LAYOUTS else 2
    samples = waveform[:channels].float().cpu().numpy()
    for begin in range(0, samples.shape[1], BLOCK):
        piece = np.ascontiguousarray(samples[:, begin : begin + BLOCK])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=LAYOUTS[channels])
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
