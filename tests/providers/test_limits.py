"""Limits that hold: whatever a server does to put the end off, an exchange is over in time."""

from __future__ import annotations

import itertools
import socket
import time

import pytest
from remote_video_pack.remote_video.errors import JobUncertain, NotSent
from remote_video_pack.remote_video.providers import http
from remote_video_pack.remote_video.providers.client import Client, Submission
from remote_video_pack.remote_video.providers.cometapi import CometApi
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.providers.status import CancelOutcome, TransientError
from remote_video_pack.remote_video.timeouts import Timeouts

from .conftest import KEY
from .scripted import reads_itself, says

LIMIT_S = 0.5
IN_TIME_S = 15.0
"""Without its limit none of them is over within a minute."""
SMALL = Submission("/v1/models/a/b", [b'{"prompt": "a wave"}'], "application/json", "a/b")
HEAD = b"HTTP/1.1 200 OK\r\n"
ID = b'{"request_id": "r", "id": "r", "status": "queued"}'


def drip(begin: bytes, drop: bytes, every_s: float = 0.1):
    """A server that says `begin`, and then a drop of it now and then until it is left."""

    def script(exchange) -> None:
        try:
            exchange.send(begin)
            for _ in itertools.count():
                time.sleep(every_s)
                exchange.send(drop)
        except OSError:
            pass

    return script


ENDLESS = [
    pytest.param(drip(HEAD + b"X-Drip: ", b"x"), id="a byte of the head each 0.1 s"),
    pytest.param(drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), id="100 Continue for ever"),
    pytest.param(drip(HEAD + b"Content-Length: 1000\r\n\r\n" + ID, b" "), id="a byte of the body each 0.1 s"),
    pytest.param(drip(HEAD + b"\r\n" + ID, b" "), id="a body that ends when the connection does"),
    pytest.param(drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), id="a chunk each 0.1 s"),
    pytest.param(drip(b"", b"", 5.0), id="silence"),
]


@pytest.fixture(params=["runcomfy", "comet"])
def client(request, server) -> Client:
    timeouts = Timeouts(connect=5, request=LIMIT_S, submission=LIMIT_S)
    kind = RunComfy if request.param == "runcomfy" else CometApi
    return kind(server.origin, KEY, timeouts=timeouts)


@pytest.fixture
def in_time():
    """The test's exchanges are over in time."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < IN_TIME_S


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("endless", ENDLESS)
def test_a_submission_that_runs_into_its_limit_is_uncertain_and_sent_once(server, client, endless):
    server.will(endless)
    with pytest.raises(JobUncertain, match="may or may not exist"):
        client.submit(SMALL)
    assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("endless", ENDLESS)
def test_asking_for_a_status_is_over_in_time(server, client, endless):
    server.will(endless)
    with pytest.raises(TransientError):
        client.status("r")


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("endless", ENDLESS)
def test_a_connection_that_was_kept_has_a_limit_as_well(server, client, endless):
    server.will(says({"id": "r", "status": "queued"}), endless)
    client.status("r")
    with pytest.raises(TransientError):
        client.status("r")
    assert server.connections == 1


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("endless", ENDLESS)
def test_a_cancel_is_over_in_time(server, endless):
    server.will(endless)
    client = RunComfy(server.origin, KEY, timeouts=Timeouts(connect=5, request=LIMIT_S))
    assert client.cancel("r") is CancelOutcome.UNKNOWN


def test_a_limit_is_each_exchanges_own(server, client):
    server.will(says({"id": "r", "status": "queued"}))
    client.status("r")
    time.sleep(LIMIT_S)
    client.status("r")


def test_a_body_that_takes_long_to_send_has_time_for_it(server, monkeypatch):
    limit_s = 2.0
    monkeypatch.setattr(http, "SLOWEST_UPLINK", 1_000_000)
    large = Submission(SMALL.path, [b" " * 20_000_000], SMALL.content_type, SMALL.model)

    def read_slowly(exchange) -> None:
        for _ in range(10):
            exchange.read_body(2_000_000)
            time.sleep(1.25 * limit_s / 10)
        exchange.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(ID) + ID)

    server.will(reads_itself(read_slowly))
    client = RunComfy(server.origin, KEY, timeouts=Timeouts(connect=5, submission=limit_s))
    assert client.submit(large) == "r"


@pytest.mark.usefixtures("in_time")
def test_a_body_nobody_reads_is_given_up(server):
    large = Submission(SMALL.path, [b" " * 20_000_000], SMALL.content_type, SMALL.model)
    server.will(reads_itself(lambda exchange: time.sleep(60)))
    with pytest.raises(JobUncertain):
        RunComfy(server.origin, KEY, timeouts=Timeouts(connect=LIMIT_S, submission=60)).submit(large)


# -- which limit is whose ----------------------------------------------------------------------------------------------


def late(exchange) -> None:
    time.sleep(0.6)
    exchange.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(ID) + ID)


def say_nothing(connection: socket.socket) -> None:
    connection.settimeout(60)
    while connection.recv(1000):
        pass


def test_an_answer_may_take_longer_than_a_connection(server):
    server.will(late)
    client = RunComfy(server.origin, KEY, timeouts=Timeouts(connect=0.2, request=5, submission=5))
    assert client.submit(SMALL) == "r"
    assert client.status("r").raw_status == "queued"


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("call", ["submit", "status"])
def test_a_connection_may_not_take_as_long_as_an_answer(server, call):
    server.greets = say_nothing
    origin = f"https://127.0.0.1:{server.port}"
    client = RunComfy(origin, KEY, timeouts=Timeouts(connect=0.2, request=60, submission=60))
    with pytest.raises((NotSent, TransientError)):
        client.submit(SMALL) if call == "submit" else client.status("r")


@pytest.mark.usefixtures("in_time")
def test_a_submission_is_not_bound_by_the_limit_of_what_may_be_repeated(server):
    server.will(late)
    timeouts = Timeouts(connect=5, request=0.1, submission=5)
    assert RunComfy(server.origin, KEY, timeouts=timeouts).submit(SMALL) == "r"
