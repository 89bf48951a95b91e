"""What comes over the wire is bounded and counted here, whatever a header claims and whichever urllib3 is installed."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest
from remote_video_pack.remote_video.errors import JobUncertain, RateLimited
from remote_video_pack.remote_video.providers.http import Api
from remote_video_pack.remote_video.providers.response import MAX_RESPONSE_BYTES
from remote_video_pack.remote_video.providers.status import TransientError

from .conftest import HASTE, KEY
from .scripted import reply

FINE = json.dumps({"status": "fine"}).encode()
ENDLESS_DIGITS = "9" * 5000


@pytest.fixture
def api(server) -> Api:
    return Api("RunComfy", server.origin, KEY, HASTE)


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 9999 00:00:00 -9999",
        "Mon, 01 Jan 2026 99:99:99 GMT",
        ENDLESS_DIGITS,
        "9" * 18,
    ],
)
def test_a_retry_after_that_can_not_be_meant_counts_as_absent(server, runcomfy, submission, value):
    server.will(reply(429, b"{}", {"Content-Type": "application/json", "Retry-After": value}))
    with pytest.raises(RateLimited) as busy:
        runcomfy.submit(submission)
    assert busy.value.retry_after is None


@pytest.mark.parametrize("value", [ENDLESS_DIGITS, "twelve", "-1", "\u00b2"])
def test_a_content_length_that_is_no_number_counts_as_absent(server, api, value):
    def script(exchange) -> None:
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\n".encode("latin-1") + FINE)

    server.will(script)
    assert api.get("/x").json() == {"status": "fine"}


def packed(times: int) -> bytes:
    body = FINE
    for _ in range(times):
        body = gzip.compress(body, mtime=0)
    return body


def test_a_body_of_several_gzip_members_is_read_whole(server, api):
    body = gzip.compress(FINE[:5]) + gzip.compress(FINE[5:])
    server.will(reply(200, body, {"Content-Encoding": "gzip"}))
    assert api.get("/x").json() == {"status": "fine"}
    assert server.only_request.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip, gzip", packed(2)),
        ("gzip, identity, gzip", packed(2)),
        ("br", FINE),
        ("gzip", packed(1)[:-12]),
        ("gzip", packed(1) + b"more"),
    ],
    ids=["twice", "twice with identity", "unknown", "cut", "with something behind it"],
)
def test_a_body_packed_otherwise_than_once_and_whole_is_no_answer(server, api, submission, runcomfy, coding, body):
    server.will(reply(200, body, {"Content-Encoding": coding}))
    with pytest.raises(TransientError):
        api.get("/x")
    with pytest.raises(JobUncertain):
        runcomfy.submit(submission)


def growth(api: Api) -> int:
    """The most memory that one question takes, bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(TransientError):
            api.get("/x")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_body_that_unpacks_into_much_takes_little_memory(server, api):
    inner = gzip.compress(bytes(200_000_000), 9)
    assert len(inner) < 250_000
    for coding, body in [("gzip", inner), ("gzip, gzip", gzip.compress(inner))]:
        server.will(reply(200, body, {"Content-Encoding": coding}))
        assert growth(api) < 6 * MAX_RESPONSE_BYTES


def test_an_answer_of_many_small_things_takes_little_memory(server, api):
    def script(exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15000000\r\n\r\n[")
        for _ in range(500):
            exchange.send(b"[]," * 10_000)

    server.will(script)
    assert growth(api) < 6 * MAX_RESPONSE_BYTES
    assert MAX_RESPONSE_BYTES == 2**20
