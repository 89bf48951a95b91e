"""Encoding an image for a provider, against Pillow: its default PNG with the same fall-back to JPEG at the same limit,
and its fastest PNG (level 1, runs only).
"""

from __future__ import annotations

import io
import statistics
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from remote_video.media.encode import JPEG_QUALITIES, encode_image
from remote_video.media.fit import ImageLimits

SIZES = ((1024, 1024), (1920, 1080), (4096, 4096), (7680, 4320))
LIMITS_MB = (None, 4.7)


def picture(kind: str, width: int, height: int) -> np.ndarray:
    """uint8 [H,W,3]: "photo" (soft shapes with grain), "noise" or "flat"."""
    rng = np.random.default_rng(0)
    if kind == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "flat":
        return np.full((height, width, 3), (40, 90, 160), np.uint8)
    shapes = rng.integers(0, 256, (height // 48 + 2, width // 48 + 2, 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(shapes).resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    return np.clip(soft + rng.integers(-4, 5, (height, width, 1), dtype=np.int16), 0, 255).astype(np.uint8)


def pillow_default(pixels: np.ndarray, limit: int | None) -> int:
    """The plain way: Pillow's default PNG, then JPEGs of falling quality, then smaller ones; bytes of the result."""
    image = Image.fromarray(pixels)
    size = _saved(image, "PNG")
    while limit is not None and size > limit:
        for quality in JPEG_QUALITIES:
            size = _saved(image, "JPEG", quality=quality, subsampling=0)
            if size <= limit:
                return size
        image = image.resize((image.width * 17 // 20, image.height * 17 // 20), Image.Resampling.LANCZOS)
    return size


def pillow_fastest(pixels: np.ndarray) -> int:
    """Pillow's PNG at the level and with the strategy that take it the least time; bytes of the result."""
    return _saved(Image.fromarray(pixels), "PNG", compress_level=1, compress_type=zlib.Z_RLE)


def _saved(image: Image.Image, kind: str, **options: Any) -> int:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return len(file.getvalue())


def _median_s(work: Callable[[], Any], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row for each picture, size and limit; seconds are medians, the ratio is within this run."""
    table = []
    for width, height in SIZES[:2] if quick else SIZES:
        runs = 3 if width * height > 4e6 else 7
        for kind in ("photo", "noise", "flat"):
            pixels = picture(kind, width, height)
            for limit_mb in LIMITS_MB:
                limit = None if limit_mb is None else int(limit_mb * 1e6)
                limits = ImageLimits(max_bytes=limit)
                encoded = encode_image(pixels, limits)
                ours_s = _median_s(lambda p=pixels, most=limits: encode_image(p, most), runs)
                pillow_s = _median_s(lambda p=pixels, most=limit: pillow_default(p, most), min(runs, 3))
                fastest_s = _median_s(lambda p=pixels: pillow_fastest(p), runs) if limit is None else None
                with Image.open(io.BytesIO(encoded.data)) as sent:
                    kind_sent, size_sent = str(sent.format).lower(), sent.size
                table.append(
                    {
                        "picture": kind,
                        "size": f"{width}x{height}",
                        "limit_mb": limit_mb or "-",
                        "sent": f"{kind_sent} {size_sent[0]}x{size_sent[1]}",
                        "mb": round(len(encoded.data) / 1e6, 2),
                        "ours_ms": round(ours_s * 1e3, 1),
                        "pillow_ms": round(pillow_s * 1e3, 1),
                        "pillow_fastest_ms": "-" if fastest_s is None else round(fastest_s * 1e3, 1),
                        "times_faster": round(pillow_s / ours_s, 1),
                    }
                )
    return table


if __name__ == "__main__":
    for row in rows():
        print(row)
