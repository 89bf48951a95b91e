"""What a new user meets: no key, then the sandbox; and a server that dies in the middle."""

from __future__ import annotations

import time

from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .comfy_server import failure
from .prompts import node, veo


def test_run_without_key_names_the_three_ways_on(start_comfy):
    server = start_comfy()
    said = failure(server.outcome(server.queue(veo("no key")))).lower()
    for way in ("accounts", "runcomfy_api_token", "remote_video_sandbox=1"):
        assert way in said
    server.kill()


def test_the_sandbox_needs_no_key_and_a_second_run_no_job(start_comfy):
    server = start_comfy(REMOTE_VIDEO_SANDBOX="1")
    prompt = veo("from the sandbox", seen=node("PreviewImage", images=["2", 4]))
    shown = server.run(prompt)
    assert server.saved(shown["2"]["images"][0]).stat().st_size > 10_000
    server.kill()
    server.start()
    assert server.run(prompt)["2"] == shown["2"]
    assert server.log().count("submitting") == 1
    server.kill()


def test_a_server_killed_while_it_waits_comes_back_to_the_same_job(start_comfy, tmp_path):
    with Sandbox(tmp_path / "slow", pace=Pace(0.2, 12), short_clips=True) as slow:
        server = start_comfy(RUNCOMFY_API_BASE_URL=slow.runcomfy_base_url, RUNCOMFY_API_TOKEN="a-key")
        server.queue(veo("killed"))
        while not any(entry.path.endswith("/status") for entry in list(slow.requests)):
            time.sleep(0.05)
        server.kill()
        server.start()
        server.run(veo("killed"))
        assert slow.accepted_posts == 1
        server.kill()
