"""Frames are right whatever the file is: codec, depth, range, matrix, size, rotation, timing, header."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.video.reformatter import VideoReformatter
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, write_clip

BT601, BT709, BT2020 = 5, 1, 9
LIMITED, FULL = 1, 2
WEIGHTS = {BT601: (0.299, 0.114), BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}
BARS = [(180, 180, 180), (16, 180, 180), (180, 16, 180), (180, 16, 16), (16, 16, 180), (16, 16, 16), (235, 235, 235)]
PRIMARIES_AND_GREYS = [(255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
SKIN_SKY_LEAVES = [(224, 172, 105), (141, 85, 36), (70, 130, 180), (34, 139, 34), (250, 200, 40)]
COLOURS = np.array([*BARS, *PRIMARIES_AND_GREYS, *SKIN_SKY_LEAVES])
EXACT_FLAGS = 0x2 | 0x40000 | 0x2000
"""SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT"""


def flat_frame(colour, size, pix_fmt="yuv420p", matrix=BT709, color_range=LIMITED) -> av.VideoFrame:
    """One RGB colour as a YCbCr frame, by the textbook formula."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = (c / 255 for c in colour)
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / 2 / (1 - kb), (r - y) / 2 / (1 - kr)
    bits = 10 if "10" in pix_fmt else 8
    step, top = 1 << (bits - 8), (1 << bits) - 1
    if color_range == FULL:
        values = (y * top, u * top + 128 * step, v * top + 128 * step)
    else:
        values = tuple(step * x for x in (16 + 219 * y, 128 + 224 * u, 128 + 224 * v))
    frame = av.VideoFrame(*size, pix_fmt)
    for plane, value in zip(frame.planes, values, strict=True):
        dtype = np.dtype(np.uint16 if bits > 8 else np.uint8)
        sample = np.clip(round(value), 0, top).astype(dtype)
        plane.update(np.full(plane.buffer_size // dtype.itemsize, sample).tobytes())
    return frame


def swscale_frames(path: Path, matrix: int, color_range: int) -> np.ndarray:
    """The same file by another way: one thread, a fresh reformatter each frame, all colour parameters spelled out."""
    pictures = []
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            rgb = VideoReformatter().reformat(
                frame,
                format="rgb24",
                interpolation=EXACT_FLAGS,
                src_colorspace=matrix,
                dst_colorspace=7,
                src_color_range=color_range,
                dst_color_range=FULL,
            )
            pictures.append(rgb.to_ndarray())
    return np.stack(pictures).astype(np.float64) / 255


def tagged(path: Path, frames, size, *, matrix=None, color_range=None, **write) -> Path:
    """A clip whose stream says which matrix and range it has."""
    options = dict(write.pop("options", {}))
    names = {BT601: "smpte170m", BT709: "bt709", BT2020: "bt2020nc"}
    if matrix is not None:
        options["colorspace"] = names[matrix]
    if color_range is not None:
        options["color_range"] = {LIMITED: "tv", FULL: "pc"}[color_range]
    return write_clip(path, frames, size=size, options=options, **write)


LOSSLESS = {"qp": "0", "preset": "ultrafast"}
CODECS = [
    ("libx264", "yuv420p", "mp4", LOSSLESS),
    ("libx264", "yuv420p10le", "mp4", LOSSLESS),
    ("libx264", "yuv422p", "mp4", LOSSLESS),
    ("libx264", "yuv444p", "mkv", LOSSLESS),
    ("libx265", "yuv420p", "mp4", {"x265-params": "lossless=1:log-level=none", "preset": "ultrafast"}),
    ("libx265", "yuv420p10le", "mp4", {"x265-params": "lossless=1:log-level=none", "preset": "ultrafast"}),
    ("libvpx-vp9", "yuv420p", "webm", {"lossless": "1", "deadline": "realtime"}),
    ("libsvtav1", "yuv420p", "mp4", {"crf": "1", "preset": "10", "g": "1"}),
    ("libsvtav1", "yuv420p10le", "webm", {"crf": "1", "preset": "10", "g": "1"}),
]
IDS = [f"{codec}-{pix_fmt}-{ending}" for codec, pix_fmt, ending, _ in CODECS]


@pytest.mark.parametrize(("codec", "pix_fmt", "ending", "options"), CODECS, ids=IDS)
def test_frames_are_swscale_s_rgb_over_255(tmp_path, codec, pix_fmt, ending, options):
    pictures = [moving_picture(i, 128, 96) for i in range(12)]
    path = write_clip(
        tmp_path / f"clip.{ending}", pictures, size=(128, 96), codec=codec, pix_fmt=pix_fmt, options=options
    )
    clip = Clip.open(path)
    frames = clip.frames().numpy()
    assert frames.shape == (12, 96, 128, 3) and frames.dtype == np.float32
    assert np.abs(frames - swscale_frames(path, BT601, LIMITED)).max() <= 1e-6
    assert torch.equal(clip.last_frame(), clip.frames()[-1:])


@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
@pytest.mark.parametrize("color_range", [LIMITED, FULL])
@pytest.mark.parametrize(("codec", "pix_fmt", "ending", "options"), CODECS, ids=IDS)
def test_colours_are_the_source_s(tmp_path, codec, pix_fmt, ending, options, color_range, matrix):
    size = (64, 64)
    frames = (flat_frame(colour, size, pix_fmt, matrix, color_range) for colour in COLOURS)
    path = tagged(
        tmp_path / f"c.{ending}",
        frames,
        size,
        matrix=matrix,
        color_range=color_range,
        codec=codec,
        pix_fmt=pix_fmt,
        options=options,
    )
    got = Clip.open(path).frames()[:, 16:48, 16:48].numpy() * 255
    assert np.abs(got - COLOURS[:, None, None, :]).max() <= 2.0


def test_vp9_with_10_bits():
    """PyAV's own VP9 encoder has 8 bits only; this file was made by vpxenc from `COLOURS`, lossless."""
    path = Path(__file__).with_name("vp9_10bit_bt709.webm")
    frames = Clip.open(path).frames().numpy()
    assert np.abs(frames - swscale_frames(path, BT709, LIMITED)).max() <= 1e-6
    assert np.abs(frames * 255 - COLOURS[:, None, None, :]).max() <= 2.0


@pytest.mark.parametrize(
    ("size", "matrix"), [((720, 480), BT601), ((720, 576), BT601), ((1280, 720), BT709), ((720, 1280), BT709)]
)
def test_an_untagged_file_is_read_by_its_size(tmp_path, size, matrix):
    colours = [(200, 60, 30), (30, 60, 200)]
    path = write_clip(
        tmp_path / "untagged.mp4", (flat_frame(c, size, matrix=matrix) for c in colours), size=size, options=LOSSLESS
    )
    got = Clip.open(path).frames()[:, 100, 100].numpy() * 255
    assert np.abs(got - np.array(colours)).max() <= 2.0


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "ending", "size"),
    [
        ("libvpx-vp9", "yuv420p", "webm", (65, 49)),
        ("libvpx-vp9", "yuv420p", "webm", (131, 64)),
        ("libx264", "yuv444p", "mp4", (67, 51)),
        ("libx264", "yuv420p", "mp4", (50, 38)),
        ("libx264", "yuv420p", "mp4", (1366, 26)),
        ("libx265", "yuv420p", "mp4", (130, 70)),
    ],
)
def test_odd_sizes_and_padded_rows(tmp_path, codec, pix_fmt, ending, size):
    width, height = size
    pictures = [moving_picture(i, width, height) for i in range(5)]
    path = write_clip(tmp_path / f"odd.{ending}", pictures, size=size, codec=codec, pix_fmt=pix_fmt)
    frames = Clip.open(path).frames().numpy()
    assert frames.shape == (5, height, width, 3)
    off = np.abs(frames - swscale_frames(path, BT709 if width >= 1280 else BT601, LIMITED))
    # swscale's loops for packed RGB, which are the test's other way, round odd heights a little differently.
    assert off.max() <= (1e-6 if height % 2 == 0 else 1.01 / 255) and off.mean() <= 1e-5


def rotated(path: Path, degrees: int) -> Path:
    """The same file with another display matrix in its track header: shown turned right by `degrees`."""
    a, b = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    return with_matrix(path, a, b, -b, a)


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 4 + (20 if content[content.index(b"tkhd") + 4] == 0 else 32) + 16
    struct.pack_into(">9i", content, matrix, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_rotated_clip_stands_upright(tmp_path, degrees):
    pictures = [moving_picture(i, 96, 64) for i in range(4)]
    plain = write_clip(tmp_path / "plain.mp4", pictures, size=(96, 64))
    stored = Clip.open(plain).frames().numpy()
    clip = Clip.open(rotated(plain, degrees))
    upright = np.rot90(stored, -degrees // 90, axes=(1, 2))
    assert (clip.info.width, clip.info.height) == upright.shape[2:0:-1]
    assert np.array_equal(clip.frames().numpy(), upright)
    assert np.array_equal(clip.last_frame()[0].numpy(), upright[-1])


@pytest.mark.parametrize(
    ("matrix", "displayed"),
    [
        ((-1, 0, 0, 1), lambda stored: stored[:, :, ::-1]),
        ((1, 0, 0, -1), lambda stored: stored[:, ::-1]),
        ((0, 1, 1, 0), lambda stored: stored.swapaxes(1, 2)),
        ((0, -1, -1, 0), lambda stored: stored.swapaxes(1, 2)[:, ::-1, ::-1]),
    ],
)
def test_a_mirrored_clip_is_mirrored(tmp_path, matrix, displayed):
    plain = write_clip(tmp_path / "plain.mp4", [moving_picture(i, 96, 64) for i in range(2)], size=(96, 64))
    right = displayed(Clip.open(plain).frames().numpy())
    clip = Clip.open(with_matrix(plain, *matrix))
    assert np.array_equal(clip.frames().numpy(), right)
    assert np.array_equal(clip.last_frame()[0].numpy(), right[-1])


def grey_steps(count: int) -> list[np.ndarray]:
    """Pictures told apart by their brightness: picture i is about 10 + 6 i."""
    return [np.full((48, 64, 3), 10 + 6 * i, np.uint8) for i in range(count)]


def order_of(frames: torch.Tensor) -> list[int]:
    """Which grey steps the frames are."""
    return [round((float(frame.mean()) * 255 - 9) / 6) for frame in frames]


def test_b_frames_come_in_the_order_they_are_shown(tmp_path):
    options = {"bf": "3", "b-adapt": "0", "preset": "slow", "b-pyramid": "strict", "crf": "1"}
    clip = Clip.open(write_clip(tmp_path / "b.mp4", grey_steps(20), options=options))
    assert order_of(clip.frames()) == list(range(20))
    assert order_of(clip.frames(7)) == list(range(7))
    assert order_of(clip.last_frame()) == [19]


def test_uneven_frame_times_change_nothing(tmp_path):
    pts = [0, 1, 2, 7, 8, 20, 21, 22, 40, 47]
    clip = Clip.open(write_clip(tmp_path / "vfr.mp4", grey_steps(10), pts=pts, options={"crf": "1", "bf": "0"}))
    assert order_of(clip.frames()) == list(range(10))
    assert order_of(clip.last_frame()) == [9]
    assert clip.info.frame_count == 10
    assert clip.info.duration_s == pytest.approx(2.0, abs=0.05)
    assert clip.info.fps == pytest.approx(10 / clip.info.duration_s, rel=0.03)


@pytest.mark.parametrize("cut", [3, 6])
def test_an_edit_list_hides_the_first_frames(tmp_path, cut):
    pts = list(range(-cut, 20 - cut))
    path = write_clip(tmp_path / "edit.mp4", grey_steps(20), pts=pts, options={"crf": "1", "bf": "0"})
    clip = Clip.open(path)
    assert order_of(clip.frames()) == list(range(cut, 20))
    assert order_of(clip.last_frame()) == [19]


@pytest.mark.parametrize(
    ("ending", "container_options"),
    [
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("mp4", {"movflags": "faststart"}),
        ("mp4", {}),
        ("mkv", {}),
        ("ts", {}),
    ],
)
def test_a_header_may_lack_the_frame_count_or_stand_at_the_end(tmp_path, ending, container_options):
    path = tmp_path / f"clip.{ending}"
    write_clip(path, grey_steps(25), options={"g": "10", "crf": "1"}, container_options=container_options)
    clip = Clip.open(path)
    assert clip.info.frame_count == 25
    assert order_of(clip.frames()) == list(range(25))
    assert order_of(clip.frames(4)) == list(range(4))
    assert order_of(clip.last_frame()) == [24]


@pytest.mark.parametrize("claimed", [1, 7, 24, 26, 5000])
def test_a_header_may_count_wrong(tmp_path, claimed):
    path = write_clip(tmp_path / "wrong.avi", grey_steps(25), codec="mpeg4", options={"qmin": "1", "qmax": "1"})
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"strh") + 8 + 32, claimed)
    path.write_bytes(content)
    clip = Clip.open(path)
    frames = clip.frames()
    assert order_of(frames) == list(range(25))
    assert frames.untyped_storage().nbytes() == frames.nelement() * 4
    assert order_of(clip.frames(9)) == list(range(9))


def test_a_clip_of_one_frame(tmp_path):
    clip = Clip.open(write_clip(tmp_path / "one.mp4", grey_steps(1)))
    assert clip.frames().shape == (1, 48, 64, 3)
    assert torch.equal(clip.frames(), clip.last_frame())
    assert clip.info.frame_count == 1 and clip.info.fps > 0 and clip.info.duration_s > 0
