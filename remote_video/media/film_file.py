"""The MP4 a film is written to: its streams, copied or encoded, and what they are encoded with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext, suppress
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from ..errors import Billed, MediaError
from ..operating_system import here
from .container import LIBAV_ERRORS, open_media, sound_stream, video_stream
from .copy_packets import Timed, copied_pictures, copied_sound
from .fitted import film_frames
from .frames import Check
from .look import Look
from .measured import fraction
from .mixed_sound import film_sound

ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "h264_nvenc", "h264_qsv", "h264_amf")
"""H.264, the best first; PyAV's own builds have the first."""
CRF, PRESET, LARGE_PRESET = 16, "veryfast", "ultrafast"
"""Visually lossless. Slower presets make smaller files, and no better ones at the same factor."""
LEAST_AHEAD = 4
"""Frames; if memory is short, the encoder does not look ahead."""
BITS_PER_PIXEL = 0.3
"""Of encoders that know no constant quality."""
LOOKAHEAD_PIXELS = 16 * 1024 * 1024
"""The encoder looks ahead as far as fits into this, at most 20 frames: its memory is bounded at any size."""
BITS_PER_CHANNEL = 128_000
AAC_SAMPLES = 1024


class FilmFile:
    """An MP4 that is written to an open file."""

    def __init__(self, file: BinaryIO, look: Look) -> None:
        self._look = look
        self._container = av.open(file, "w", format="mp4", options={"fflags": "+bitexact"})

    def __enter__(self) -> FilmFile:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        # What went wrong before is what counts: a full disk takes no end of the file either.
        with suppress(*LIBAV_ERRORS) if error is not None else nullcontext():
            self._container.close()

    def pictures(self, check: Check) -> Generator[Timed, None, None]:
        """Packets of the picture."""
        if self._look.copies_pictures:
            return copied_pictures(self._look, self._like(video_stream))
        return self._encoded_pictures(self._encoder(), check)

    def sound(self, check: Check) -> Generator[Timed, None, None]:
        """Packets of the sound; none where the film is mute."""
        look = self._look
        if not look.sound_rate:
            return silent()
        if look.copies_sound:
            return copied_sound(look, self._like(sound_stream))
        stream = self._container.add_stream("aac", rate=look.sound_rate, layout=look.layout)
        stream.codec_context.bit_rate = BITS_PER_CHANNEL * look.channels
        return self._encoded_sound(stream, check)

    def write(self, packet: av.Packet[Any]) -> None:
        """Put a packet into the file."""
        self._container.mux(packet)

    def _like(self, stream_of: Callable[..., Any]) -> Any:
        """A stream for packets like the first clip's."""
        path = self._look.slots[0].clip.part.path
        with open_media(path) as first:
            source = stream_of(first, path) if stream_of is video_stream else stream_of(first)
            return self._container.add_stream_from_template(source, opaque=True)

    # -- encoding --------------------------------------------------------------------------------------------------

    def _encoder(self) -> Any:
        """The best that works here. Raises MediaError when none does."""
        look = self._look
        for name in ENCODERS:
            try:
                stream: Any = self._container.add_stream(name, rate=look.rate)
            except (*LIBAV_ERRORS, LookupError):
                continue
            stream.width, stream.height, stream.pix_fmt = look.width, look.height, "yuv420p"
            context = stream.codec_context
            context.time_base = 1 / look.rate
            context.color_range = look.tags.range
            context.color_primaries = look.tags.primaries
            context.color_trc = look.tags.transfer
            context.colorspace = look.tags.matrix
            if name == "libx264":
                stream.options = {"crf": str(CRF), **_within_memory(look.width * look.height)}
                context.thread_count = min(here().cores(), 8)
            else:
                context.bit_rate = round(BITS_PER_PIXEL * look.width * look.height * look.rate)
            return stream
        raise MediaError(
            f"This PyAV ({av.__version__}) has no encoder for H.264, so the film can't be made.",
            billed=Billed.NO,
            next_step="Install PyAV (the package `av`) from PyPI in ComfyUI's Python, then restart ComfyUI.",
        )

    def _encoded_pictures(self, stream: av.VideoStream, check: Check) -> Generator[Timed, None, None]:
        base = 1 / self._look.rate
        frames = film_frames(self._look, check)
        try:
            for number, frame in enumerate(frames):
                frame.pts, frame.time_base = number, base
                for packet in stream.encode(frame):
                    yield _timed(packet)
            for packet in stream.encode(None):
                yield _timed(packet)
        finally:
            frames.close()

    def _encoded_sound(self, stream: av.AudioStream, check: Check) -> Generator[Timed, None, None]:
        look, at = self._look, 0
        blocks = film_sound(look, check)
        try:
            for samples in _pieces(blocks, look.channels):
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=look.layout)
                frame.sample_rate, frame.pts, frame.time_base = look.sound_rate, at, Fraction(1, look.sound_rate)
                at += samples.shape[1]
                for packet in stream.encode(frame):
                    yield _timed(packet)
            for packet in stream.encode(None):
                yield _timed(packet)
        finally:
            blocks.close()


def _within_memory(pixels: int) -> dict[str, str]:
    """What keeps libx264's frames below 200 MB at any size: it has about 20 bytes for each pixel of each."""
    ahead = min(20, LOOKAHEAD_PIXELS // pixels)
    if ahead >= LEAST_AHEAD:
        return {"preset": PRESET, "rc-lookahead": str(ahead), "x264-params": "sliced-threads=1"}
    none = "sliced-threads=1:sync-lookahead=0:mbtree=0"
    return {"preset": LARGE_PRESET, "rc-lookahead": "0", "bf": "0", "x264-params": none}


def silent() -> Generator[Timed, None, None]:
    """No packets."""
    yield from ()


def _timed(packet: av.Packet[Any]) -> Timed:
    return float((packet.dts or 0) * fraction(packet.time_base)), packet


def _pieces(blocks: Iterator[NDArray[Any]], channels: int) -> Iterator[NDArray[Any]]:
    """As long as the encoder takes them; the last may be shorter."""
    left: NDArray[Any] = np.zeros((channels, 0), np.float32)
    for block in blocks:
        left = np.concatenate([left, block], axis=1)
        while left.shape[1] >= AAC_SAMPLES:
            yield np.ascontiguousarray(left[:, :AAC_SAMPLES])
            left = left[:, AAC_SAMPLES:]
    if left.shape[1]:
        yield np.ascontiguousarray(left)
