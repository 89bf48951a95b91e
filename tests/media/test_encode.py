from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.encode import encode_image
from remote_video_pack.remote_video.media.fit import Bound, ImageLimits


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def opened(encoded) -> Image.Image:
    image = Image.open(io.BytesIO(encoded.data))
    image.load()
    return image


def test_png_gives_every_value_back():
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    pixels = np.concatenate([pixels, 255 - pixels, noise(16, 16)])
    encoded = encode_image(pixels, ImageLimits())
    assert (encoded.mime, encoded.suffix, encoded.notices) == ("image/png", ".png", ())
    assert np.array_equal(np.asarray(opened(encoded)), pixels)
    assert (encoded.width, encoded.height) == (16, 48)


def test_over_the_limit_it_becomes_a_jpeg_with_full_colour_resolution():
    encoded = encode_image(noise(300, 200), ImageLimits(max_bytes=120_000))
    image = opened(encoded)
    assert encoded.mime == "image/jpeg" and encoded.suffix == ".jpg" and image.size == (300, 200)
    assert len(encoded.data) <= 120_000
    assert all(sampling == (1, 1) for _, *sampling_, _ in image.layer for sampling in [tuple(sampling_)])
    assert "JPEG" in encoded.notices[0]


def test_then_it_becomes_smaller_and_says_so():
    encoded = encode_image(noise(300, 200), ImageLimits(max_bytes=8_000))
    assert len(encoded.data) <= 8_000
    assert opened(encoded).size == (encoded.width, encoded.height) != (300, 200)
    assert f"{encoded.width}x{encoded.height}" in encoded.notices[0] and "300x200" in encoded.notices[0]


def test_it_never_becomes_smaller_than_the_model_accepts():
    limits = ImageLimits(max_bytes=2_000, width=Bound(gt=250), height=Bound(gt=100))
    with pytest.raises(InputRefused, match="2000 bytes"):
        encode_image(noise(300, 200), limits)


def test_a_model_without_png_gets_jpeg():
    encoded = encode_image(noise(32, 32), ImageLimits(mimes=("image/jpeg",)))
    assert encoded.mime == "image/jpeg" and encoded.notices == ()
