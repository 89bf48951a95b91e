"""Promises 2 and 3: what Run does for a job in each state, seen from outside."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.errors import (
    AccountError,
    JobExpired,
    JobUncertain,
    RemoteVideoError,
    SettingsError,
)
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.models.request import Request
from remote_video_pack.remote_video.providers.client import Client, Submission
from remote_video_pack.remote_video.uploads import Upload

from ..comfy_view import serving_view
from ..faults import Sandbox
from .one_job import PROVIDERS, QUICK, RecordingAsker, Setup, wait_until


def state_of(setup: Setup) -> State:
    (record,) = Ledger(setup.home).recent()
    return record.state


@pytest.fixture(params=PROVIDERS)
def either(request: pytest.FixtureRequest, setup: Setup) -> Setup:
    """A setup of each provider."""
    return replace(setup, provider=request.param)


def test_another_prefix_is_the_same_clip(setup):
    first = setup.run_now(prefix="2026-03-07/clip")
    assert setup.run_now(prefix="2026-03-08/clip").path == first.path
    assert setup.posts == 1


@pytest.mark.parametrize("prefix", ["video/\ud83d", "\udc80/x", "a\x1bb/c\nd"])
def test_a_prefix_with_half_a_character_or_none_that_can_be_seen_is_a_name_all_the_same(setup, prefix):
    clip = setup.run_now(prefix=prefix)
    assert str(clip.path).isprintable()
    assert setup.run_now(prefix=prefix).path == clip.path
    assert setup.posts == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't take such names")
def test_an_output_folder_that_is_not_in_utf8_is_said_before_anything_is_sent(setup):
    class Elsewhere(Setup):
        @property
        def output(self) -> Path:
            return self.folder / "out\udc80"

    with pytest.raises(SettingsError, match="is not in UTF-8"):
        Elsewhere(setup.sandbox, setup.folder).run_now()
    assert setup.posts == 0


def test_a_saved_clip_is_only_read(either):
    first = either.run_now()
    calls = len(either.sandbox.requests)
    again = either.run_now()
    assert (again.path, again.request_id, again.reused, first.reused) == (first.path, first.request_id, True, False)
    assert len(either.sandbox.requests) == calls, "not one question to the provider"


def test_a_saved_clip_whose_file_is_gone_is_only_fetched_again(either):
    first = either.run_now()
    first.path.unlink()
    again = either.run_now()
    assert (again.request_id, again.reused) == (first.request_id, True)
    assert again.path.is_file()
    assert either.posts == 1


def test_a_saved_clip_that_was_cut_short_is_fetched_again_beside_it(setup):
    first = setup.run_now()
    first.path.write_bytes(first.path.read_bytes()[:1000])
    again = setup.run_now()
    assert again.path != first.path, "nothing of the user's is written over"
    assert again.path.stat().st_size > 1000
    assert setup.posts == 1


@pytest.mark.parametrize("fault", ["completed-but-failed", "completed-but-cancelled"])
def test_a_job_that_ended_without_a_clip_is_submitted_anew(setup, fault):
    setup.sandbox.faults.set("runcomfy/result", fault)
    with pytest.raises(RemoteVideoError):
        setup.run_now()
    setup.sandbox.faults.clear()
    assert not setup.run_now().reused
    assert setup.posts == 2


def test_a_refused_job_is_submitted_anew(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-400001")
    with pytest.raises(RemoteVideoError):
        setup.run_now()
    assert state_of(setup) is State.REFUSED
    setup.sandbox.faults.clear()
    assert not setup.run_now().reused
    assert setup.sandbox.accepted_posts == 1


def test_a_job_the_provider_no_longer_knows_is_left_to_the_user(either):
    fault = either.sandbox.faults
    fault.set(either.status_route, "vanished")
    for _ in range(2):
        with pytest.raises(JobExpired) as told:
            either.run_now()
        assert "choose another seed" in str(told.value)
        assert "Forget this job" in str(told.value)
    assert either.posts == 1


def test_a_job_the_provider_knows_again_is_followed(either):
    either.sandbox.faults.set(either.status_route, "vanished")
    with pytest.raises(JobExpired):
        either.run_now()
    either.sandbox.faults.clear()
    assert either.run_now().reused
    assert either.posts == 1


def test_a_job_nobody_answers_for_stays_expired_and_says_so(either):
    """Run asks again whether an expired job is known after all; no answer to that is no bug of this pack."""
    either.sandbox.faults.set(either.status_route, "vanished")
    with pytest.raises(JobExpired):
        either.run_now()
    either.sandbox.faults.clear()
    either.sandbox.faults.set(either.status_route, "error-503")
    with pytest.raises(JobExpired):
        either.run_now()
    assert either.posts == 1


def test_an_uncertain_job_names_the_two_ways_out(either):
    either.sandbox.faults.set(either.submit_route, "hang-up:accepted")
    for _ in range(2):
        with pytest.raises(JobUncertain) as told:
            either.run_now()
        assert "choose another seed" in str(told.value)
        assert "Forget this job" in str(told.value)
    assert either.posts == 1
    either.sandbox.faults.clear()
    assert not either.run_now(seed=2).reused


def test_the_same_home_knows_the_job_after_the_sandbox_and_the_process_are_new(setup, nursery, small_mp4):
    setup.sandbox.faults.set("runcomfy/status", "never-finishes")
    child = nursery.start(setup)
    wait_until(lambda: len(setup.calls("runcomfy/status")) > 2, "the job to be followed")
    child.kill()
    port = setup.sandbox.port
    setup.sandbox.stop()
    with Sandbox(setup.folder / "sandbox", port=port, pace=QUICK, prebuilt=small_mp4) as after:
        clip = replace(setup, sandbox=after).run_now()
        assert clip.request_id == after.jobs[0].request_id
        assert (clip.reused, after.accepted_posts) == (True, 1)


def test_the_usual_time_is_said_once_three_clips_have_been_made(setup):
    for seed in range(3):
        setup.run_now(seed=seed)
    host = RecordingAsker()
    setup.run_now(host, seed=3)
    assert any("usually 0:0" in line for line in host.lines)


def test_what_a_clip_cost_is_kept(setup):
    assert setup.run_now().cost_usd == setup.sandbox.jobs[0].cost_usd
    assert setup.run_now().cost_usd == setup.sandbox.jobs[0].cost_usd


@dataclass
class Noticing:
    """A client at whose request there is something to say of the images."""

    client: Client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        request.file_notices[:] = ["The image was saved as JPEG.", "And smaller."]
        return self.client.prepare(request, upload)


async def test_what_was_changed_about_the_images_is_shown(setup):
    order, asker = await asyncio.to_thread(setup.order), RecordingAsker()
    await setup.engine.watch(replace(order, client=Noticing(order.client)), asker).clip()
    said = [line for line in asker.lines if line in ("The image was saved as JPEG.", "And smaller.")]
    assert len(said) == 2
    assert asker.lines.index(said[0]) < next(n for n, line in enumerate(asker.lines) if "submitting" in line)


# -- images that were put where the provider can read them ------------------------------------------------------------


@pytest.fixture
def showing(setup: Setup) -> Iterator[Setup]:
    """A setup that shows its images under a public address."""
    with serving_view(setup.folder / "temp") as origin:
        yield replace(setup, more={"uploads": "public-origin", "public_origin": origin})


def images(setup: Setup) -> list[object]:
    return [path for path in (setup.folder / "temp").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("fault", "error"), [("error-400001", RemoteVideoError), ("error-400004-as-401", AccountError)]
)
def test_images_are_taken_back_when_the_job_or_the_key_is_refused_at_once(showing, fault, error):
    showing.sandbox.faults.set("runcomfy/submit", fault)
    asker, seen = RecordingAsker(), []
    asker.at_line = lambda line: seen.append(len(images(showing))) if line.startswith("submitting") else None
    with pytest.raises(error):
        showing.run_now(asker)
    assert seen == [1], "it lay there when it was submitted"
    wait_until(lambda: not images(showing), "the images to be taken back")


NOWHERE = {"uploads": "public-origin", "public_origin": None}
"""Images are to be shown under an address, and none is set."""


def test_a_way_to_show_images_that_can_not_be_is_an_error_before_anything_is_sent(setup):
    with pytest.raises(SettingsError, match="REMOTE_VIDEO_PUBLIC_ORIGIN"):
        replace(setup, more=NOWHERE).run_now()
    assert setup.posts == 0


def test_a_job_goes_on_where_its_images_can_not_be_taken_back_any_more(showing, caplog):
    showing.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError):
        showing.run_now()
    showing.sandbox.faults.clear()
    clip = replace(showing, more=NOWHERE).run_now()
    assert clip.path.is_file()
    assert f"The images of {clip.request_id} can't be removed from where they were put" in caplog.text


def test_images_are_taken_back_when_the_clip_is_there(showing):
    showing.sandbox.faults.set("runcomfy/status", "never-finishes")
    asker, seen = RecordingAsker(), []
    asker.at_line = lambda line: seen.append(len(images(showing))) or showing.sandbox.faults.clear()
    showing.run_now(asker)
    assert max(seen) == 1, "it lay there while the provider was at work"
    wait_until(lambda: not images(showing), "the images to be taken back")


def test_images_stay_when_the_key_is_refused_while_the_job_goes_on(showing):
    showing.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError):
        showing.run_now()
    time.sleep(0.1)
    assert len(images(showing)) == 1


@pytest.mark.parametrize("does", ["run", "collect"])
def test_images_that_a_killed_process_left_are_taken_back_by_whoever_ends_the_job(showing, nursery, does):
    showing.sandbox.faults.set("runcomfy/status", "never-finishes")
    killed = nursery.start(showing, hold_at="running")
    wait_until(lambda: Path(killed.job["held"]).exists(), "the job to run")
    assert killed.kill()
    assert len(images(showing)) == 1
    showing.sandbox.faults.clear()
    nursery.start(showing, does).result()
    assert state_of(showing) is State.STORED
    wait_until(lambda: not images(showing), "the images to be taken back")
    assert showing.posts == 1


@pytest.mark.parametrize("by", ["run", "another engine", "the collector"])
def test_images_that_stayed_are_taken_back_by_whoever_ends_the_job(showing, by):
    showing.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError):
        showing.run_now()
    assert len(images(showing)) == 1
    mine = next(iter(images(showing))).with_name("mine.png")
    mine.write_bytes(b"of another job")
    showing.sandbox.faults.clear()
    if by != "run":
        showing.close()
    if by == "the collector":
        collecting = replace(showing, collect=True)
        collecting.engine.start()
        wait_until(lambda: state_of(showing) is State.STORED, "the clip to be collected")
    else:
        showing.run_now()
    wait_until(lambda: images(showing) == [mine], "the images to be taken back")
    showing.close()


def test_images_stay_when_a_job_may_still_need_them(showing):
    showing.sandbox.faults.set("runcomfy/submit", "hang-up:lost")
    with pytest.raises(JobUncertain):
        showing.run_now()
    time.sleep(0.1)
    assert len(images(showing)) == 1


def test_a_planted_name_of_an_image_removes_nothing(showing):
    showing.sandbox.faults.set("runcomfy/status", "error-400004-as-401")
    with pytest.raises(AccountError):
        showing.run_now()
    (image,) = images(showing)
    mine = image.parent.parent / "mine.png"
    mine.write_bytes(b"precious")
    with sqlite3.connect(Ledger(showing.home).name) as db:
        db.execute("UPDATE jobs SET uploads = uploads || ' ../mine.png ' || ?", (str(mine),))
    showing.sandbox.faults.clear()
    showing.run_now()
    wait_until(lambda: images(showing) == [mine], "the image to be taken back")
