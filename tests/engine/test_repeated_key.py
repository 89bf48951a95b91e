"""A key that is repeated where nobody looks for it - a status line, a header, a redirect's host - goes no further."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from counts import count

from ..faults import Answer, Call, Fault, Sandbox, Wire
from .one_job import QUICK, Setup
from .test_secrets import Witness

CANARY = "sk-Canary-5f0c2b9e77qZz"
"""It could be part of a host's name."""
JSON_TYPE = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
WORDS: dict[str, Callable[[str], bytes]] = {
    "status line": lambda key: f"HTTP/1.1 401 Bad key {key}\r\nContent-Length: 0\r\n\r\n".encode(),
    "status line of no number": lambda key: f"HTTP/1.1 {key}\r\n\r\n".encode(),
    "status line of another protocol": lambda key: f"ICY/{key} 200 OK\r\n\r\n".encode(),
    "content type": lambda key: f"HTTP/1.1 200 OK\r\nContent-Type: text/{key}\r\nContent-Length: 2\r\n\r\nno".encode(),
    "content encoding": lambda key: f"HTTP/1.1 200 OK\r\nContent-Encoding: {key}\r\n\r\n".encode(),
    "content length": lambda key: f"HTTP/1.1 200 OK\r\nContent-Length: {key}\r\n\r\n".encode(),
    "transfer encoding": lambda key: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {key}\r\n\r\n".encode(),
    "chunk": lambda key: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{key}\r\n".encode(),
    "retry after": lambda key: f"HTTP/1.1 503 No\r\nRetry-After: {key}\r\nContent-Length: 0\r\n\r\n".encode(),
    "host of a redirect": lambda key: (
        f"HTTP/1.1 302 Found\r\nLocation: http://{key}.example.com/\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "query of a redirect": lambda key: (
        f"HTTP/1.1 302 Found\r\nLocation: /media/x?k={key}\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "no header": lambda key: f"HTTP/1.1 401 No\r\n{key}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(),
    "name of a header": lambda key: f"HTTP/1.1 401 No\r\n{key}: 1\r\nContent-Length: 0\r\n\r\n".encode(),
    "escapes of JSON": lambda key: (
        JSON_TYPE + b'{"message": "%b"}' % "".join(f"\\u{ord(char):04X}" for char in key).encode()
    ),
    "JSON in UTF-16": lambda key: JSON_TYPE + json.dumps({"message": f"Bad key {key}"}).encode("utf-16"),
    "address of the clip": lambda key: (
        JSON_TYPE.replace(b"401 Unauthorized", b"200 OK")
        + json.dumps({"status": "completed", "output": f"http://{key}.example.com/x.mp4"}).encode()
    ),
}


def repeating(words: Callable[[str], bytes]) -> Fault:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer(200, words(call.request.headers.get("authorization", "").partition(" ")[2]))

    def deliver(wire: Wire, answer: Answer, options: object) -> None:
        wire.send(answer.body)

    routes = ("runcomfy/submit", "runcomfy/status", "comet/create", "comet/retrieve", "comet/content")
    return Fault("repeats-the-key", "The key is in the answer.", routes, False, alter=alter, deliver=deliver)


@pytest.fixture
def setup(tmp_path: Path, small_mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    for variable in ("RUNCOMFY_API_TOKEN", "COMETAPI_KEY"):
        monkeypatch.setenv(variable, CANARY)
    with Sandbox(tmp_path / "sandbox", pace=QUICK, prebuilt=small_mp4) as sandbox:
        setup = Setup(sandbox, tmp_path)
        quick = {"submission": 1.0, "request": 1.0, "read": 0.5, "connect": 1.0}
        yield replace(setup, timeouts=replace(setup.timeouts, **quick), more={"timeout_s": 20.0})
        sandbox.faults.clear()
        setup.close()


@pytest.mark.parametrize("route", ["runcomfy/submit", "comet/retrieve", "comet/content"])
def test_a_key_that_is_repeated_anywhere_is_in_no_error_ledger_or_log(setup, route):
    setup = replace(setup, provider="runcomfy" if route.startswith("runcomfy") else "cometapi")
    if route == "comet/content":
        setup.sandbox.faults.set("comet/retrieve", "variant-no-video-url")
    with Witness(setup, CANARY) as witness:
        for seed, words in enumerate(WORDS.values()):
            setup.sandbox.faults.set(route, repeating(words), on_call=1, times=2)
            witness.run(seed=seed)
            count("answers that repeat the key, found nowhere")
    witness.check()


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_a_key_that_is_repeated_as_a_validator_is_neither_kept_nor_shown_to_another_host(setup, validator):
    def alter(answer: Answer, call: Call) -> Answer:
        key = call.request.headers.get("authorization", "").partition(" ")[2]
        return answer.with_headers(**{validator: f'"{key}"'})

    setup = replace(setup, provider="cometapi", more={"timeout_s": 30.0})
    setup.sandbox.faults.set("comet/retrieve", "variant-no-video-url", times=2)
    routes = ("comet/content",)
    setup.sandbox.faults.set(
        "comet/content", Fault("validator", "", routes, alter=alter, deliver=_break_midway), times=1
    )
    with Witness(setup, CANARY) as witness:
        witness.run()
        witness.run()
    witness.check()
    assert len(setup.clips()) == 1


def _break_midway(wire: Wire, answer: Answer, options: object) -> None:
    content = answer.body
    wire.send_head(answer, Content_Length=str(len(content)))
    wire.send(content[: len(content) // 2])
    wire.settle()
    wire.reset()
