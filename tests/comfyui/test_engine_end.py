"""The end of a server, by a signal, by kill -9 or by the Manager, and its next start: clips come home untouched."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import pytest
from remote_video_pack.remote_video.ledger.lifecycle import State

from .comfy_server import ComfyServer
from .conftest import account_at
from .outcomes import clips, clips_soon, is_quiet, lives, soon, states, submitted
from .prompts import node, several

ENDED_S = 8.0
"""Our part is 2 s at most, ComfyUI's after Ctrl-C 2.6 s; the rest is for busy machines. What is stalled here lasts
longer by far."""
STALL_S = 120.0
ANSWER_S = 2.5
COLLECTED_S = 10.0
"""From the end of a start to a clip that was finished before, when the last engine said goodbye."""
LEASE_S = 45.0
"""The same when it had no time to, and has to be missed first."""
SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture(scope="module")
def server_to_end(start_comfy, quick) -> ComfyServer:
    return start_comfy(**account_at(quick))


@pytest.fixture
def ending(server_to_end, quick) -> Iterator[ComfyServer]:
    """A server to end and to start again; it runs when a test begins."""
    if not server_to_end.is_running:
        server_to_end.start()
    yield server_to_end
    quick.faults.clear()


def comes_home(server: ComfyServer, words: str, within_s: float) -> None:
    """The clip, where its node would have saved it, with its workflow beside it, without a Run."""
    begun = time.monotonic()
    (clip,) = soon(lambda: clips(server, words), "the clip, without Run", within_s)
    print(f"{words}: there {time.monotonic() - begun:.1f} s after the start")
    soon(lambda: clip.with_suffix(".json").exists(), "its workflow")
    kept = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
    assert "Veo3I2V" in [entry["class_type"] for entry in kept.values()]
    soon(lambda: states(server, words) == [State.STORED], "the ledger to say so")


def test_importing_the_pack_starts_nothing_and_makes_no_ledger(ending):
    ending.run({**several("unused", []), "2": node("PreviewImage", images=["1", 0])})
    threads = ending.get("/test/inside")["threads"]
    assert not [name for name in threads if "remote-video" in name], threads
    assert not [*ending.home.glob("ledger*")]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_end_waits_for_no_question_and_no_download_and_the_next_start_brings_all_home(ending, quick, number):
    server, words, log_before = ending, f"end-{number.name}", len(ending.log())
    accepted, asked = quick.accepted_posts, len(quick.requests)
    quick.faults.set("media", "stall-midway", seconds=STALL_S)
    server.run(several(f"{words}-fetched", [0], wait=False))
    soon(lambda: any(entry.fault == "stall-midway" for entry in quick.requests[asked:]), "the download")
    server.queue(several(f"{words}-followed", [1]))
    quick.faults.set("runcomfy/status", "stall", seconds=STALL_S)
    soon(lambda: any(entry.fault == "stall" for entry in quick.requests[asked:]), "the question")
    lasted = server.end(number)
    quick.faults.clear()
    print(f"{words}: the process ended after {lasted:.2f} s")
    assert lasted < ENDED_S
    is_quiet(server.log()[log_before:])
    server.start()
    comes_home(server, f"{words}-fetched", COLLECTED_S)
    comes_home(server, f"{words}-followed", COLLECTED_S)
    assert quick.accepted_posts == accepted + 2
    lives(server, log_before)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_submission_under_way_at_the_end_is_waited_for_and_its_id_is_known(ending, quick, number):
    server, words, accepted, log_before = ending, f"post-{number.name}", quick.accepted_posts, len(ending.log())
    quick.faults.set("runcomfy/submit", "stall:accepted", on_call=1, seconds=ANSWER_S)
    server.queue(several(words, [0]))
    soon(lambda: quick.accepted_posts == accepted + 1, "the submission")
    lasted = server.end(number)
    print(f"{words}: the process ended after {lasted:.2f} s, the answer took {ANSWER_S:g} s")
    assert lasted < ANSWER_S + ENDED_S
    assert states(server, words) == [State.SUBMITTED]
    assert "waits up to 30 s for the answer to 1 submission" in server.log()[log_before:]
    is_quiet(server.log()[log_before:])
    server.start()
    comes_home(server, words, COLLECTED_S)
    assert quick.accepted_posts == accepted + 1


def test_kill_9_in_the_middle_of_a_clip_and_the_next_start_brings_it_home(ending, quick):
    server, words, accepted = ending, "killed", quick.accepted_posts
    server.queue(several(words, [0], filename_prefix=f"sub/folder/{words}"))
    submitted(server, f"sub/folder/{words}")
    server.kill()
    server.start()
    comes_home(server, f"sub/folder/{words}", LEASE_S)
    assert quick.accepted_posts == accepted + 1
    server.run(several(words, [0], filename_prefix=f"sub/folder/{words}"))
    assert len(clips_soon(server, f"sub/folder/{words}", 1)) == 1
    assert quick.accepted_posts == accepted + 1


def test_a_restart_inside_the_same_process_brings_the_clip_home(ending, quick):
    server, words, accepted = ending, "restarted", quick.accepted_posts
    server.queue(several(words, [0]))
    submitted(server, words)
    before = server.pid
    server.restart()
    assert server.pid == before
    comes_home(server, words, LEASE_S)
    assert quick.accepted_posts == accepted + 1
    lives(server)


def test_with_collecting_switched_off_nothing_comes_home_until_run(ending, quick):
    server, words, accepted = ending, "not-collected", quick.accepted_posts
    server.run(several(words, [0], wait=False))
    server.end(signal.SIGTERM)
    server.environment["REMOTE_VIDEO_COLLECT"] = "0"
    server.start()
    time.sleep(COLLECTED_S)
    assert clips(server, words) == []
    assert not [name for name in server.get("/test/inside")["threads"] if "remote-video" in name]
    server.run(several(words, [0]))
    assert len(clips(server, words)) == 1
    assert quick.accepted_posts == accepted + 1
