from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.fit import Bound, FitMode, ImageLimits, Size, pixels_of, plan

DREAMINA = ImageLimits(
    width=Bound(gt=320, le=4096), height=Bound(gt=320, le=4096), ratio=Bound(gt=0.33, lt=3), max_bytes=4_699_999
)


class Fitted(NamedTuple):
    pixels: np.ndarray
    notices: tuple[str, ...]


def fit(pixels: np.ndarray, limits: ImageLimits, mode: FitMode, canvas: Size | None = None, name: str = "image"):
    made = plan((pixels.shape[1], pixels.shape[0]), limits, mode, canvas, name)
    return Fitted(made.applied(pixels), made.notices)


def photo(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_every_8_bit_value_survives_the_tensor(dtype):
    values = torch.arange(256, dtype=torch.float32) / 255
    image = values.reshape(1, 16, 16, 1).expand(-1, -1, -1, 3).to(dtype)
    assert np.array_equal(pixels_of(image)[..., 0].ravel(), np.arange(256))


def test_values_are_rounded_and_clipped():
    image = torch.tensor([-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 1.0, 7.0]).reshape(1, 1, 7, 1)
    assert pixels_of(image)[0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 255]


def test_bfloat16_is_within_half_a_step_of_what_it_holds():
    image = torch.rand(1, 8, 8, 3).to(torch.bfloat16)
    assert np.abs(pixels_of(image) - image[0].float().numpy() * 255).max() <= 0.501


def test_alpha_is_flattened_over_white():
    image = torch.zeros(1, 1, 3, 4)
    image[0, 0, :, 3] = torch.tensor([0.0, 0.5, 1.0])
    assert pixels_of(image)[0, :, 0].tolist() == [255, 128, 0]


def test_grey_becomes_rgb_and_a_view_is_taken_as_it_looks():
    image = torch.rand(1, 6, 4, 1).transpose(1, 2)
    assert pixels_of(image).shape == (4, 6, 3)
    wide = torch.rand(1, 8, 8, 3)[:, ::2, ::2].flip(1)
    assert np.array_equal(pixels_of(wide), pixels_of(wide.contiguous()))


def test_the_tensor_that_came_in_is_not_changed():
    image = torch.rand(1, 4, 4, 3)
    before = image.clone()
    pixels_of(image)
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.full((1, 2, 2, 3), float("nan")), "NaN"),
        (torch.tensor([float("inf")]).expand(1, 2, 2, 3), "infinite"),
        (torch.zeros(3, 2, 2, 3), "3 images"),
        (torch.zeros(0, 2, 2, 3), "none of them 0"),
        (torch.zeros(1, 0, 2, 3), "none of them 0"),
        (torch.zeros(1, 2, 2, 2), "2 channels"),
        (torch.zeros(2, 2), "shape"),
        (torch.zeros(1, 2, 2, 3, dtype=torch.uint8), "floats"),
        ("a string", "IMAGE"),
    ],
)
def test_what_is_no_image_is_refused_by_name(image, words):
    with pytest.raises(InputRefused, match=f"frontal_image.*{words}"):
        pixels_of(image, "frontal_image")


def test_a_batch_names_the_way_on():
    with pytest.raises(InputRefused) as refused:
        pixels_of(torch.zeros(2, 4, 4, 3))
    assert "list" in refused.value.next_step


def test_auto_leaves_alone_what_the_model_accepts():
    pixels = photo(640, 480)
    fitted = fit(pixels, DREAMINA, "auto")
    assert fitted.pixels is pixels and fitted.notices == ()


@pytest.mark.parametrize(
    ("size", "expected", "words"),
    [
        ((8192, 4096), (4096, 2048), "scaled down"),
        ((320, 400), (321, 402), "scaled up"),
        ((900, 400), (900, 400), None),
        ((3000, 1000), (2999, 1000), "cropped"),
        ((400, 2000), (400, 1212), "cropped"),
    ],
)
def test_auto_changes_only_what_the_model_would_refuse_and_says_it(size, expected, words):
    fitted = fit(photo(*size), DREAMINA, "auto", name="image")
    assert fitted.pixels.shape[1::-1] == expected
    assert len(fitted.notices) == (0 if words is None else 1)
    if words:
        assert words in fitted.notices[0] and fitted.notices[0].startswith("image: ")


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_auto_always_ends_within_the_limits(width, height):
    fitted = fit(np.zeros((height, width, 3), np.uint8), DREAMINA, "auto")
    height, width = fitted.pixels.shape[:2]
    assert DREAMINA.width.holds(width) and DREAMINA.height.holds(height) and DREAMINA.ratio.holds(width / height)


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((2, 1), ImageLimits(ratio=Bound(lt=2)), (1, 1)),
        ((1, 2), ImageLimits(ratio=Bound(gt=0.5)), (1, 1)),
        ((1000, 1), ImageLimits(width=Bound(le=10)), (10, 1)),
        ((1, 1000), ImageLimits(height=Bound(lt=10)), (1, 9)),
        ((1, 1), ImageLimits(width=Bound(ge=2.5)), (3, 3)),
        ((3, 1), ImageLimits(ratio=Bound(le=2.5)), (2, 1)),
        ((1, 3), ImageLimits(ratio=Bound(ge=0.4)), (1, 2)),
    ],
)
def test_auto_leaves_as_much_of_the_smallest_picture_as_the_limits_take(size, limits, expected):
    assert fit(photo(*size), limits, "auto").pixels.shape[1::-1] == expected


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (ImageLimits(), ""),
        (ImageLimits(max_bytes=4_700_000), ""),
        (DREAMINA, "Each side > 320 and <= 4096 px, width / height > 0.33 and < 3, file up to 4.7 MB."),
        (ImageLimits(width=Bound(ge=300), height=Bound(lt=20)), "Width >= 300 px, height < 20 px."),
        (ImageLimits(ratio=Bound(le=2.5), max_bytes=10**7), "Width / height <= 2.5, file up to 10 MB."),
        (ImageLimits(height=Bound(ge=300)), "Height >= 300 px."),
    ],
)
def test_the_limits_are_a_sentence(limits, sentence):
    assert limits.sentence == sentence


def test_auto_refuses_what_no_size_can_satisfy():
    limits = ImageLimits(width=Bound(ge=300), height=Bound(le=400))
    with pytest.raises(InputRefused, match="can't be made to fit"):
        fit(photo(10, 4000), limits, "auto")


def test_crop_and_pad_fill_the_canvas_exactly():
    pixels = np.full((600, 600, 3), 200, np.uint8)
    cropped = fit(pixels, DREAMINA, "crop", (1280, 768))
    assert cropped.pixels.shape == (768, 1280, 3) and (cropped.pixels == 200).all()
    padded = fit(pixels, DREAMINA, "pad", (1280, 768))
    assert padded.pixels.shape == (768, 1280, 3)
    assert (padded.pixels[:, 256:1024] == 200).all()
    assert not padded.pixels[:, :256].any() and not padded.pixels[:, 1024:].any()
    assert cropped.notices and padded.notices


def test_crop_keeps_the_centre():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    assert (fit(pixels, ImageLimits(), "crop", (100, 100)).pixels == 255).all()


def test_without_a_canvas_crop_is_auto():
    assert fit(photo(3000, 1000), DREAMINA, "crop").pixels.shape == (1000, 2999, 3)


def test_strict_says_value_limit_and_way():
    with pytest.raises(InputRefused) as refused:
        fit(photo(300, 400), DREAMINA, "strict", name="last_image")
    assert "last_image" in str(refused.value) and "300 px" in str(refused.value)
    assert "> 320 and <= 4096" in str(refused.value) and "`fit`" in refused.value.next_step
    pixels = photo(640, 480)
    assert fit(pixels, DREAMINA, "strict").pixels is pixels


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(8, 900),
    height=st.integers(8, 900),
    mode=st.sampled_from(["auto", "crop", "pad"]),
    canvas=st.sampled_from([None, (1280, 720), (720, 1280), (96, 96)]),
)
def test_what_a_plan_keeps_is_what_the_picture_shows(width, height, mode, canvas):
    """Of a picture whose red is how far from the left and whose green how far from the top each pixel is."""
    across, down = (np.arange(n) + 0.5 for n in (width, height))
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = across / width * 255, (down / height * 255)[:, None]
    pixels[..., 2] = 255
    limits = ImageLimits(width=Bound(ge=64, le=600), height=Bound(ge=64, le=600), ratio=Bound(gt=0.5, lt=2))
    made = plan((width, height), limits, mode, canvas)
    shown = made.applied(pixels)
    assert shown.shape[1::-1] == made.target
    picture = shown[:, shown[..., 2].max(axis=0) > 128][shown[..., 2].max(axis=1) > 128]
    assert made.inner is None or picture.shape[1::-1] == made.inner
    corners = np.concatenate([picture[0, 0, :2], picture[-1, -1, :2]]) / 255
    a_pixel = 3 / min(width, height, *picture.shape[:2]) + 0.02
    assert np.abs(corners - made.kept).max() <= a_pixel
