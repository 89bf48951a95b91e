"""A decoded frame as RGB, by the colour matrix and range its file means."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

_MATRIX_OF_TAG = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""H.273 matrix coefficients, as frames are tagged, to swscale's names."""
_HD_WIDTH, _HD_HEIGHT = 1280, 577
"""From this size on (either side) a file that doesn't say is BT.709; below, BT.601. What players do."""
_FULL_RANGE = 2


def matrix_of(frame: av.VideoFrame) -> Colorspace:
    """The YCbCr matrix a frame was made with: by its tag, and by its size when it has none."""
    tagged = _MATRIX_OF_TAG.get(int(frame.colorspace))
    if tagged is not None:
        return tagged
    is_hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
    return Colorspace.ITU709 if is_hd else Colorspace.ITU601


def rgb_plane(frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray:
    """8-bit RGB as swscale makes it, uint8 [H,W,3]; a view of libav's own buffer, rows may be padded.

    Args:
        frame: as decoded, any pixel format.
        reformatter: not shared between threads; it keeps swscale's tables from frame to frame.
    """
    is_full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    rgb = reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=matrix_of(frame),
        src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    plane = rgb.planes[0]
    buffer = np.frombuffer(memoryview(plane), np.uint8, count=plane.line_size * rgb.height)
    rows = buffer.reshape(rgb.height, plane.line_size)
    return rows[:, : rgb.width * 3].reshape(rgb.height, rgb.width, 3)
