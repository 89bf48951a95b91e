"""A job's clip as a file: H.264 (yuv420p, BT.709, faststart) and AAC, made with PyAV; or its picture, a PNG."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from .clip_plan import FPS, ClipPlan
from .scenes import frames
from .sound import SAMPLE_RATE, pad_chord

BT709 = 1
"""The number of BT.709 among primaries, transfer curves and matrices (ITU-T H.273)."""
LIMITED_RANGE = 1
AAC_FRAME = 1024
ENCODER = {"preset": "superfast", "crf": "20", "threads": "2"}
"""A fixed number of threads: x264's output depends on it, and the same job must give the same file."""


def render(plan: ClipPlan, images: Sequence[bytes], path: Path) -> None:
    """Write the clip or the picture of `plan` to `path`.

    Raises:
        OSError: the file can't be written.
        av.FFmpegError: the encoder refused.
    """
    if plan.picture:
        image = av.VideoFrame.from_ndarray(next(frames(plan, images)), format="yuv420p")
        image.reformat(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU601").to_image().save(path, "PNG")
        return
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = f"SANDBOX clip in place of {plan.label}; no provider was asked"
        video = _video_stream(container, plan)
        audio = _audio_stream(container) if plan.sound else None
        sound = _sound_frames(plan) if audio else iter(())
        for number, pixels in enumerate(frames(plan, images)):
            frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
            frame.pts = number
            frame.time_base = Fraction(1, FPS)
            container.mux(video.encode(frame))
            if audio:
                for piece in itertools.islice(sound, SAMPLE_RATE // (FPS * AAC_FRAME) + 1):
                    container.mux(audio.encode(piece))
        if audio:
            for piece in sound:
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
        container.mux(video.encode(None))


def _video_stream(container: av.container.OutputContainer, plan: ClipPlan) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=FPS, options=dict(ENCODER))
    stream.width, stream.height = plan.width, plan.height
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FPS)
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    return stream


def _audio_stream(container: av.container.OutputContainer) -> av.AudioStream:
    stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.bit_rate = 128_000
    return stream


def _sound_frames(plan: ClipPlan) -> Iterator[av.AudioFrame]:
    samples = pad_chord(plan.frames * SAMPLE_RATE // FPS, plan.prompt)
    for start in range(0, samples.shape[1], AAC_FRAME):
        piece = np.ascontiguousarray(samples[:, start : start + AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield frame
