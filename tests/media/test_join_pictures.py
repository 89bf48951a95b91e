"""The pictures of a film: bit by bit where packets are copied, the right colours and shape where they are encoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.media.measured import Part

from .clips import moving_picture, tone, write_clip
from .flashes import frames, joined

WIDTH, HEIGHT, COUNT = 64, 48, 12
BFRAMES = {"bf": "3", "g": "6"}


def clip(path: Path, begin: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT), **more) -> Path:
    return write_clip(path, [moving_picture(begin + n, *size) for n in range(COUNT)], size=size, **more)


def plain(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (WIDTH, HEIGHT), **more) -> Path:
    """Of one colour, converted as its tags say."""
    picture = np.full((size[1], size[0], 3), colour, np.uint8)
    return write_clip(path, [picture] * COUNT, size=size, **more)


def tagged(path: Path, colour: tuple[int, int, int], matrix: int, *, full: bool, tag: bool = True) -> Path:
    """Of one colour by this matrix (swscale's number) and range."""
    rgb = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), colour, np.uint8), format="rgb24")
    yuv = rgb.reformat(
        format="yuv420p",
        src_colorspace=5 if matrix == 1 else 1,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
    )
    h273 = {1: 1, 5: 6}[matrix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = stream.codec_context
        if tag:
            context.colorspace, context.color_primaries, context.color_trc = h273, h273, h273
            context.color_range = 2 if full else 1
        for n in range(COUNT):
            frame = av.VideoFrame.from_ndarray(yuv.to_ndarray(), format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def colour_of(path: Path, at: int) -> np.ndarray:
    """The mean of a frame's middle, of 255, by what its file says of its colours."""
    picture = Clip.open(path).frames()[at].numpy() * 255
    height, width = picture.shape[:2]
    return picture[height // 4 : -height // 4, width // 4 : -width // 4].mean((0, 1))


def tags_of(path: Path) -> tuple[int, ...]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        names = ("color_range", "color_primaries", "color_trc", "colorspace")
        return tuple(int(getattr(context, name)) for name in names)


# -- copied ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, BFRAMES], ids=["as usual", "reordered"])
def test_copied_frames_are_the_clips_own_bit_by_bit_and_evenly_spaced(tmp_path, options):
    sound = tone(COUNT / 24, 44100, 2)
    clips = [clip(tmp_path / f"{n}.mp4", 9 * n, options=options, sound=sound, sound_rate=44100) for n in range(3)]
    look = joined(clips, film := tmp_path / "film.mp4")
    assert (look.copies_pictures, look.copies_sound) == (True, True)
    shown = frames(film)
    theirs = [picture for one in clips for _, picture in frames(one)]
    assert [at for at, _ in shown] == pytest.approx([n / 24 for n in range(3 * COUNT)], abs=1e-6)
    assert all(np.array_equal(mine, their) for (_, mine), their in zip(shown, theirs, strict=True))


@pytest.mark.parametrize(
    ("codec", "options"), [("libx265", {"x265-params": "log-level=none"}), ("libsvtav1", {}), ("libvpx-vp9", {})]
)
def test_other_codecs_are_copied_as_well(tmp_path, codec, options):
    clips = [clip(tmp_path / f"{n}.mp4", 9 * n, codec=codec, options=options) for n in range(2)]
    look = joined(clips, film := tmp_path / "film.mp4")
    theirs = [picture for one in clips for _, picture in frames(one)]
    assert look.copies_pictures
    assert all(np.array_equal(mine, their) for (_, mine), their in zip(frames(film), theirs, strict=True))


@pytest.mark.parametrize(
    ("other", "wish", "why"),
    [
        ({"size": (66, 48)}, {}, "clip 2 has 66x48 px"),
        ({"rate": 30}, {}, "clip 2 has 30 frames a second"),
        ({"options": {"profile": "baseline"}}, {}, "clip 2 was encoded in another way than clip 1"),
        ({}, {"transition_s": 0.1}, "they fade into each other"),
        ({}, {"size": "own", "width": 32, "height": 24}, "clip 1 has 64x48 px"),
        ({}, {"fps": 30.0}, "clip 1 has 24 frames a second"),
    ],
)
def test_what_keeps_packets_from_being_copied_is_said(tmp_path, other, wish, why):
    clips = [clip(tmp_path / "0.mp4"), clip(tmp_path / "1.mp4", 9, **other)]
    look = joined(clips, tmp_path / "film.mp4", **wish)
    assert (look.copies_pictures, look.why_encoded) == (False, why)


# -- encoded -----------------------------------------------------------------------------------------------------------


def test_a_faded_film_keeps_what_lies_between_and_mixes_evenly(tmp_path):
    dark, light = (plain(tmp_path / f"{level}.mp4", (level,) * 3) for level in (40, 200))
    joined([dark, light], film := tmp_path / "film.mp4", transition_s=0.25)
    levels = [colour_of(film, n).mean() for n in range(2 * COUNT - 6)]
    assert levels[:6] == pytest.approx([40] * 6, abs=1.5)
    assert levels[-6:] == pytest.approx([200] * 6, abs=1.5)
    assert levels[6:12] == pytest.approx([40 + 160 * n / 7 for n in range(1, 7)], abs=2)


RED, TEAL = (200, 40, 40), (30, 140, 150)


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full range"])
@pytest.mark.parametrize("matrix", [1, 5], ids=["bt709", "bt601"])
def test_the_first_clips_tags_stay_and_the_others_colours_are_converted(tmp_path, matrix, full):
    first = tagged(tmp_path / "0.mp4", RED, matrix, full=full)
    second = tagged(tmp_path / "1.mp4", TEAL, 6 - matrix, full=not full)
    third = tagged(tmp_path / "2.mp4", TEAL, matrix, full=not full)
    joined([first, second, third], film := tmp_path / "film.mp4")
    assert tags_of(film) == tags_of(first)
    assert colour_of(film, 3) == pytest.approx(RED, abs=2)
    assert colour_of(film, COUNT + 3) == pytest.approx(TEAL, abs=2)
    assert colour_of(film, 2 * COUNT + 3) == pytest.approx(TEAL, abs=2)


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full range"])
def test_another_size_changes_no_colour(tmp_path, full):
    first = tagged(tmp_path / "0.mp4", RED, 1, full=full)
    joined([first, first], film := tmp_path / "film.mp4", size="own", width=100, height=80, fit="pad")
    assert colour_of(film, 3) == pytest.approx(RED, abs=2)
    assert Clip.open(film).frames(1)[0, 0, 50].numpy() * 255 == pytest.approx([0, 0, 0], abs=2)


def test_what_a_clip_doesnt_say_of_its_colours_is_said_when_the_new_size_would_mean_another_matrix(tmp_path):
    small = tagged(tmp_path / "0.mp4", RED, 5, full=False, tag=False)
    joined([small, small], film := tmp_path / "film.mp4", size="own", width=1280, height=720)
    assert colour_of(film, 3) == pytest.approx(RED, abs=2)
    assert tags_of(film)[3] == 6
    joined([small, small], film, transition_s=0.1)
    assert tags_of(film) == tags_of(small)


def halves(size: tuple[int, int]) -> np.ndarray:
    """Red on the left, blue on the right."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[:, : size[0] // 2], picture[:, size[0] // 2 :] = (220, 20, 20), (20, 20, 220)
    return picture


def is_red(pixel) -> bool:
    return bool(pixel[0] > 0.5 > pixel[2])


def test_fit_cuts_or_pads_in_the_middle(tmp_path):
    first = plain(tmp_path / "0.mp4", RED)
    wide = write_clip(tmp_path / "1.mp4", [halves((96, 32))] * COUNT, size=(96, 32))
    for fit, top in (("crop", 0.3), ("pad", 0.0)):
        joined([first, wide], film := tmp_path / f"{fit}.mp4", fit=fit)
        picture = Clip.open(film).frames()[COUNT + 2].numpy()
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert picture[1].max() == pytest.approx(top, abs=0.1) if fit == "pad" else picture[1].max() > 0.5
        assert is_red(picture[24, 16])
        assert not is_red(picture[24, 48])


def test_a_turned_clip_is_turned_and_the_largest_size_is_taken(tmp_path, turned_clip):
    small = plain(tmp_path / "0.mp4", RED, (40, 50))
    look = joined([small, turned_clip], film := tmp_path / "film.mp4", size="largest")
    picture = Clip.open(turned_clip).frames(1)[0].numpy()
    assert (look.width, look.height) == (picture.shape[1], picture.shape[0]) == (48, 64)
    mine = Clip.open(film).frames()[COUNT + 1].numpy()
    assert np.abs(mine - picture).mean() < 0.03


@pytest.fixture
def turned_clip(tmp_path) -> Path:
    """Stored lying, shown standing: a quarter turn in its track's matrix."""
    path = write_clip(tmp_path / "turned.mp4", [halves((64, 48))] * COUNT)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    for place, number in enumerate([0, 65536, 0, -65536, 0, 0]):
        data[at + 4 * place : at + 4 * place + 4] = (number & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def test_wide_pixels_are_shown_wide(tmp_path):
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for n in range(COUNT):
            frame = av.VideoFrame.from_ndarray(halves((32, 48)), format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    look = joined([path, path], film := tmp_path / "film.mp4")
    assert (look.width, look.height, look.copies_pictures) == (64, 48, False)
    picture = Clip.open(film).frames(1)[0].numpy()
    assert (is_red(picture[24, 20]), is_red(picture[24, 44])) == (True, False)


def test_odd_sizes_lose_a_line_and_are_not_blurred(tmp_path):
    stripes = np.zeros((49, 65, 3), np.uint8)
    stripes[:, ::2] = 255
    odd = write_clip(tmp_path / "odd.mp4", [stripes] * COUNT, size=(65, 49), pix_fmt="yuv444p", options={"crf": "5"})
    look = joined([odd, odd], film := tmp_path / "film.mp4")
    assert (look.width, look.height) == (64, 48)
    columns = Clip.open(film).frames(1)[0, :, :, 1].numpy().mean(0)
    assert columns[::2].min() > 0.9
    assert columns[1::2].max() < 0.1


def test_an_uneven_rate_becomes_even_and_keeps_its_time(tmp_path):
    stamps = [0, 1, 2, 5, 6, 7, 11, 12, 13, 14, 18, 23]
    uneven = write_clip(
        tmp_path / "vfr.mp4", [np.full((48, 64, 3), 20 * n, np.uint8) for n in range(COUNT)], rate=24, pts=stamps
    )
    even = plain(tmp_path / "even.mp4", RED)
    look = joined([even, uneven], film := tmp_path / "film.mp4")
    assert not look.copies_pictures
    shown = frames(film)
    assert [at for at, _ in shown] == pytest.approx([n / 24 for n in range(len(shown))], abs=1e-4)
    assert len(shown) == COUNT + 24
    levels = [colour_of(film, COUNT + n).mean() for n in range(24)]
    held = [max(number for number, at in enumerate(stamps) if at <= n) for n in range(24)]
    assert levels == pytest.approx([20 * number for number in held], abs=4)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("live.mkv", {"container_options": {"live": "1"}, "format": "matroska"}),
        ("fragments.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
        ("stream.ts", {"format": "mpegts"}),
        ("old.avi", {"codec": "mpeg4", "format": "avi"}),
        ("web.webm", {"codec": "libvpx-vp9"}),
        ("av1.mp4", {"codec": "libsvtav1"}),
        ("ten_bits.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}}),
        ("lossless.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}),
    ],
)
def test_every_kind_of_file_is_joined_with_an_mp4(tmp_path, name, more):
    other = clip(tmp_path / name, 3, **more)
    first = clip(tmp_path / "first.mp4")
    joined([first, other, first], film := tmp_path / "film.mp4")
    assert len(frames(film)) == pytest.approx(3 * COUNT, abs=1)
    theirs = Clip.open(other).frames(COUNT)[4].numpy()
    assert np.abs(Clip.open(film).frames()[COUNT + 4].numpy() - theirs).mean() < 0.03


def test_a_stretch_of_a_clip_is_cut_to_the_frame(tmp_path):
    source = write_clip(tmp_path / "0.mp4", [np.full((48, 64, 3), 20 * n, np.uint8) for n in range(COUNT)])
    part = Part(source, begin_s=3 / 24, length_s=5 / 24)
    joined([part, part], film := tmp_path / "film.mp4")
    levels = [colour_of(film, n).mean() for n in range(10)]
    assert levels == pytest.approx([60, 80, 100, 120, 140] * 2, abs=3)
    assert len(frames(film)) == 10
