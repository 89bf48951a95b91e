"""Nothing is written, named or handed out outside the output folder, whatever others put into it meanwhile."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.output_file import Target, target
from remote_video_pack.remote_video.clips.output_folder import OutputFolder
from remote_video_pack.remote_video.errors import InputRefused

KEY = "0123456789abcdef" * 4
pytestmark = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder.resolve()


@pytest.mark.parametrize(
    "kept",
    ["", ".", None, "..", "../x.mp4", "a/../../x.mp4", "/etc/passwd", "a\x00b", "link/x.mp4", "x" * 5000, "loop/x.mp4"],
)
def test_a_kept_path_that_leaves_the_folder_means_nothing(output: Path, outside: Path, kept: str | None):
    (output / "link").symlink_to(outside, target_is_directory=True)
    (output / "loop").symlink_to(output / "loop")
    found = OutputFolder(output).file(kept)
    assert found is None or (len(found.name) > 255 and found.is_relative_to(output))


def test_a_kept_path_is_the_same_in_any_folder(output: Path, outside: Path):
    kept = OutputFolder(output).kept(output / "video" / "x.mp4")
    assert kept == "video/x.mp4"
    assert OutputFolder(outside).file(kept) == outside / "video" / "x.mp4"
    assert OutputFolder(output).file(str(output / "video" / "x.mp4")) == output / "video" / "x.mp4"
    moved = list(OutputFolder(outside).files("C:\\ComfyUI\\output\\video\\x.mp4"))
    assert outside / "video" / "x.mp4" in moved
    assert all(path.is_relative_to(outside) for path in moved)


def test_a_link_in_the_place_of_a_file_is_not_opened(output: Path, outside: Path):
    victim = outside / "victim"
    victim.write_bytes(b"precious")
    (output / ".clip.part").symlink_to(victim)
    with pytest.raises(OSError), open(output / ".clip.part", "wb", opener=OutputFolder(output).opener):
        pass
    assert victim.read_bytes() == b"precious"


def swap(place: Target, outside: Path) -> None:
    """Another user puts a link into the place of the prefix's folder, after it was checked."""
    place.folder.rename(place.folder.with_name("away"))
    place.folder.symlink_to(outside, target_is_directory=True)


def test_a_folder_swapped_for_a_link_is_not_written_through(output: Path, outside: Path):
    place = target(output, "video/clip")
    swap(place, outside)
    with pytest.raises(OSError), open(place.part(KEY), "wb", opener=place.output.opener):
        pass
    assert list(outside.iterdir()) == []


def test_a_folder_swapped_while_a_file_is_opened_is_not_written_through(output: Path, outside: Path, monkeypatch):
    place, opened = target(output, "video/clip"), os.open

    def swapped_just_before(path: object, flags: int, *rest: object, **how: object) -> int:
        if flags & os.O_CREAT:
            swap(place, outside)
        return opened(path, flags, *rest, **how)

    monkeypatch.setattr(os, "open", swapped_just_before)
    with open(place.part(KEY), "wb", opener=place.output.opener) as file:
        file.write(b"clip")
    assert list(outside.iterdir()) == []


def test_a_folder_swapped_for_a_link_before_the_clip_gets_its_name_gets_no_clip(output: Path, outside: Path):
    place = target(output, "video/clip")
    part = place.part(KEY)
    part.write_bytes(b"clip")
    swap(place, outside)
    (outside / part.name).write_bytes(b"another")
    with pytest.raises(OSError):
        place.publish(part)
    assert [path.name for path in outside.iterdir()] == [part.name]


def test_a_folder_swapped_while_the_clip_gets_its_name_is_noticed(output: Path, outside: Path, monkeypatch):
    place = target(output, "video/clip")
    part = place.part(KEY)
    part.write_bytes(b"clip")
    link = os.link

    def swapped_at_once(*names: str, **how: object) -> None:
        link(*names, **how)
        swap(place, outside)

    monkeypatch.setattr(os, "link", swapped_at_once)
    with pytest.raises(OSError):
        place.publish(part)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_a_folder_swapped_just_before_the_clip_gets_its_name_names_nothing_elsewhere(
    output: Path, outside: Path, monkeypatch, has_hard_links: bool
):
    place = target(output, "video/clip")
    part = place.part(KEY)
    part.write_bytes(b"clip")
    (outside / part.name).write_bytes(b"another")
    link = os.link

    def swapped_just_before(*names: str, **how: object) -> None:
        if not place.folder.is_symlink():
            swap(place, outside)
        if not has_hard_links:
            raise OSError(errno.EPERM, "no hard links here")
        link(*names, **how)

    monkeypatch.setattr(os, "link", swapped_just_before)
    with pytest.raises(OSError):
        place.publish(part)
    assert [path.name for path in outside.iterdir()] == [part.name]


def test_a_folder_on_another_drive_is_taken_where_the_host_s_own_nodes_take_it(output: Path, outside: Path):
    (output / "big").symlink_to(outside, target_is_directory=True)
    with pytest.raises(InputRefused, match="through a link"):
        target(output, "big/clip")
    place = target(output, "big/clip", follow_links=True)
    with open(place.part(KEY), "wb", opener=place.output.opener) as file:
        file.write(b"clip")
    final = place.publish(place.part(KEY))
    assert (outside / "clip_00001_.mp4").read_bytes() == b"clip"
    assert place.output.file(place.output.kept(final)) == output / "big" / "clip_00001_.mp4"
