from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.encode import encode_image
from remote_video_pack.remote_video.media.fit import Bound, ImageLimits, pixels_of


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
    assert (encoded.mime, encoded.notices) == ("image/png", ())
    assert np.array_equal(np.asarray(opened(encoded)), pixels)


def test_over_the_limit_it_becomes_a_jpeg_with_full_colour_resolution():
    encoded = encode_image(noise(300, 200), ImageLimits(max_bytes=120_000))
    image = opened(encoded)
    assert encoded.mime == "image/jpeg" and image.size == (300, 200)
    assert len(encoded.data) <= 120_000
    assert all(sampling == (1, 1) for _, *sampling_, _ in image.layer for sampling in [tuple(sampling_)])
    assert "JPEG" in encoded.notices[0]


@pytest.mark.parametrize("quality", [95, 75])
def test_a_jpeg_of_just_as_many_bytes_as_are_allowed_is_sent_and_one_byte_more_is_not(quality):
    pixels, file = noise(300, 200), io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    most = len(file.getvalue())
    assert encode_image(pixels, ImageLimits(max_bytes=most)).data == file.getvalue()
    less = encode_image(pixels, ImageLimits(max_bytes=most - 1))
    assert len(less.data) < most and (opened(less).size == (300, 200)) == (quality == 95)


def test_then_it_becomes_smaller_and_says_so():
    encoded = encode_image(noise(300, 200), ImageLimits(max_bytes=8_000))
    assert len(encoded.data) <= 8_000
    width, height = opened(encoded).size
    assert width < 300 and height < 200
    assert f"{width}x{height}" in encoded.notices[0] and "300x200" in encoded.notices[0]
    assert encoded.notices[0].endswith("the model accepts up to 0.008 MB.")


def test_it_never_becomes_smaller_than_the_model_accepts():
    limits = ImageLimits(max_bytes=2_000, width=Bound(gt=250), height=Bound(gt=100))
    with pytest.raises(InputRefused, match="2000 bytes"):
        encode_image(noise(300, 200), limits)


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "high"])
def test_it_keeps_within_the_models_ratio_however_much_smaller_it_becomes(turned):
    """At the edge of the ratio a pixel more on one side than on the other is one too many."""
    pixels = noise(100, 299) if turned else noise(299, 100)
    limits = ImageLimits(ratio=Bound(gt=1 / 3) if turned else Bound(lt=3))
    for max_bytes in range(1_500, 11_000, 500):
        encoded = encode_image(pixels, replace(limits, max_bytes=max_bytes))
        width, height = opened(encoded).size
        assert width * height < 29_900 and limits.ratio.holds(width / height)


def test_a_model_without_png_gets_jpeg():
    encoded = encode_image(noise(32, 32), ImageLimits(mimes=("image/jpeg",)))
    assert encoded.mime == "image/jpeg" and encoded.notices == ()


def photo(width: int, height: int) -> np.ndarray:
    shapes = np.random.default_rng(2).integers(0, 256, (height // 40 + 2, width // 40 + 2, 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(shapes).resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    return np.clip(soft + np.random.default_rng(3).integers(-4, 5, soft.shape, np.int16), 0, 255).astype(np.uint8)


KINDS = {"photo": photo, "noise": noise, "flat": lambda width, height: np.full((height, width, 3), 90, np.uint8)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (129, 127), (1000, 700)])
def test_png_is_lossless_whatever_the_picture(kind, size):
    pixels = KINDS[kind](*size)
    encoded = encode_image(pixels, ImageLimits())
    assert encoded.mime == "image/png" and np.array_equal(np.asarray(opened(encoded)), pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(4096, 4096), (7680, 4320)])
def test_large_pictures_stay_within_the_limit(kind, size):
    encoded = encode_image(KINDS[kind](*size), ImageLimits(max_bytes=4_699_999))
    assert len(encoded.data) <= 4_699_999
    if kind != "noise":
        assert opened(encoded).size == size


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    max_bytes=st.integers(100, 400_000),
)
def test_never_over_the_limit(kind, width, height, max_bytes):
    limits = ImageLimits(max_bytes=max_bytes, width=Bound(gt=20), height=Bound(gt=20), ratio=Bound(gt=0.33, lt=3))
    pixels = KINDS[kind](width, height)
    try:
        encoded = encode_image(pixels, limits)
    except InputRefused:
        fits_otherwise = all(b.holds(size) for b, size in ((limits.width, width), (limits.height, height)))
        assert max_bytes < 5_000 or not (fits_otherwise and limits.ratio.holds(width / height))
        return
    assert len(encoded.data) <= max_bytes
    size = opened(encoded).size
    if size != (width, height):
        assert encoded.notices and limits.width.holds(size[0]) and limits.height.holds(size[1])
        if limits.ratio.holds(width / height):
            assert limits.ratio.holds(size[0] / size[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_from_tensor_to_file_and_back(dtype, channels):
    image = torch.rand(1, 40, 30, channels, generator=torch.Generator().manual_seed(0)).to(dtype)
    pixels = pixels_of(image)
    assert np.array_equal(np.asarray(opened(encode_image(pixels, ImageLimits()))), pixels)


def test_a_model_without_jpeg_is_told():
    with pytest.raises(InputRefused, match="accepts no JPEG"):
        encode_image(noise(64, 64), ImageLimits(mimes=("image/png",), max_bytes=1000))


# -- nothing may be changed --------------------------------------------------------------------------------------------


def test_lossless_is_a_png_or_an_error_with_both_sizes():
    pixels = photo(640, 480)
    fast = len(encode_image(pixels, ImageLimits()).data)
    with pytest.raises(InputRefused) as refused:
        encode_image(pixels, ImageLimits(max_bytes=fast // 2), lossless=True)
    assert "PNG of 640x480 px" in refused.value.what and f"at most {fast // 2:,}" in refused.value.what
    assert "`fit`" in refused.value.next_step


def test_lossless_takes_its_time_before_it_refuses():
    pixels = photo(640, 480)
    limits = ImageLimits(max_bytes=len(encode_image(pixels, ImageLimits()).data) - 1)
    encoded = encode_image(pixels, limits, lossless=True)
    assert (encoded.mime, encoded.notices) == ("image/png", ()) and len(encoded.data) <= limits.max_bytes
    assert np.array_equal(np.asarray(opened(encoded)), pixels)


# -- no more is given up than has to be --------------------------------------------------------------------------------


def framed(border: int, inside, outside) -> np.ndarray:
    pixels = outside(1600, 1200).copy()
    pixels[border:-border, border:-border] = inside(1600 - 2 * border, 1200 - 2 * border)
    return pixels


@pytest.mark.parametrize("border", [24, 64, 300])
@pytest.mark.parametrize(("inside", "outside"), [("photo", "noise"), ("noise", "flat"), ("flat", "noise")])
@pytest.mark.parametrize("quality", [92, 82])
def test_the_best_quality_that_fits_is_sent_in_full_size_however_uneven_the_picture(border, inside, outside, quality):
    pixels = framed(border, KINDS[inside], KINDS[outside])
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    encoded = encode_image(pixels, ImageLimits(max_bytes=len(file.getvalue())))
    if encoded.mime == "image/jpeg":
        assert encoded.data == file.getvalue()
        assert f"quality {quality}" in encoded.notices[0]
    else:
        assert inside == "flat"
