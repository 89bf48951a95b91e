"""Pixels as a file a provider accepts: PNG while it fits, then JPEG, then smaller. Never over the limit."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..errors import InputRefused
from .fit import ImageLimits

PNG, JPEG = "image/png", "image/jpeg"
JPEG_QUALITIES = (95, 92, 88, 82, 75)
"""Falling; all with full colour resolution (4:4:4). Below the last, a smaller picture looks better."""
SHRINK = 0.85
"""Each further try has this share of the width and height of the one before."""


@dataclass(frozen=True)
class EncodedImage:
    """An image file in memory, and what was given up to make it fit."""

    data: bytes
    mime: str
    width: int
    height: int
    notices: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """The usual file name ending, with its dot."""
        return ".png" if self.mime == PNG else ".jpg"


def encode_image(pixels: np.ndarray, limits: ImageLimits) -> EncodedImage:
    """The best file within the limits.

    Args:
        pixels: uint8 [H,W,3], already fitted (`fit.fit`).
        limits: which types, how many bytes, how small it may get.

    Raises:
        InputRefused: no accepted size is small enough.
    """
    height, width = pixels.shape[:2]
    if PNG in limits.mimes:
        data = encode_png(pixels)
        if limits.max_bytes is None or len(data) <= limits.max_bytes:
            return EncodedImage(data, PNG, width, height)
    return _encode_jpeg(pixels, limits)


def encode_png(pixels: np.ndarray) -> bytes:
    """A lossless PNG of uint8 [H,W,3], made for speed rather than size."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _encode_jpeg(pixels: np.ndarray, limits: ImageLimits) -> EncodedImage:
    """JPEG at falling quality, then smaller and smaller."""
    full = Image.fromarray(pixels)
    picture = full
    while True:
        for quality in JPEG_QUALITIES:
            data = _jpeg(picture, quality)
            if limits.max_bytes is None or len(data) <= limits.max_bytes:
                return EncodedImage(data, JPEG, *picture.size, _jpeg_notices(full.size, picture.size, quality, limits))
        smaller = (math.floor(picture.width * SHRINK), math.floor(picture.height * SHRINK))
        if min(smaller) < 1 or limits.width.is_below(smaller[0]) or limits.height.is_below(smaller[1]):
            raise InputRefused(
                f"The image can't be brought under {limits.max_bytes} bytes: {len(data)} bytes as a JPEG of "
                f"{picture.width}x{picture.height} px, and the model accepts nothing smaller.",
                next_step="Use an image with less detail, then run again.",
            )
        picture = full.resize(smaller, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def _jpeg_notices(full: tuple[int, int], sent: tuple[int, int], quality: int, limits: ImageLimits) -> tuple[str, ...]:
    if PNG not in limits.mimes and sent == full:
        return ()
    limit = f"{limits.max_bytes / 1e6:.3g} MB" if limits.max_bytes is not None else "any size"
    sizes = f"{sent[0]}x{sent[1]} instead of {full[0]}x{full[1]}"
    if sent == full:
        return (f"The image is sent as a JPEG of quality {quality}: as a PNG it would be over the model's {limit}.",)
    return (f"The image is sent at {sizes}: the model accepts up to {limit}.",)
