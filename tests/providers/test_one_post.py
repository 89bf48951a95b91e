"""A submission leaves once. How it ends is told apart: never sent, refused, or uncertain."""

from __future__ import annotations

import socket
import struct

import pytest
from remote_video_pack.remote_video.errors import JobUncertain, NotSent, RefusedByProvider
from remote_video_pack.remote_video.providers.client import Submission
from remote_video_pack.remote_video.providers.cometapi import CometApi
from remote_video_pack.remote_video.providers.runcomfy import RunComfy

from .conftest import HASTE, KEY
from .scripted import reads_itself, reply

LARGE = Submission("/v1/models/a/b", [b'{"prompt": "', b"x" * 20_000_000, b'"}'], "application/json", "a/b")
"""More than a socket's buffers take: the other side sees it only in parts."""


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def say(data: bytes):
    return lambda exchange: exchange.send(data)


def reset_after(size: int | None):
    def script(exchange) -> None:
        exchange.read_body(size)
        exchange.reset()

    return reads_itself(script)


def stay_silent(exchange) -> None:
    exchange.connection.settimeout(HASTE.submission + 5)
    exchange.connection.recv(1)


@pytest.fixture(params=["runcomfy", "comet"])
def provider(request, server):
    if request.param == "runcomfy":
        return RunComfy(server.origin, KEY, timeouts=HASTE)
    return CometApi(server.origin, KEY, timeouts=HASTE)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(reset_after(0), id="reset before the body is read"),
        pytest.param(reset_after(10_000), id="reset in the middle of the body"),
        pytest.param(reset_after(None), id="reset after the body"),
        pytest.param(lambda exchange: None, id="closed without an answer"),
        pytest.param(say(b"HTTP/1.1 20"), id="cut in the status line"),
        pytest.param(say(b"HTTP/1.1 202 Accepted\r\nContent-Le"), id="cut in the headers"),
        pytest.param(say(b"220 mail.example ESMTP\r\n\r\n"), id="not HTTP"),
        pytest.param(say(b'HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"request_id"'), id="cut in the body"),
        pytest.param(
            say(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"), id="cut in a chunk of the body"
        ),
        pytest.param(stay_silent, id="silence until the time is up"),
        pytest.param(reply(200, b"no gzip", {"Content-Encoding": "gzip"}), id="not what it is labelled as"),
    ],
)
def test_a_lost_answer_is_uncertain_and_nothing_is_sent_twice(server, provider, script):
    server.will(script)
    with pytest.raises(JobUncertain, match="may or may not exist"):
        provider.submit(LARGE)
    assert (server.connections, len(server.requests)) == (1, 1)


def test_a_connection_that_broke_at_the_first_byte_is_uncertain(server, provider):
    server.greets = reset
    with pytest.raises(JobUncertain):
        provider.submit(LARGE)
    assert server.connections == 1


def test_a_refusal_that_comes_before_the_body_is_read_counts(server, provider):
    def refuse_early(exchange) -> None:
        exchange.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        exchange.read_body()

    server.will(reads_itself(refuse_early))
    with pytest.raises(RefusedByProvider, match="413"):
        provider.submit(LARGE)
    assert server.connections == 1


def test_a_port_nobody_listens_on_means_not_sent():
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        with pytest.raises(NotSent):
            RunComfy(f"http://127.0.0.1:{port}", KEY, timeouts=HASTE).submit(LARGE)


def test_a_name_that_does_not_resolve_means_not_sent():
    with pytest.raises(NotSent):
        RunComfy("https://provider.invalid", KEY, timeouts=HASTE).submit(LARGE)


def test_a_failed_tls_handshake_means_not_sent(server):
    def speak_plainly(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server.greets = speak_plainly
    with pytest.raises(NotSent):
        RunComfy(f"https://127.0.0.1:{server.port}", KEY, timeouts=HASTE).submit(LARGE)
    assert not server.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_never_followed(server, proxy, provider, status):
    server.will(reply(status, b"", {"Location": f"{proxy.origin}/v1/models/a/b"}))
    with pytest.raises(RefusedByProvider, match="not followed"):
        provider.submit(LARGE)
    assert (server.connections, proxy.connections) == (1, 0)


def test_each_submission_has_a_connection_of_its_own(server, runcomfy):
    server.will(reply(202, b'{"request_id": "r"}'))
    for _ in range(3):
        runcomfy.submit(LARGE)
    assert (server.connections, len(server.requests)) == (3, 3)
