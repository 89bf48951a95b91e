"""A decoded frame as upright RGB, by the colour matrix, the range and the rotation its file means."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

BT709, FCC, BT601, SMPTE240M, BT2020 = 1, 4, 5, 7, 9
"""swscale's numbers of the YCbCr matrices; PyAV before 18 has no name for the last."""
_MATRIX_OF_TAG = {1: BT709, 4: FCC, 5: BT601, 6: BT601, 7: SMPTE240M, 9: BT2020, 10: BT2020}
"""H.273 matrix coefficients, as frames are tagged, to those."""
_HD_WIDTH, _HD_HEIGHT = 1280, 577
"""From this size on (either side) a file that doesn't say is BT.709; below, BT.601. What players do."""
_FULL_RANGE = 2
_EXACT = 0x2 | 0x40000 | 0x2000
"""BILINEAR | ACCURATE_RND | FULL_CHR_H_INT, as swscale counts them: PyAV before 17 has no names for the last two.

Without them 8-bit 4:2:0 goes through a loop that cuts off where it should round: up to 3/255 too dark, 1 in the mean.
"""
ONE_THREAD: dict[str, Any] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
"""The callers are threads already; PyAV before 17 has no other way, 19 would start its own."""


def matrix_of(frame: av.VideoFrame) -> int:
    """The YCbCr matrix a frame was made with: by its tag, and by its size when it has none."""
    tagged = _MATRIX_OF_TAG.get(int(frame.colorspace))
    if tagged is not None:
        return tagged
    return matrix_by_size(frame.width, frame.height)


def matrix_by_size(width: int, height: int) -> int:
    """The matrix of a picture that doesn't say."""
    return BT709 if width >= _HD_WIDTH or height >= _HD_HEIGHT else BT601


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether its brightness goes from 0 to 255."""
    return int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")


class RgbConverter:
    """Makes 8-bit RGB of frames; it keeps swscale's tables from frame to frame, so each thread needs one of its own."""

    def __init__(self) -> None:
        self._to_planes = VideoReformatter()
        self._to_pixels = VideoReformatter()

    def pixels(self, frame: av.VideoFrame) -> NDArray[Any]:
        """The frame's colours by the standard's matrix, chroma interpolated, rounded to 8 bits.

        By way of planes: only those are written by SIMD code where it is exact, which halves the time.

        Args:
            frame: as decoded, any pixel format.

        Returns:
            uint8 [H,W,3], a view of libav's own buffer; rows may be padded.
        """
        rgb = self._to_pixels.reformat(self.planes(frame), format="rgb24", **ONE_THREAD)
        plane = rgb.planes[0]
        buffer = np.frombuffer(memoryview(plane), np.uint8, count=plane.line_size * rgb.height)
        rows = buffer.reshape(rgb.height, plane.line_size)
        return rows[:, : rgb.width * 3].reshape(rgb.height, rgb.width, 3)

    def planes(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The same as a frame of three planes, of 8 bits each."""
        matrix = matrix_of(frame)
        return self._to_planes.reformat(
            frame,
            format="gbrp",
            interpolation=_EXACT,
            src_colorspace=matrix,
            # RGB has no matrix, but PyAV before 17 looks at the source's only where the two differ.
            dst_colorspace=BT709 if matrix == BT601 else BT601,
            src_color_range=ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            **ONE_THREAD,
        )


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is laid down to stand as it is meant: first its axes are swapped, then it is flipped."""

    swapped: bool = False
    left_right: bool = False
    upside_down: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """From the file's display matrix (ISO/IEC 14496-12, 6.2.2): quarter turns and mirrors; others are rounded."""
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return cls()
        a, b, _, c, d = struct.unpack_from("=5i", bytes(memoryview(matrix)))
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as displayed."""
        return (height, width) if self.swapped else (width, height)

    def upright(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """A view of [H,W,3] as displayed."""
        turned = pixels.swapaxes(0, 1) if self.swapped else pixels
        return turned[:: -1 if self.upside_down else 1, :: -1 if self.left_right else 1]
