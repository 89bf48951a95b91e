"""`wait` off on a real server: the queue is free at once, clips come home, and each is handed on once."""

from __future__ import annotations

import time

import pytest
from remote_video_pack.remote_video.ledger.lifecycle import State

from .comfy_server import failure, messages
from .conftest import account_at
from .outcomes import clips, clips_soon, job_in_panel, lives, soon, states
from .prompts import node, save_video, several

TWENTY = 20
FREE_S = 2.0
"""From the provider's answer to a free queue."""
CACHES = {
    "default": (),
    "classic": ("--cache-classic",),
    "lru": ("--cache-lru", "10"),
    "ram": ("--cache-ram",),
    "none": ("--cache-none",),
}
SAVED_TWICE_AND_MORE = {"none": (4, 2)}
"""Without a cache every run saves again what it is handed: 4 and 2 times in the runs below."""


def test_twenty_prompts_are_submitted_in_a_row_collected_and_handed_on_with_twenty_posts(quick_comfy, quick):
    server, words, accepted, log_before = quick_comfy, "twenty", quick.accepted_posts, len(quick_comfy.log())
    prompts = [
        {**several(words, [seed], wait=False), "90": save_video(str(10 + seed), f"saved-{words}-{seed}")}
        for seed in range(TWENTY)
    ]
    begun, first_request = time.time(), len(quick.requests)
    outcomes = [server.outcome(prompt_id) for prompt_id in [server.queue(prompt) for prompt in prompts]]
    assert [failure(outcome) for outcome in outcomes] == [""] * TWENTY
    freed_at = [messages(outcome, "execution_success")[0]["timestamp"] / 1000 for outcome in outcomes]
    posted_at = [entry.at for entry in quick.requests[first_request:] if entry.route == "runcomfy/submit"]
    free_s = [freed - posted for freed, posted in zip(freed_at, posted_at, strict=True)]
    print(
        f"all submitted after {max(freed_at) - begun:.1f} s; each free after {min(free_s):.2f} to {max(free_s):.2f} s"
    )
    assert max(freed_at) - begun < 30.0
    assert max(free_s) < FREE_S
    assert not list(server.output.glob(f"saved-{words}-*")), "nothing after them has run"

    clips_soon(server, words, TWENTY)
    for seed, prompt in enumerate(prompts):
        for _ in range(3):
            server.run(prompt)
        assert len(clips(server, f"saved-{words}-{seed}")) == 1
    assert quick.accepted_posts == accepted + TWENTY
    assert len(clips(server, words)) == TWENTY
    lives(server, log_before)


@pytest.mark.parametrize("cache", CACHES)
def test_a_clip_is_handed_on_once_and_a_pending_one_reruns_nothing(start_comfy, quick_comfy, quick, cache):
    server = quick_comfy if cache == "default" else start_comfy(*CACHES[cache], **account_at(quick))
    words, accepted = f"cache-{cache}", quick.accepted_posts
    one = {**several(words, [0], wait=False), "20": save_video("10", f"one-{words}")}
    both = {**one, **several(words, [0, 1], wait=False), "21": save_video("11", f"two-{words}")}

    def saved() -> tuple[int, int]:
        return len(clips(server, f"one-{words}")), len(clips(server, f"two-{words}"))

    server.run(one)
    assert saved() == (0, 0)
    clips_soon(server, words, 1)
    server.run(both)
    after_first = saved()
    server.run(both)
    assert states(server, words)[0] is State.SUBMITTED, "the second clip is still pending"
    while_pending = saved()
    clips_soon(server, words, 2)
    for _ in range(3 if cache != "none" else 2):
        server.run(both)
    assert quick.accepted_posts == accepted + 2
    assert saved() == SAVED_TWICE_AND_MORE.get(cache, (1, 1))
    assert (after_first, while_pending) == (((1, 0), (2, 0)) if cache == "none" else ((1, 0), (1, 0)))
    if server is not quick_comfy:
        server.kill()


def test_two_pending_clips_of_one_model_in_one_prompt_are_each_saved_once(quick_comfy, quick):
    server, words, accepted = quick_comfy, "pair", quick.accepted_posts
    saves = {f"2{seed}": save_video(f"1{seed}", f"kept-{words}-{seed}") for seed in range(2)}
    prompt = {**several(words, range(2), wait=False), **saves}
    server.run(prompt)
    clips_soon(server, words, 2)
    for _ in range(4):
        server.run(prompt)
    assert [len(clips(server, f"kept-{words}-{seed}")) for seed in range(2)] == [1, 1]
    assert quick.accepted_posts == accepted + 2


def test_run_again_before_the_clip_is_there_says_how_far_it_is(waiting_comfy, queueing):
    server, words, accepted = waiting_comfy, "how-far", queueing.accepted_posts
    for _ in range(3):
        server.run(several(words, [0], wait=False))
    assert queueing.accepted_posts == accepted + 1
    last = [line for line in server.log().splitlines() if "collected in the background" in line][-1]
    request_id = queueing.jobs[-1].request_id
    assert request_id in last
    server.post("/remote_video/jobs/cancel", key=job_in_panel(server, request_id)["key"])
    soon(lambda: states(server, words) == [State.CANCELLED], "the cancel")


def test_a_list_of_images_is_submitted_as_a_whole_and_handed_on_as_a_whole(quick_comfy, quick):
    server, words, accepted = quick_comfy, "list", quick.accepted_posts
    prompt = several(words, [0], wait=False)
    prompt["1"] = node("TestImages", count=3, width=512, height=512)
    prompt["20"] = save_video("10", f"kept-{words}")
    server.run(prompt)
    assert quick.accepted_posts == accepted + 3
    clips_soon(server, words, 3)
    assert clips(server, f"kept-{words}") == []
    for _ in range(3):
        server.run(prompt)
    assert len(clips(server, f"kept-{words}")) == 3
    assert quick.accepted_posts == accepted + 3


@pytest.mark.parametrize(("flag", "says"), [("[moderation]", "flagged by our content moderation"), ("[balance]", "")])
def test_a_refusal_is_an_error_of_the_node(quick_comfy, quick, flag, says):
    accepted = quick.accepted_posts
    error = failure(quick_comfy.outcome(quick_comfy.queue(several(flag, [0], wait=False))))
    assert error
    assert says in error
    assert quick.accepted_posts == accepted


def test_inside_another_packs_node_it_waits_whatever_wait_says(quick_comfy, quick):
    server, words, accepted = quick_comfy, "expanded", quick.accepted_posts
    expands = node("TestExpands", image=["1", 0], prompt=words, wait=False)
    saved = node("SaveVideo", video=["5", 0], filename_prefix=f"kept-{words}", format="auto", codec="auto")
    prompt = {"1": node("LoadImage", image="example.png"), "5": expands, "20": saved}
    for _ in range(2):
        server.run(prompt)
    assert len(clips(server, f"kept-{words}")) == len(clips(server, words)) == 1
    assert quick.accepted_posts == accepted + 1


def test_a_job_that_fails_in_the_background_is_said_at_the_next_run(quick_comfy, quick):
    server, accepted = quick_comfy, quick.accepted_posts
    prompt = several("[fail]", [7], wait=False)
    server.run(prompt)
    soon(lambda: State.FAILED in states(server, "[fail]"), "the failure")
    outcome = server.outcome(server.queue(prompt))
    assert outcome["status"]["status_str"] == "success", "a failed job may be submitted anew"
    assert quick.accepted_posts == accepted + 2
