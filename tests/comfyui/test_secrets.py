"""A key goes to its provider and nowhere else: not into the history, the log, a file, or a route's answer."""

from __future__ import annotations

import json

from .comfy_server import failure
from .prompts import node, veo

CANARY = "canary-4f1d0c9a7b"


def test_a_real_server_gives_no_key_away(start_comfy, provider):
    server = start_comfy(
        RUNCOMFY_API_BASE_URL=provider.runcomfy_base_url,
        COMETAPI_BASE_URL=provider.cometapi_base_url,
        RUNCOMFY_API_TOKEN=CANARY,
        COMETAPI_KEY=CANARY,
    )
    seen_before = len(provider.requests)
    server.run(veo("kept secret", seen=node("PreviewImage", images=["2", 0])))
    for flag in ("[fail]", "[moderation]", "[balance]"):
        assert failure(server.outcome(server.queue(veo(flag))))
    comet = {"1": node("CometVeo", prompt="kept secret", model="veo3-fast")}
    server.run(comet)

    told = [server.get(path) for path in ("/history", "/remote_video/accounts", "/remote_video/jobs", "/object_info")]
    assert CANARY not in json.dumps(told)
    assert CANARY not in server.log()
    files = [path for path in server.base.rglob("*") if path.is_file() and not path.is_relative_to(server.custom_nodes)]
    assert any(path.suffix == ".mp4" for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []

    requests = list(provider.requests)[seen_before:]
    with_key = [request for request in requests if CANARY in str(request.headers) + request.path]
    assert with_key, "the providers' own APIs are called with the key"
    assert [request.path for request in with_key if request.path.startswith("/media")] == []
    assert [request.path for request in with_key if CANARY in request.path] == []
    server.kill()
