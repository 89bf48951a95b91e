"""Pixels as a file a provider accepts: PNG while it fits, then JPEG, then smaller. Never over the limit.

Where nothing may be changed it is a PNG, or an error.
"""

from __future__ import annotations

import io
import math
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from ..errors import InputRefused
from .encoded import EncodedMedia
from .fit import ImageLimits
from .png import encode_png, estimated_share

PNG, JPEG = "image/png", "image/jpeg"
JPEG_QUALITIES = (95, 92, 88, 82, 75)
"""Falling; all with full colour resolution (4:4:4). Below the last, a smaller picture looks better."""
HOPELESS = 1.2
"""A PNG that is estimated at this many times the limit isn't even tried."""
NEXT_SMALLER = 0.95
"""Should a picture be over the limit after all, the next one has this share of its width and height."""


def encode_image(pixels: NDArray[Any], limits: ImageLimits, *, lossless: bool = False) -> EncodedMedia:
    """The best file within the limits.

    Args:
        pixels: uint8 [H,W,3], already fitted (`fit.fit`).
        limits: which types, how many bytes, how small it may get.
        lossless: every pixel as it is, or an error.

    Raises:
        InputRefused: no accepted size is small enough.
    """
    most = math.inf if limits.max_bytes is None else limits.max_bytes
    if PNG in limits.mimes:
        share = estimated_share(pixels)
        if share * pixels.nbytes <= most * HOPELESS:
            data = encode_png(pixels, share)
            if len(data) <= most:
                return EncodedMedia(data, PNG)
    if lossless:
        return _smallest_png(pixels, most)
    if JPEG not in limits.mimes:
        raise InputRefused(
            f"The image is over the model's {_megabytes(most)} as a PNG, and the model accepts no JPEG.",
            next_step="Use a smaller image, then run again.",
        )
    return _jpeg_within(pixels, most, limits)


def _smallest_png(pixels: NDArray[Any], most: float) -> EncodedMedia:
    """The PNG that takes long to make. Raises InputRefused when that is too large as well."""
    height, width = pixels.shape[:2]
    data = _saved(Image.fromarray(pixels), "PNG", optimize=True)
    if len(data) > most:
        raise InputRefused(
            f"The image has {len(data):,} bytes as a PNG of {width}x{height} px; the model accepts at most {most:,}.",
            next_step="Use a smaller image, or set `fit` to auto, which sends a JPEG; then run again.",
        )
    return EncodedMedia(data, PNG)


def _jpeg_within(pixels: NDArray[Any], most: float, limits: ImageLimits) -> EncodedMedia:
    """The JPEG of the highest quality that fits; when the lowest doesn't, the largest of that quality.

    The files themselves are measured: estimates from a sample err where a picture is uneven.
    """
    picture = Image.fromarray(pixels)
    best, *between, lowest = JPEG_QUALITIES
    if len(data := _jpeg(picture, best)) > most:
        if len(smallest := _jpeg(picture, lowest)) > most:
            return _smaller_jpeg(picture, most, limits, len(smallest))
        fitting = ((quality, data) for quality in between if len(data := _jpeg(picture, quality)) <= most)
        best, data = next(fitting, (lowest, smallest))
    told = f"The image is sent as a JPEG of quality {best}: as a PNG it is over the model's {_megabytes(most)}."
    return EncodedMedia(data, JPEG, (told,) if PNG in limits.mimes else ())


def _smaller_jpeg(picture: Image.Image, most: float, limits: ImageLimits, full_size_bytes: int) -> EncodedMedia:
    """The largest JPEG of the lowest quality that fits."""
    width, height = picture.size
    least = max(limits.width.smallest_int() / width, limits.height.smallest_int() / height)
    share = max(least, min(NEXT_SMALLER, math.sqrt(most / full_size_bytes)))
    while True:
        size = _scaled((width, height), share, limits)
        data = _jpeg(picture.resize(size, Image.Resampling.LANCZOS), JPEG_QUALITIES[-1])
        if len(data) <= most:
            told = f"The image is sent at {size[0]}x{size[1]} instead of {width}x{height}"
            return EncodedMedia(data, JPEG, (f"{told}: the model accepts up to {_megabytes(most)}.",))
        if share <= least:
            raise InputRefused(
                f"The image can't be brought under {most:.0f} bytes: it has {len(data)} bytes as a JPEG of "
                f"{size[0]}x{size[1]} px, and the model accepts nothing smaller.",
                next_step="Use an image with less detail, then run again.",
            )
        share = max(least, share * NEXT_SMALLER)


def _scaled(size: tuple[int, int], share: float, limits: ImageLimits) -> tuple[int, int]:
    """A size times a share, still within the model's bounds."""
    width = max(limits.width.smallest_int(), math.floor(size[0] * share))
    height = max(limits.height.smallest_int(), math.floor(size[1] * share))
    if limits.ratio.is_above(width / height):
        height += 1
    elif limits.ratio.is_below(width / height):
        width += 1
    return width, height


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    return _saved(picture, "JPEG", quality=quality, subsampling=0)


def _saved(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.3g} MB"
