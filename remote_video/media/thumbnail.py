"""A small picture of a clip."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from .clip import Clip

WIDEST, TALLEST = 256, 256
QUALITY = 80


def thumbnail(clip: Path) -> bytes:
    """The first frame as a JPEG of at most 256 px a side. Raises MediaError, NotEnoughMemory."""
    frame = Clip.open(clip).frames(1)[0]
    pixels = (frame.numpy() * 255 + 0.5).astype(np.uint8)
    picture, file = Image.fromarray(pixels), BytesIO()
    picture.thumbnail((WIDEST, TALLEST), reducing_gap=2.0)
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
