"""Stop on a real server: every job that only the stopped prompt wanted is cancelled, and each node says so."""

from __future__ import annotations

import time

import pytest
from remote_video_pack.remote_video.ledger.lifecycle import State

from .comfy_server import failure, messages
from .open_page import open_page
from .outcomes import clips, clips_soon, job_in_panel, lives, soon, states, submitted
from .prompts import node, several

MANY = 8
LET_GO_S = 0.5
"""From Stop to the moment a node of ours raises."""
STOPS = {
    "anything": lambda server, prompt_id: server.interrupt(),
    "this-prompt": lambda server, prompt_id: server.interrupt(prompt_id=prompt_id),
    "this-job": lambda server, prompt_id: server.post(f"/api/jobs/{prompt_id}/cancel"),
    "these-jobs": lambda server, prompt_id: server.post("/api/jobs/cancel", job_ids=[prompt_id]),
}


def cancels(provider, first: int) -> list[str]:
    """The ids of the requests to cancel, since request number `first`."""
    return [entry.path.split("/")[-2] for entry in provider.requests[first:] if entry.path.endswith("/cancel")]


@pytest.mark.parametrize("way", STOPS)
def test_stop_cancels_all_eight_jobs_and_each_node_says_what_became_of_its_own(waiting_comfy, queueing, way):
    server, words = waiting_comfy, f"stop-{way}"
    if "job" in way and not server.has_route(f"/api/{'jobs/x/cancel' if way == 'this-job' else 'jobs/cancel'}"):
        pytest.skip("this ComfyUI has no such route")
    accepted, asked, log_before = queueing.accepted_posts, len(queueing.requests), len(server.log())
    with open_page(server, words) as page:
        prompt_id = server.queue(several(words, range(MANY)), client_id=page.client_id)
        submitted(server, words, MANY)
        pressed_at = time.time()
        STOPS[way](server, prompt_id)
        (interruption,) = messages(server.outcome(prompt_id), "execution_interrupted")
        let_go_s = interruption["timestamp"] / 1000 - pressed_at
        soon(lambda: sum("was cancelled at" in text for text in page.last_texts()) == MANY, "eight texts")
        cancelled_s = time.time() - pressed_at
    ids = {job.request_id for job in queueing.jobs[accepted:]}
    print(f"{words}: let go after {let_go_s:.3f} s, all told after {cancelled_s:.2f} s")
    assert sorted(cancels(queueing, asked)) == sorted(ids), "each job once"
    assert {text.split("job ")[1].split()[0] for text in page.last_texts()} == ids, "each node names its own job"
    assert all(job.cancelled_at for job in queueing.jobs[accepted:])
    assert states(server, words) == [State.CANCELLED] * MANY
    assert let_go_s < LET_GO_S
    lives(server, log_before)


def test_stop_while_a_submission_is_under_way_lets_go_at_once_and_cancels_what_was_accepted(waiting_comfy, queueing):
    server, words, accepted, asked = waiting_comfy, "stop-post", queueing.accepted_posts, len(queueing.requests)
    queueing.faults.set("runcomfy/submit", "stall:accepted", on_call=1, seconds=3.0)
    prompt_id = server.queue(several(words, [0]))
    soon(lambda: queueing.accepted_posts == accepted + 1, "the submission")
    pressed_at = time.time()
    server.interrupt()
    (interruption,) = messages(server.outcome(prompt_id), "execution_interrupted")
    assert interruption["timestamp"] / 1000 - pressed_at < LET_GO_S
    soon(lambda: states(server, words) == [State.CANCELLED], "the cancel")
    assert cancels(queueing, asked) == [queueing.jobs[accepted].request_id]
    queueing.faults.clear()


def test_deleting_a_waiting_prompt_or_stopping_another_touches_nothing_that_runs(waiting_comfy, queueing):
    server, words, accepted, asked = waiting_comfy, "left-alone", queueing.accepted_posts, len(queueing.requests)
    running = server.queue(several(words, range(2)))
    submitted(server, words, 2)
    pending = server.queue(several("never-run", [0]))
    server.post("/queue", delete=[pending])
    server.interrupt(prompt_id=pending)
    server.interrupt(prompt_id="another")
    time.sleep(1.0)
    assert cancels(queueing, asked) == []
    assert [item[1] for item in server.get("/queue")["queue_running"]] == [running]
    server.interrupt()
    server.outcome(running)
    soon(lambda: states(server, words) == [State.CANCELLED] * 2, "the cancels")
    assert queueing.accepted_posts == accepted + 2


@pytest.mark.parametrize("let_go_s", [0.0, 3.0])
def test_stop_that_a_blocking_node_takes_first_cancels_our_jobs_too(waiting_comfy, queueing, let_go_s):
    server, words = waiting_comfy, f"taken-{let_go_s:g}"
    log_before, asked = len(server.log()), len(queueing.requests)
    blocking = {
        "80": node("TestPause", seconds=5.0),
        "90": node("TestSampler", after=["80", 0], let_go_s=let_go_s),
    }
    with open_page(server, words) as page:
        prompt_id = server.queue({**several(words, range(3)), **blocking}, client_id=page.client_id)
        submitted(server, words, 3)
        soon(lambda: any(is_running(event, "90") for event in page.events), "the blocking node")
        time.sleep(0.5)
        server.interrupt()
        outcome = server.outcome(prompt_id)
        assert messages(outcome, "execution_interrupted")[0]["node_id"] == "90"
        soon(lambda: sum("was cancelled at" in text for text in page.last_texts()) == 3, "three texts", 10.0)
    assert len(cancels(queueing, asked)) == 3
    assert states(server, words) == [State.CANCELLED] * 3
    lives(server, log_before)


def is_running(event, node_id: str) -> bool:
    """Whether a message says that this node runs now."""
    return event["type"] == "executing" and event["data"]["node"] == node_id


@pytest.mark.parametrize("first_node", [10, 30], ids=["same-node", "another-node"])
def test_a_job_that_a_waiting_prompt_also_wants_is_not_cancelled(quick_comfy, quick, first_node):
    server, words, accepted = quick_comfy, f"wanted-twice-{first_node}", quick.accepted_posts
    asked = len(quick.requests)
    clip = several(words, [0])
    with open_page(server, words) as page:
        first = server.queue({"1": clip["1"], str(first_node): clip["10"]}, client_id=page.client_id)
        submitted(server, words)
        second = server.queue({**clip, "99": node("PreviewImage", images=["1", 0])})
        server.interrupt()
        assert messages(server.outcome(first), "execution_interrupted")
        soon(lambda: "needs the same clip" in page.last_texts()[-1], "the text", 3.0)
    outcome = server.outcome(second)
    assert outcome["status"]["status_str"] == "success", failure(outcome)
    assert server.saved(outcome["outputs"]["10"]["images"][0]) in clips(server, words)
    assert (quick.accepted_posts, cancels(quick, asked)) == (accepted + 1, [])


def test_a_job_that_can_no_longer_be_cancelled_is_collected(quick_comfy, quick):
    server, words, accepted = quick_comfy, "too-late", quick.accepted_posts
    with open_page(server, words) as page:
        prompt_id = server.queue(several(words, [0]), client_id=page.client_id)
        soon(lambda: any("running" in text for text in page.last_texts()), "the job to run")
        server.interrupt()
        assert messages(server.outcome(prompt_id), "execution_interrupted")
        soon(lambda: any("can't be cancelled" in text for text in page.texts["10"]), "the text")
        clips_soon(server, words, 1)
        soon(lambda: "The clip is here" in page.last_texts()[-1], "the end of the job")
    assert quick.accepted_posts == accepted + 1
    assert server.run(several(words, [0]))["10"]["images"]
    assert quick.accepted_posts == accepted + 1


def test_texts_go_to_the_page_that_asked_and_to_no_other(quick_comfy, quick):
    server = quick_comfy
    with open_page(server, "page-one") as one, open_page(server, "page-two") as two:
        server.outcome(server.queue(several("page-of-one", [0], wait=False), client_id="page-one"))
        server.outcome(server.queue(several("page-of-nobody", [0], wait=False)))
        server.outcome(server.queue(several("page-of-two", [0]), client_id="page-two"))
        soon(lambda: "The clip is here" in one.last_texts()[-1], "the clip of the first page")
    ids = {job.request_id: job.inputs["prompt"] for job in quick.jobs}
    for page, of in ((one, "page-of-one"), (two, "page-of-two")):
        named = {name for texts in page.texts.values() for text in texts for name in ids if name in text}
        assert {ids[name] for name in named} == {of}
        told = {event["data"]["request_id"] for event in page.events if event["type"] == "remote_video.job"}
        assert {ids[name] for name in told if name} >= {"page-of-one", "page-of-two"}, "the panel of each hears all"


def test_a_job_cancelled_from_the_panel_is_an_error_on_its_node(waiting_comfy, queueing):
    server, words = waiting_comfy, "panel"
    prompt_id = server.queue(several(words, [0]))
    submitted(server, words)
    job = job_in_panel(server, queueing.jobs[-1].request_id)
    assert server.post("/remote_video/jobs/cancel", key=job["key"]) == {"asked": True}
    assert "was cancelled at RunComfy, as asked" in failure(server.outcome(prompt_id))
    assert states(server, words) == [State.CANCELLED]
