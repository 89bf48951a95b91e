"""Colours are the ones the standard's matrix gives: neither darker nor lighter in the mean, alone or in a chain."""

from __future__ import annotations

import av
import numpy as np
import pytest
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, write_clip

SIZE = (128, 96)
WEIGHTS = {"smpte170m": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
"""Red's and blue's share of luma (ITU-R BT.601, BT.709)."""
RANGES = {"tv": (16, 219, 224), "pc": (0, 255, 255)}
"""Black, and the width of luma and of chroma."""
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def grain(index: int) -> np.ndarray:
    """Any luma beside any chroma, at random, as yuv420p: [H*3/2, W]."""
    width, height = SIZE
    return np.random.default_rng(index).integers(16, 236, (height * 3 // 2, width), dtype=np.uint8)


def smooth(index: int) -> np.ndarray:
    return to_yuv(moving_picture(index, *SIZE), "bt709", "tv")


def to_yuv(rgb: np.ndarray, matrix: str, color_range: str) -> np.ndarray:
    """RGB as yuv420p by the textbook, chroma between lines, above every other pixel."""
    (kr, kb), (black, luma, chroma) = WEIGHTS[matrix], RANGES[color_range]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    halves = [_halved(plane) for plane in (b - y, r - y)]
    u, v = (half / 2 / (1 - k) * chroma + 128 for half, k in zip(halves, (kb, kr), strict=True))
    return np.concatenate([np.rint(part).reshape(-1, rgb.shape[1]) for part in (black + luma * y, u, v)]).astype(
        np.uint8
    )


def _halved(plane: np.ndarray) -> np.ndarray:
    lines = plane.reshape(plane.shape[0] // 2, 2, -1).mean(1)
    left, right = np.roll(lines, 1, 1), np.roll(lines, -1, 1)
    left[:, 0], right[:, -1] = lines[:, 0], lines[:, -1]
    return (left / 4 + lines / 2 + right / 4)[:, ::2]


def exact_rgb(yuv: np.ndarray, matrix: str, color_range: str) -> np.ndarray:
    """yuv420p as RGB by the textbook in float64, 0..255, chroma interpolated."""
    (kr, kb), (black, luma, chroma) = WEIGHTS[matrix], RANGES[color_range]
    height, width = yuv.shape[0] * 2 // 3, yuv.shape[1]
    y = (yuv[:height] - float(black)) / luma
    halves = yuv[height:].astype(float).reshape(2, height // 2, width // 2)
    u, v = (_interpolated(_interpolated(half, 0, 0.5), 1, 0.0) for half in (halves - 128) / chroma)
    r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    return np.clip(np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], -1), 0, 1) * 255


def _interpolated(half: np.ndarray, axis: int, offset: float) -> np.ndarray:
    places = np.arange(half.shape[axis])
    wanted = (np.arange(2 * len(places)) - offset) / 2
    return np.apply_along_axis(lambda line: np.interp(wanted, places, line), axis, half)


def clip_of(path, pictures, matrix, color_range) -> Clip:
    frames = [av.VideoFrame.from_ndarray(picture, format="yuv420p") for picture in pictures]
    options = {"colorspace": matrix, "color_range": color_range, **LOSSLESS}
    return Clip.open(write_clip(path, frames, size=SIZE, options=options))


@pytest.mark.parametrize("picture", [grain, smooth])
@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("color_range", RANGES)
def test_no_channel_is_darker_than_the_clip_in_the_mean(tmp_path, picture, matrix, color_range):
    pictures = [picture(i) for i in range(4)]
    clip = clip_of(tmp_path / "clip.mp4", pictures, matrix, color_range)
    exact = np.stack([exact_rgb(yuv, matrix, color_range) for yuv in pictures])
    for got, right in ((clip.frames(), exact), (clip.last_frame(), exact[-1:])):
        assert np.abs((got.numpy() * 255 - right).mean((0, 1, 2))).max() <= 0.1


def test_no_pixel_is_off_by_more_than_its_rounding(tmp_path):
    pictures = [smooth(i) for i in range(2)]
    got = clip_of(tmp_path / "clip.mp4", pictures, "bt709", "tv").frames().numpy() * 255
    assert np.abs(got - np.stack([exact_rgb(yuv, "bt709", "tv") for yuv in pictures])).max() < 0.75


def test_a_chain_of_last_frames_does_not_drift(tmp_path):
    first = picture = moving_picture(0, *SIZE)
    for link in range(8):
        clip = clip_of(tmp_path / f"{link}.mp4", [to_yuv(picture, "bt709", "tv")], "bt709", "tv")
        picture = np.rint(clip.last_frame()[0].numpy() * 255).astype(np.uint8)
    assert np.abs((picture.astype(float) - first).mean((0, 1))).max() <= 0.2
