"""Frames of any clip as frames of the film: upright, of its size and colours, at its rate, fading into the next."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from ..operating_system import here
from .colours import ONE_THREAD, RgbConverter, is_full_range, matrix_of
from .container import open_media, picture_stream
from .frames import Check, whole_frames
from .look import Look, Slot
from .measured import InClip, Measured

Planes = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Y, U and V of 4:2:0, 8 bits each."""
_LANCZOS = 0x200 | 0x40000 | 0x2000 | 0x4000
"""LANCZOS | ACCURATE_RND | FULL_CHR_H_INT | FULL_CHR_H_INP."""
_EXACT = 0x4 | 0x40000 | 0x2000 | 0x4000
"""BICUBIC, and the same: no other size."""
THREADS_PIXELS = 8 * 1024 * 1024
"""Decoded ahead by the threads of one decoder, at most."""

ROWS = 64
"""Mixed at a time."""


def film_frames(look: Look, check: Check) -> Generator[av.VideoFrame, None, None]:
    """Every frame of the film, in order."""
    fading: Iterator[Planes] = iter(())
    frames: Iterator[Planes] = iter(())
    try:
        for place, slot in enumerate(look.slots):
            is_first, is_last = place == 0, place == len(look.slots) - 1
            fading, frames = frames, _steady(slot, look, check)
            for step in range(0 if is_first else look.overlap):
                yield _frame(_mixed(next(fading), next(frames), (step + 1) / (look.overlap + 1)))
            _end(fading)
            count = round((slot.end - slot.begin) * look.rate)
            for _ in range(count - look.overlap * ((not is_first) + (not is_last))):
                yield _frame(next(frames))
    finally:
        _end(fading)
        _end(frames)


def _end(frames: Iterator[Planes]) -> None:
    """Close its file now."""
    if isinstance(frames, Generator):
        frames.close()


def _steady(slot: Slot, look: Look, check: Check) -> Iterator[Planes]:
    """A clip's frames at the film's rate, as many as its slot has: what is on the screen in the middle of each."""
    clip = slot.clip
    count, shown = round((slot.end - slot.begin) * look.rate), 0
    with InClip(clip.number, clip.part.path), open_media(clip.part.path) as container:
        stream = picture_stream(container, clip.part.path, _threads(clip))
        begin = float(clip.begin_s + Fraction(clip.part.begin_s))
        base = float(clip.time_base)
        fitting = Fitting(clip, look)
        held: av.VideoFrame | None = None
        planes: Planes | None = None
        for number, frame in enumerate(whole_frames(container, stream, clip.part.path)):
            check()
            at = (frame.pts * base if frame.pts is not None else float(clip.begin_s + number / clip.rate)) - begin
            while held is not None and shown < count and float((shown + Fraction(1, 2)) / look.rate) < at:
                planes = planes or fitting.planes(held)
                yield planes
                shown += 1
            if shown == count:
                return
            held, planes = frame, None
        while shown < count and held is not None:
            planes = planes or fitting.planes(held)
            yield planes
            shown += 1


def _threads(clip: Measured) -> int:
    """Each holds frames of its own."""
    return max(1, min(2 * here().cores(), 8, THREADS_PIXELS // (clip.width * clip.height)))


def _mixed(one: Planes, other: Planes, share: float) -> Planes:
    """So much of the other."""
    weight = round(share * 256)
    y, u, v = (_mixed_plane(a, b, weight) for a, b in zip(one, other, strict=True))
    return y, u, v


def _mixed_plane(one: NDArray[Any], other: NDArray[Any], weight: int) -> NDArray[Any]:
    """A few rows at a time: whole planes in 16 bits would take as much memory as the frames."""
    mixed = np.empty_like(one)
    for first in range(0, len(one), ROWS):
        rows = slice(first, first + ROWS)
        mixed[rows] = (one[rows].astype(np.uint16) * (256 - weight) + other[rows].astype(np.uint16) * weight + 128) >> 8
    return mixed


def _frame(planes: Planes) -> av.VideoFrame:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, pixels in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[: pixels.shape[0], : pixels.shape[1]] = pixels
    return frame


class Fitting:
    """Makes planes of the film's size and colours of a clip's frames."""

    def __init__(self, clip: Measured, look: Look) -> None:
        self._clip, self._look = clip, look
        self._to_size, self._rgb = VideoReformatter(), RgbConverter()

    def planes(self, frame: av.VideoFrame) -> Planes:
        """The frame's."""
        # Its side data is not asked for here: PyAV's would keep the frame until the next collection of garbage.
        look, orientation = self._look, self._clip.orientation
        width, height = orientation.size(*_scaled(orientation.size(*self._shown(frame)), look))
        converted = self._converted(frame, width, height)
        upright = [orientation.upright(_pixels(plane)) for plane in converted.planes]
        black = 0 if look.is_full else 16
        y, u, v = (
            _placed(pixels, look.width // part, look.height // part, filler, part == 1)
            for pixels, part, filler in zip(upright, (1, 2, 2), (black, 128, 128), strict=True)
        )
        return y, u, v

    def _shown(self, frame: av.VideoFrame) -> tuple[int, int]:
        return round(frame.width * self._clip.pixel), frame.height

    def _converted(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """As 4:2:0 of this size, in the film's matrix and range."""
        look, is_full = self._look, is_full_range(frame)
        target = "yuvj420p" if look.is_full and frame.format.name.startswith("yuvj") else "yuv420p"
        is_as_is = (frame.width, frame.height) == (width, height)
        how = _EXACT if is_as_is else _LANCZOS
        if frame.format.is_rgb or matrix_of(frame) != look.matrix or is_full != look.is_full:
            planes = frame if frame.format.is_rgb else self._rgb.planes(frame)
            return self._to_size.reformat(
                planes,
                width=width,
                height=height,
                format="yuv420p",
                interpolation=how,
                src_colorspace=5 if look.matrix != 5 else 1,
                dst_colorspace=look.matrix,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.JPEG if look.is_full else ColorRange.MPEG,
                **ONE_THREAD,
            )
        if is_as_is and frame.format.name in ("yuv420p", "yuvj420p"):
            return frame
        return self._to_size.reformat(frame, width=width, height=height, format=target, interpolation=how, **ONE_THREAD)


def _scaled(shown: tuple[int, int], look: Look) -> tuple[int, int]:
    """Width and height, as displayed, that fill the film's picture, or fit into it."""
    width, height = shown
    if (width // 2 * 2, height // 2 * 2) == (look.width, look.height):
        return shown
    shares = look.width / width, look.height / height
    share = max(shares) if look.fit == "crop" else min(shares)
    least = (look.width, look.height) if look.fit == "crop" else (2, 2)
    scaled = [max(low, round(side * share / 2) * 2) for side, low in zip(shown, least, strict=True)]
    return scaled[0], scaled[1]


def _pixels(plane: av.video.plane.VideoPlane) -> NDArray[Any]:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _placed(pixels: NDArray[Any], width: int, height: int, filler: int, is_luma: bool) -> NDArray[Any]:
    """Cut to the size in the middle, or put into the middle of a picture of that size."""
    for axis, wanted in ((0, height), (1, width)):
        there = pixels.shape[axis]
        if there > wanted:
            # Both chroma planes are cut at the same place.
            first = (there - wanted) // 4 * 2 if is_luma else (there - wanted) // 2
            pixels = pixels[first : first + wanted] if axis == 0 else pixels[:, first : first + wanted]
        elif there < wanted:
            before = (wanted - there) // 4 * 2 if is_luma else (wanted - there) // 2
            room = [(0, 0), (0, 0)]
            room[axis] = (before, wanted - there - before)
            pixels = np.pad(pixels, room, constant_values=filler)
    return pixels
