"""A small picture of a clip."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import MediaError
from .colours import Orientation, RgbConverter
from .container import open_media, picture_stream
from .frames import whole_frames

LARGEST = 256
"""Of its sides, px."""
QUALITY = 80


def thumbnail(clip: Path) -> bytes:
    """The first frame as a JPEG of at most 256 px a side. Raises MediaError."""
    with open_media(clip) as container:
        # One thread: closing a decoder that still works ahead on others may wait for them for ever.
        frame = next(whole_frames(container, picture_stream(container, clip), clip), None)
        if frame is None:
            raise MediaError(f"{clip} holds no frame that can be decoded.")
        pixels = Orientation.of(frame).upright(RgbConverter().pixels(frame))
    picture, file = Image.fromarray(np.ascontiguousarray(pixels, np.uint8)), BytesIO()
    picture.thumbnail((LARGEST, LARGEST), reducing_gap=2.0)
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
