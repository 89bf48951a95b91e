"""Everything that was paid for comes home: further videos and pictures of a job are saved beside its clip."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.ledger.lifecycle import State

from ..faults import Answer, Call, Fault, Sandbox
from .kill_cases import SETTLE_S, ledger_kept_locked
from .one_job import PROVIDERS, QUICK, RecordingAsker, Setup, wait_until
from .test_fetch import naming, unfetched
from .test_saved import elsewhere, planted, the_record

NAMES = ["clip_00001_.mp4", "clip_00001_-2.mp4", "clip_00001_-3.png"]
RESULTS = {"runcomfy": "runcomfy/result", "cometapi": "comet/retrieve"}


@pytest.fixture(params=PROVIDERS)
def either(request, setup) -> Setup:
    """A provider whose jobs make two videos and a picture."""
    return with_more(replace(setup, provider=request.param))


@pytest.fixture
def more(setup) -> Setup:
    return with_more(setup)


def with_more(setup: Setup) -> Setup:
    setup.sandbox.faults.set(RESULTS[setup.provider], "variant-more-files")
    return setup


def on_file(name: str, alter: Callable[[Answer], Answer]) -> Fault:
    """Something is wrong with one of the files."""

    def altered(answer: Answer, call: Call) -> Answer:
        return alter(answer) if call.request.path.endswith(name) else answer

    return Fault(f"wrong-{name}", "", ("media",), alter=altered)


def refused(status: int) -> Callable[[Answer], Answer]:
    return lambda answer: Answer(status, b"no", {"Content-Type": "text/plain"})


def files(setup: Setup) -> list[Path]:
    return sorted(path for path in setup.output.rglob("*") if path.is_file())


def assert_all_here(setup: Setup, clip: StoredClip, small_mp4: bytes) -> None:
    """Three files, whole, beside each other, in the ledger, and nothing left over."""
    paths = [clip.path, *clip.others]
    assert [path.name for path in paths] == NAMES
    assert sorted(paths) == files(setup)
    assert clip.lacking == ()
    first, second, cover = (path.read_bytes() for path in paths)
    assert first == small_mp4 and second.startswith(small_mp4) and second != first
    assert cover.startswith(b"\x89PNG")
    record = the_record(setup)
    assert record.state is State.STORED and record.part_path is None
    for other, path in zip(record.other_files, clip.others, strict=True):
        assert other.path == path.relative_to(setup.output.resolve()).as_posix()
        assert (other.bytes, other.sha256) == (path.stat().st_size, sha256(path.read_bytes()).hexdigest())
    assert setup.posts == 1


def test_two_videos_and_a_picture_are_saved_and_named(either, small_mp4):
    asker = RecordingAsker()
    clip = either.run_now(asker)
    assert_all_here(either, clip, small_mp4)
    assert clip.more == ("The same job also made: clip_00001_-2.mp4, clip_00001_-3.png",)
    assert any("saved as " + ", ".join(NAMES) in event.text for event in either.host.published)


def test_run_again_names_them_too_and_reads_nothing(either, small_mp4):
    first = either.run_now()
    calls = len(either.sandbox.requests)
    again = either.run_now()
    assert again.reused and (again.path, again.others, again.more) == (first.path, first.others, first.more)
    assert len(either.sandbox.requests) == calls


@pytest.mark.parametrize("gone", [[1], [2], [1, 2], [0], [0, 1, 2]])
def test_what_was_deleted_comes_back_and_nothing_else_is_fetched(more, small_mp4, gone):
    clip = more.run_now()
    downloads = len(more.calls("media"))
    for number in gone:
        [clip.path, *clip.others][number].unlink()
    again = more.run_now()
    assert [path.read_bytes()[:8] for path in (again.path, *again.others)] == [
        path.read_bytes()[:8] for path in files(more) if path.suffix == ".mp4"
    ] + [b"\x89PNG\r\n\x1a\n"]
    assert len(again.others) == 2 and len(files(more)) == 3
    assert len(more.calls("media")) == downloads + len(gone)
    assert more.posts == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (on_file("second.mp4", refused(404)), "HTTP 404"),
        (on_file("second.mp4", lambda answer: answer.with_body(b"no video " * 500)), "video or picture"),
        (on_file("second.mp4", lambda answer: answer.with_body(answer.body[:-200_000])), "not a complete"),
        (on_file("second.mp4", lambda answer: Answer(302, b"", {"Location": "https://10.0.0.1/a.mp4"})), "public"),
    ],
    ids=["404", "no-video", "cut", "private-address"],
)
def test_a_file_that_is_gone_for_good_keeps_nobody_from_the_clip(more, small_mp4, wrong, why):
    more.sandbox.faults.set("media", wrong)
    clip = more.run_now()
    assert clip.path.read_bytes() == small_mp4
    assert [path.name for path in clip.others] == ["clip_00001_-3.png"]
    assert len(clip.lacking) == 1 and "File 2" in clip.lacking[0] and why in clip.lacking[0]
    assert the_record(more).state is State.STORED
    assert len(files(more)) == 2
    calls = len(more.sandbox.requests)
    assert more.run_now().lacking == clip.lacking, "it is said again, and not tried again"
    assert len(more.sandbox.requests) == calls and more.posts == 1


def test_a_damaged_picture_is_none(more):
    more.sandbox.faults.set("media", on_file("cover.png", lambda answer: answer.with_body(answer.body[:60])))
    clip = more.run_now()
    assert [path.name for path in clip.others] == NAMES[1:2]
    assert "File 3" in clip.lacking[0] and "picture" in clip.lacking[0]


def test_a_host_in_trouble_is_asked_again_at_the_next_run(either, small_mp4):
    either.sandbox.faults.set("media", on_file("second.mp4", refused(503)))
    clip = either.run_now()
    assert clip.path.read_bytes() == small_mp4
    assert "HTTP 503" in clip.lacking[0]
    either.sandbox.faults.clear("media")
    assert_all_here(either, either.run_now(), small_mp4)


def test_a_provider_that_has_forgotten_the_job_is_said_and_the_clip_handed_on(more, small_mp4):
    clip = more.run_now()
    clip.others[0].unlink()
    more.sandbox.faults.set(more.status_route, "vanished")
    again = more.run_now()
    assert again.path == clip.path and again.others == clip.others[1:]
    assert "no longer knows the job" in again.lacking[0]


@pytest.mark.parametrize("fault", ["error-400004-as-401", "error-503-retry-after", "html-200"])
def test_a_provider_that_can_not_be_asked_keeps_nobody_from_the_clip(more, small_mp4, fault):
    clip = more.run_now()
    clip.others[0].unlink()
    more.sandbox.faults.set(more.status_route, fault, **({"seconds": 0} if "retry" in fault else {}))
    again = more.run_now()
    assert again.path == clip.path and again.lacking
    more.sandbox.faults.clear(more.status_route)
    assert_all_here(more, more.run_now(), small_mp4)


def test_of_many_files_sixteen_are_saved_and_the_others_said(setup):
    setup.sandbox.faults.set(
        "runcomfy/result", naming(lambda clip: {"videos": [f"{clip}?take={take}" for take in range(60)]})
    )
    clip = setup.run_now()
    assert len(clip.others) == 15 == len(setup.clips()) - 1
    assert clip.lacking == ("The provider named 60 files; 16 of one job are saved.",)
    assert setup.run_now().lacking == clip.lacking


def test_the_first_that_can_be_had_is_the_clip(more, small_mp4):
    more.sandbox.faults.set("media", on_file("clip.mp4", refused(404)))
    clip = more.run_now()
    assert clip.path.name == NAMES[0] and clip.path.read_bytes().startswith(small_mp4)
    assert [path.name for path in clip.others] == [NAMES[2]]
    assert "File 1" in clip.lacking[0] and "HTTP 404" in clip.lacking[0]


def test_where_nothing_can_be_had_the_clip_s_own_trouble_is_told(more):
    more.sandbox.faults.set("media", "media-404")
    assert "HTTP 404" in unfetched(more).what


def test_a_file_under_two_names_is_saved_once(setup):
    setup.sandbox.faults.set(
        "runcomfy/result", naming(lambda clip: {"video": clip, "videos": [clip], "url": f"{clip}?copy=1"})
    )
    clip = setup.run_now()
    assert clip.others == clip.lacking == () and len(setup.calls("media")) == 1
    assert the_record(setup).others is None


def test_a_whole_name_and_somebody_else_s_file_beside_it(more):
    theirs = more.output / "video" / "shot-2.mp4"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"somebody's")
    clip = more.run_now(prefix="video/shot.mp4")
    assert [path.name for path in (clip.path, *clip.others)] == ["shot.mp4", "shot-2_00001_.mp4", "shot-3.png"]
    assert theirs.read_bytes() == b"somebody's"


# -- other folders -----------------------------------------------------------------------------------------------------


def test_a_moved_output_folder_has_them_all(more, small_mp4):
    more.run_now()
    moved = elsewhere(more)
    more.output.rename(moved.output)
    calls = len(more.sandbox.requests)
    assert_all_here(moved, moved.run_now(), small_mp4)
    assert len(more.sandbox.requests) == calls


def test_another_output_folder_gets_copies_of_them_all(more, small_mp4):
    first = more.run_now()
    other = elsewhere(more)
    calls = len(more.sandbox.requests)
    for _ in range(2):
        assert_all_here(other, other.run_now(), small_mp4)
        other.close()
        assert more.run_now().others == first.others
        more.close()
    assert len(more.sandbox.requests) == calls


@pytest.mark.parametrize("path", ["/diary.png", "../diary.png", "", "."])
def test_a_planted_path_is_never_handed_out(more, path):
    more.run_now()
    diary = more.folder / "diary.png"
    diary.write_bytes(b"x" * 100)
    row = the_record(more).others.replace("video/clip_00001_-3.png", path.replace("/diary", f"{more.folder}/diary", 1))
    planted(more, others=row)
    for other in more.run_now().others:
        assert other.is_relative_to(more.output.resolve()) and other.read_bytes() != diary.read_bytes()


@pytest.mark.parametrize("others", ["[", "{}", "[1]", '[{"number": "2"}]', '[{"number": 2, "path": 3}]', "[" * 100_000])
def test_nonsense_in_the_ledger_keeps_nobody_from_the_clip(more, small_mp4, others):
    more.run_now()
    planted(more, others=others)
    assert more.run_now().path.read_bytes() == small_mp4


# -- processes that die ------------------------------------------------------------------------------------------------


@pytest.fixture
def runner(tmp_path, small_mp4, keys):
    with Sandbox(tmp_path / "sandbox", pace=QUICK, prebuilt=small_mp4) as sandbox:
        yield sandbox


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("ends_by", ["run", "collect"])
def test_killed_between_two_files_all_come_home(runner, nursery, tmp_path, small_mp4, provider, call, ends_by):
    setup = with_more(Setup(runner, tmp_path / "job", provider))
    runner.faults.set("media", "stall-midway", on_call=call)
    child = nursery.start(setup)
    wait_until(lambda: len(setup.calls("media")) == call, "the download")
    time.sleep(0.1)
    assert child.kill()
    assert the_record(setup).state is State.FINISHED
    runner.faults.clear("media")
    if ends_by == "collect":
        assert nursery.start(setup, "collect").result()["outcome"] == "collected"
    assert nursery.start(setup).result()["outcome"] == "clip"
    assert_all_here(setup, StoredClip.of(the_record(setup)), small_mp4)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_killed_when_all_have_their_names_and_none_is_written_down(runner, nursery, tmp_path, small_mp4, provider):
    """The provider forgets the job at that moment: nothing but what is on the disk can tell."""
    setup = with_more(Setup(runner, tmp_path / "job", provider))
    runner.faults.set("media", "stall-midway", on_call=3)
    child = nursery.start(setup)
    wait_until(lambda: len(setup.calls("media")) == 3, "the download")
    time.sleep(SETTLE_S)
    with ledger_kept_locked(setup):
        runner.faults.clear("media")
        wait_until(lambda: {path.name for path in files(setup)} >= set(NAMES), "the files to get their names")
        assert child.kill()
    assert the_record(setup).state is State.FINISHED
    runner.faults.set(setup.status_route, "vanished")
    assert nursery.start(setup).result()["outcome"] == "clip"
    assert_all_here(setup, StoredClip.of(the_record(setup)), small_mp4)


def test_killed_at_random_moments_all_come_home_once(runner, nursery, tmp_path, small_mp4):
    moments = random.Random(3)
    for number in range(400 if os.environ.get("REMOTE_VIDEO_SOAK") else 8):
        setup = with_more(Setup(runner, tmp_path / f"job-{number}"))
        accepted, downloads = runner.accepted_posts, len(setup.calls("media"))
        child = nursery.start(setup)
        wait_until(lambda: len(setup.calls("media")) > downloads, "the download")  # noqa: B023
        time.sleep(moments.uniform(0, 0.1))
        child.kill()
        assert nursery.start(setup).result()["outcome"] == "clip"
        assert sorted(path.name for path in files(setup)) == sorted(NAMES)
        assert the_record(setup).state is State.STORED
        assert runner.accepted_posts == accepted + 1
