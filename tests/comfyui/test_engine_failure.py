"""A failure elsewhere in the graph: jobs that were paid for go on, come home without Run, and are not paid twice."""

from __future__ import annotations

import time

import pytest
from remote_video_pack.remote_video.ledger.lifecycle import State

from .comfy_server import failure, messages
from .outcomes import clips, clips_soon, job_in_panel, lives, soon, states, submitted
from .prompts import node, several


def test_a_sibling_that_is_refused_leaves_the_other_clips_to_come_home(quick_comfy, quick):
    server, words, accepted, log_before = quick_comfy, "sibling-refused", quick.accepted_posts, len(quick_comfy.log())
    prompt = several(words, range(4))
    prompt["12"]["inputs"]["prompt"] = "[moderation]"
    assert "flagged by our content moderation" in failure(server.outcome(server.queue(prompt)))
    clips_soon(server, words, 3)
    del prompt["12"]
    server.run(prompt)
    assert (quick.accepted_posts, len(clips(server, words))) == (accepted + 3, 3)
    lives(server, log_before)


@pytest.mark.parametrize("seconds", [0.0, 2.0], ids=["at-once", "while-they-wait"])
def test_a_node_of_another_pack_that_raises_leaves_our_clips_to_come_home(quick_comfy, quick, seconds):
    server, words, log_before = quick_comfy, f"neighbour-broke-{seconds:g}", len(quick_comfy.log())
    accepted = quick.accepted_posts
    broken = {"80": node("TestPause", seconds=seconds), "90": node("TestBroken", after=["80", 0])}
    outcome = server.outcome(server.queue({**several(words, range(3)), **broken}))
    assert messages(outcome, "execution_error")[0]["node_id"] == "90"
    submitted = quick.accepted_posts - accepted if seconds == 0.0 else 3
    clips_soon(server, words, submitted)
    server.run(several(words, range(3)))
    assert (quick.accepted_posts, len(clips(server, words))) == (accepted + 3, 3)
    lives(server, log_before)


def test_a_job_that_fails_is_the_error_of_its_node_and_the_others_finish(quick_comfy, quick):
    server, words, accepted = quick_comfy, "sibling-fails", quick.accepted_posts
    prompt = several(words, range(4))
    prompt["11"]["inputs"]["prompt"] = "[fail]"
    assert "failed at RunComfy" in failure(server.outcome(server.queue(prompt)))
    clips_soon(server, words, 3)
    assert quick.accepted_posts == accepted + 4


def test_after_a_failure_elsewhere_jobs_wait_on_in_the_providers_queue_and_the_panel_can_cancel_them(
    waiting_comfy, queueing
):
    server, words, accepted = waiting_comfy, "late-stop", queueing.accepted_posts
    broken = {"80": node("TestPause", seconds=2.0), "90": node("TestBroken", after=["80", 0])}
    prompt_id = server.queue({**several(words, [0]), **broken})
    submitted(server, words)
    assert failure(server.outcome(prompt_id))
    server.interrupt()
    time.sleep(1.0)
    job = job_in_panel(server, queueing.jobs[-1].request_id)
    assert job["cancellable"]
    assert server.post("/remote_video/jobs/cancel", key=job["key"]) == {"asked": True}
    soon(lambda: states(server, words) == [State.CANCELLED], "the cancel")
    assert queueing.accepted_posts == accepted + 1
