"""Where a saved clip is looked for, and that nobody touches a path outside his own output folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.output_folder import OutputFolder
from remote_video_pack.remote_video.engine.saved import save_sidecar
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.errors import DownloadError, JobExpired
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .one_job import Player, Studio, wait_until


@dataclass
class Elsewhere(Studio):
    """The same home with another --output-directory."""

    to: str = "elsewhere"

    @property
    def output(self) -> Path:
        return self.folder / self.to


def elsewhere(studio: Studio) -> Studio:
    studio.close()
    return Elsewhere(studio.sandbox, studio.folder, studio.provider, studio.timeouts, studio.collect, studio.more)


def planted(studio: Studio, **row: object) -> None:
    """Somebody else's words in the row of the only job."""
    with sqlite3.connect(studio.home / FILE_NAME) as db:
        db.execute(f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in row)}", tuple(row.values()))
    db.close()


def the_record(studio: Studio):
    (record,) = Ledger(studio.home).recent()
    return record


def test_paths_are_kept_relative_to_the_output_folder(studio):
    clip = studio.run_now()
    record = the_record(studio)
    assert record.path == "video/clip_00001_.mp4"
    assert record.clip_path == clip.path == studio.output.resolve() / record.path


def with_workflow(studio: Studio) -> StoredClip:
    """One press on Run in a workflow that is saved beside its clip."""

    async def clip() -> StoredClip:
        order = studio.order()
        order = replace(order, job=replace(order.job, sidecar='{"nodes": []}'))
        return await studio.engine.watch(order, Player()).clip()

    return asyncio.run(clip())


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_workflow_that_is_gone_beside_a_saved_clip_is_written_again(studio, is_moved):
    with_workflow(studio).path.with_suffix(".json").unlink()
    if is_moved:
        moved = elsewhere(studio)
        studio.output.rename(moved.output)
        studio = moved
    again = with_workflow(studio)
    assert (again.reused, again.path.is_relative_to(studio.output.resolve())) == (True, True)
    assert again.path.with_suffix(".json").read_text(encoding="utf-8") == '{"nodes": []}'
    studio.close()


@pytest.mark.parametrize("how", ["absolute", "up", "other-folder"])
def test_a_planted_path_is_never_handed_out(studio, how):
    clip = studio.run_now()
    diary = studio.folder / "diary.txt"
    diary.write_bytes(b"x" * clip.path.stat().st_size)
    clip.path.unlink()
    outside = {
        "absolute": {"path": str(diary)},
        "up": {"path": "../diary.txt"},
        "other-folder": {"path": "diary.txt", "output_folder": str(studio.folder)},
    }
    planted(studio, **outside[how])
    again = studio.run_now()
    assert again.path.is_relative_to(studio.output.resolve())
    assert again.path.read_bytes() != diary.read_bytes()
    assert studio.posts == 1


@pytest.mark.parametrize("state", ["stored", "finished"])
@pytest.mark.parametrize("part", ["diary.part", "../diary.part", "video/holiday.mp4"])
def test_a_planted_partial_file_is_never_removed(studio, part, state):
    studio.run_now()
    mine = studio.output / "video" / "holiday.mp4"
    diary = studio.folder / "diary.part"
    for file in (mine, diary):
        file.write_bytes(b"dear diary")
    planted(studio, part_path=str(diary) if part == "diary.part" else part, state=state)
    studio.run_now()
    assert mine.read_bytes() == diary.read_bytes() == b"dear diary"
    assert the_record(studio).part_path is None


def test_a_planted_output_folder_is_not_written_to(studio):
    studio.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        studio.run_now()
    studio.sandbox.faults.clear()
    planted(studio, output_folder=str(studio.folder / "secret"))
    studio.close()
    collecting = replace(studio, collect=True)
    collecting.engine.start()
    wait_until(lambda: the_record(studio).state is State.STORED, "the clip to be collected")
    collecting.close()
    assert not (studio.folder / "secret").exists()
    assert len(studio.clips()) == 1


def test_a_moved_output_folder_has_its_clips(studio):
    """With the install moved and the provider out of reach: nothing is asked, nothing fetched."""
    first = studio.run_now()
    moved = elsewhere(studio)
    studio.output.rename(moved.output)
    calls = len(studio.sandbox.requests)
    again = moved.run_now()
    assert again.path == moved.output.resolve() / first.path.relative_to(studio.output.resolve())
    assert again.reused
    assert len(studio.sandbox.requests) == calls
    assert len(moved.clips()) == 1


def test_a_moved_output_folder_has_the_clips_of_a_ledger_with_absolute_paths(studio):
    first = studio.run_now()
    planted(studio, path=str(first.path), output_folder=None)
    moved = elsewhere(studio)
    studio.output.rename(moved.output)
    calls = len(studio.sandbox.requests)
    assert moved.run_now().path.is_relative_to(moved.output.resolve())
    assert len(studio.sandbox.requests) == calls
    assert the_record(studio).path == "video/clip_00001_.mp4"


def test_a_clip_of_another_output_folder_is_copied_into_this_one(studio):
    first = studio.run_now()
    other = elsewhere(studio)
    (other.output / "video").mkdir(parents=True)
    (other.output / "video" / "clip_00001_.mp4").write_bytes(b"somebody's")
    calls = len(studio.sandbox.requests)
    copied = other.run_now()
    assert copied.path == other.output.resolve() / "video" / "clip_00002_.mp4"
    assert copied.path.read_bytes() == first.path.read_bytes()
    assert copied.path.stat().st_ino != first.path.stat().st_ino
    assert len(studio.sandbox.requests) == calls
    for _ in range(2):  # each finds its own again, and copies nothing more
        other.close()
        assert studio.run_now().path == first.path
        studio.close()
        assert other.run_now().path == copied.path
    assert (len(studio.clips()), len(other.clips()), other.leftovers()) == (1, 2, [])


def test_a_copy_leaves_the_partial_file_of_the_original_alone(studio):
    studio.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        studio.run_now()
    part = studio.output / the_record(studio).part_path
    had = b"what came so far"
    part.write_bytes(had)
    studio.sandbox.faults.clear()
    other = elsewhere(studio)
    assert other.run_now().path.is_relative_to(other.output.resolve())
    assert part.read_bytes() == had


def test_a_changed_file_elsewhere_is_no_clip_of_ours(studio):
    first = studio.run_now()
    first.path.write_bytes(os.urandom(first.path.stat().st_size))
    other = elsewhere(studio)
    downloads = len(studio.calls("media"))
    assert other.run_now().reused
    assert len(studio.calls("media")) == downloads + 1
    assert studio.posts == 1


def test_a_copied_home_with_a_provider_that_has_forgotten_the_job_needs_it_not(studio):
    first = studio.run_now()
    studio.sandbox.faults.set(studio.status_route, "vanished")
    other = elsewhere(studio)
    assert other.run_now().path.read_bytes() == first.path.read_bytes()
    shutil.rmtree(other.output)
    other.close()
    first.path.unlink()
    with pytest.raises(JobExpired):
        other.run_now()


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
def test_a_link_at_the_name_of_the_partial_file_overwrites_nothing(studio):
    studio.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        studio.run_now()
    studio.sandbox.faults.clear()
    victim = studio.folder / "victim"
    victim.write_bytes(b"precious")
    (studio.output / the_record(studio).part_path).symlink_to(victim)
    clip = studio.run_now()
    assert victim.read_bytes() == b"precious"
    assert not clip.path.is_symlink()
    assert studio.posts == 1


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
def test_a_clip_on_another_drive_is_found_again(studio):
    drive = studio.folder / "drive"
    drive.mkdir()
    studio.output.mkdir(exist_ok=True)
    (studio.output / "big").symlink_to(drive, target_is_directory=True)
    linked = replace(studio, more={"follow_links": True})
    first = linked.run_now(prefix="big/clip")
    assert (drive / "clip_00001_.mp4").is_file()
    calls = len(studio.sandbox.requests)
    assert linked.run_now(prefix="big/clip").path == first.path
    assert len(studio.sandbox.requests) == calls


def test_a_workflow_that_is_beside_the_clip_is_kept(tmp_path):
    """It tells how the clip came to be; a later Run that only reads it may have another graph."""
    folder = OutputFolder(tmp_path.resolve())
    for workflow in ("the first", "another"):
        save_sidecar(tmp_path / "clip.mp4", workflow, folder)
    assert (tmp_path / "clip.json").read_text(encoding="utf-8") == "the first"
