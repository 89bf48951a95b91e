"""A file that a job brought is a whole video or a whole picture, and its ending says which."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.saved_file import check_video, check_video_or_picture

from .clips import moving_picture, write_clip
from .test_whole import ON_DEMAND, cuts, three_pieces


def test_a_video_ends_as_one_and_is_no_picture(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", [moving_picture(n, 64, 48) for n in range(4)])
    assert check_video(path) == check_video_or_picture(path) == ".mp4"


def test_a_video_that_lacks_its_end_is_said_with_how_much(tmp_path):
    path = tmp_path / "clip.mp4"
    whole = three_pieces(path, ON_DEMAND)
    path.write_bytes(whole[: cuts(whole)[1]])
    for check in (check_video, check_video_or_picture):
        with pytest.raises(MediaError, match="bytes are missing at its end"):
            check(path)


def picture(path: Path, kind: str) -> Path:
    Image.fromarray(moving_picture(0, 64, 48)).save(path, kind)
    return path


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("GIF", ".gif"), ("BMP", ".bmp"), ("TIFF", ".tif")],
)
def test_a_picture_ends_as_its_kind_whatever_its_name(tmp_path, kind, ending):
    assert check_video_or_picture(picture(tmp_path / "file", kind)) == ending


def test_a_picture_that_breaks_off_or_is_far_too_large_is_none(tmp_path):
    path = picture(tmp_path / "file", "PNG")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaError, match="the picture is damaged"):
        check_video_or_picture(path)
    Image.new("1", (8193, 8192)).save(path, "PNG")
    with pytest.raises(MediaError, match="larger than 67108864 px"):
        check_video_or_picture(path)


def test_what_is_neither_is_said(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(MediaError):
        check_video_or_picture(path)
