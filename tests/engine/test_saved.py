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

from .one_job import RecordingAsker, Setup, wait_until


@dataclass
class Elsewhere(Setup):
    """The same home with another --output-directory."""

    to: str = "elsewhere"

    @property
    def output(self) -> Path:
        return self.folder / self.to


def elsewhere(setup: Setup) -> Setup:
    setup.close()
    return Elsewhere(
        setup.sandbox,
        setup.folder,
        setup.provider,
        setup.timeouts,
        setup.collect,
        setup.more,
    )


def planted(setup: Setup, **row: object) -> None:
    """Somebody else's words in the row of the only job."""
    with sqlite3.connect(setup.home / FILE_NAME) as db:
        db.execute(f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in row)}", tuple(row.values()))
    db.close()


def the_record(setup: Setup):
    (record,) = Ledger(setup.home).recent()
    return record


def test_paths_are_kept_relative_to_the_output_folder(setup):
    clip = setup.run_now()
    record = the_record(setup)
    assert record.path == "video/clip_00001_.mp4"
    assert record.clip_path == clip.path == setup.output.resolve() / record.path


def with_workflow(setup: Setup) -> StoredClip:
    """One press on Run in a workflow that is saved beside its clip."""

    async def clip() -> StoredClip:
        order = setup.order()
        order = replace(order, job=replace(order.job, sidecar='{"nodes": []}'))
        return await setup.engine.watch(order, RecordingAsker()).clip()

    return asyncio.run(clip())


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_workflow_that_is_gone_beside_a_saved_clip_is_written_again(setup, is_moved):
    with_workflow(setup).path.with_suffix(".json").unlink()
    if is_moved:
        moved = elsewhere(setup)
        setup.output.rename(moved.output)
        setup = moved
    again = with_workflow(setup)
    assert (again.reused, again.path.is_relative_to(setup.output.resolve())) == (True, True)
    assert again.path.with_suffix(".json").read_text(encoding="utf-8") == '{"nodes": []}'
    setup.close()


@pytest.mark.parametrize("how", ["absolute", "up", "other-folder"])
def test_a_planted_path_is_never_handed_out(setup, how):
    clip = setup.run_now()
    diary = setup.folder / "diary.txt"
    diary.write_bytes(b"x" * clip.path.stat().st_size)
    clip.path.unlink()
    outside = {
        "absolute": {"path": str(diary)},
        "up": {"path": "../diary.txt"},
        "other-folder": {"path": "diary.txt", "output_folder": str(setup.folder)},
    }
    planted(setup, **outside[how])
    again = setup.run_now()
    assert again.path.is_relative_to(setup.output.resolve())
    assert again.path.read_bytes() != diary.read_bytes()
    assert setup.posts == 1


@pytest.mark.parametrize("state", ["stored", "finished"])
@pytest.mark.parametrize("part", ["diary.part", "../diary.part", "video/holiday.mp4"])
def test_a_planted_partial_file_is_never_removed(setup, part, state):
    setup.run_now()
    mine = setup.output / "video" / "holiday.mp4"
    diary = setup.folder / "diary.part"
    for file in (mine, diary):
        file.write_bytes(b"dear diary")
    planted(setup, part_path=str(diary) if part == "diary.part" else part, state=state)
    setup.run_now()
    assert mine.read_bytes() == diary.read_bytes() == b"dear diary"
    assert the_record(setup).part_path is None


def test_a_planted_output_folder_is_not_written_to(setup):
    setup.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        setup.run_now()
    setup.sandbox.faults.clear()
    planted(setup, output_folder=str(setup.folder / "secret"))
    setup.close()
    collecting = replace(setup, collect=True)
    collecting.engine.start()
    wait_until(lambda: the_record(setup).state is State.STORED, "the clip to be collected")
    collecting.close()
    assert not (setup.folder / "secret").exists()
    assert len(setup.clips()) == 1


def test_a_moved_output_folder_has_its_clips(setup):
    """With the install moved and the provider out of reach: nothing is asked, nothing fetched."""
    first = setup.run_now()
    moved = elsewhere(setup)
    setup.output.rename(moved.output)
    calls = len(setup.sandbox.requests)
    again = moved.run_now()
    assert again.path == moved.output.resolve() / first.path.relative_to(setup.output.resolve())
    assert again.reused
    assert len(setup.sandbox.requests) == calls
    assert len(moved.clips()) == 1


def test_a_moved_output_folder_has_the_clips_of_a_ledger_with_absolute_paths(setup):
    first = setup.run_now()
    planted(setup, path=str(first.path), output_folder=None)
    moved = elsewhere(setup)
    setup.output.rename(moved.output)
    calls = len(setup.sandbox.requests)
    assert moved.run_now().path.is_relative_to(moved.output.resolve())
    assert len(setup.sandbox.requests) == calls
    assert the_record(setup).path == "video/clip_00001_.mp4"


def test_a_clip_of_another_output_folder_is_copied_into_this_one(setup):
    first = setup.run_now()
    other = elsewhere(setup)
    (other.output / "video").mkdir(parents=True)
    (other.output / "video" / "clip_00001_.mp4").write_bytes(b"somebody's")
    calls = len(setup.sandbox.requests)
    copied = other.run_now()
    assert copied.path == other.output.resolve() / "video" / "clip_00002_.mp4"
    assert copied.path.read_bytes() == first.path.read_bytes()
    assert copied.path.stat().st_ino != first.path.stat().st_ino
    assert len(setup.sandbox.requests) == calls
    for _ in range(2):  # each finds its own again, and copies nothing more
        other.close()
        assert setup.run_now().path == first.path
        setup.close()
        assert other.run_now().path == copied.path
    assert (len(setup.clips()), len(other.clips()), other.leftovers()) == (1, 2, [])


def test_a_copy_leaves_the_partial_file_of_the_original_alone(setup):
    setup.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        setup.run_now()
    part = setup.output / the_record(setup).part_path
    had = b"what came so far"
    part.write_bytes(had)
    setup.sandbox.faults.clear()
    other = elsewhere(setup)
    assert other.run_now().path.is_relative_to(other.output.resolve())
    assert part.read_bytes() == had


def test_a_changed_file_elsewhere_is_no_clip_of_ours(setup):
    first = setup.run_now()
    first.path.write_bytes(os.urandom(first.path.stat().st_size))
    other = elsewhere(setup)
    downloads = len(setup.calls("media"))
    assert other.run_now().reused
    assert len(setup.calls("media")) == downloads + 1
    assert setup.posts == 1


def test_a_copied_home_with_a_provider_that_has_forgotten_the_job_needs_it_not(setup):
    first = setup.run_now()
    setup.sandbox.faults.set(setup.status_route, "vanished")
    other = elsewhere(setup)
    assert other.run_now().path.read_bytes() == first.path.read_bytes()
    shutil.rmtree(other.output)
    other.close()
    first.path.unlink()
    with pytest.raises(JobExpired):
        other.run_now()


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
def test_a_link_at_the_name_of_the_partial_file_overwrites_nothing(setup):
    setup.sandbox.faults.set("media", "media-404")
    with pytest.raises(DownloadError):
        setup.run_now()
    setup.sandbox.faults.clear()
    victim = setup.folder / "victim"
    victim.write_bytes(b"precious")
    (setup.output / the_record(setup).part_path).symlink_to(victim)
    clip = setup.run_now()
    assert victim.read_bytes() == b"precious"
    assert not clip.path.is_symlink()
    assert setup.posts == 1


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
def test_a_clip_on_another_drive_is_found_again(setup):
    drive = setup.folder / "drive"
    drive.mkdir()
    setup.output.mkdir(exist_ok=True)
    (setup.output / "big").symlink_to(drive, target_is_directory=True)
    linked = replace(setup, more={"follow_links": True})
    first = linked.run_now(prefix="big/clip")
    assert (drive / "clip_00001_.mp4").is_file()
    calls = len(setup.sandbox.requests)
    assert linked.run_now(prefix="big/clip").path == first.path
    assert len(setup.sandbox.requests) == calls


def test_a_workflow_that_is_beside_the_clip_is_kept(tmp_path):
    """It tells how the clip came to be; a later Run that only reads it may have another graph."""
    folder = OutputFolder(tmp_path.resolve())
    for workflow in ("the first", "another"):
        save_sidecar(tmp_path / "clip.mp4", workflow, folder)
    assert (tmp_path / "clip.json").read_text(encoding="utf-8") == "the first"
