"""What the engine holds in a real server: one image of many nodes, and nothing of prompts that are over."""

from __future__ import annotations

import time

from remote_video_pack.remote_video.ledger.lifecycle import State

from .outcomes import lives, soon, states
from .prompts import node, several

MB = 1 << 20
NODES, PROMPTS = 100, 100
WIDTH, HEIGHT = 3840, 2160
SETTLED_S = 3.0


def of_one_image(words: str, count: int):
    """So many clips of one 4K image."""
    image = node("TestImages", count=1, width=WIDTH, height=HEIGHT)
    return {**several(words, range(count), fit="auto"), "1": image}


def held_by(server, queueing, words: str, count: int) -> int:
    """The server's memory while it follows so many jobs of one prompt, bytes."""
    accepted = queueing.accepted_posts
    prompt_id = server.queue(of_one_image(words, count))
    in_flight = min(count, 32)
    soon(lambda: queueing.accepted_posts == accepted + in_flight, f"{in_flight} submissions", 120.0)
    time.sleep(SETTLED_S)
    held = server.rss_bytes
    server.interrupt()
    server.outcome(prompt_id)
    soon(lambda: states(server, words).count(State.CANCELLED) == in_flight, "the cancels")
    return held


def test_a_hundred_nodes_of_one_image_hold_it_once(waiting_comfy, queueing):
    server, log_before = waiting_comfy, len(waiting_comfy.log())
    held_by(server, queueing, "warm-up", 40)
    one = held_by(server, queueing, "one-node", 1)
    many = held_by(server, queueing, "hundred-nodes", NODES)
    print(f"held by {NODES} nodes of one 4K image, above one node: {(many - one) / MB:.1f} MB")
    assert many - one <= 20 * MB
    lives(server, log_before)


def test_a_hundred_prompts_of_a_stored_clip_leave_nothing_behind(quick_comfy):
    server, words = quick_comfy, "again"
    for number in range(5):
        server.run(several(words, [0], max_frames=number))
    before, rss, log_before = server.get("/test/inside"), server.rss_bytes, len(server.log())
    begun = time.monotonic()
    for number in range(PROMPTS):
        server.run(several(words, [0], max_frames=10 + number))
    lasted = time.monotonic() - begun
    after = server.get("/test/inside")
    print(f"{PROMPTS} prompts in {lasted:.1f} s; {(server.rss_bytes - rss) / MB:.1f} MB more")
    assert sorted(after["threads"]) == sorted(before["threads"])
    assert after["files"] <= before["files"] + 2
    lives(server, log_before)
