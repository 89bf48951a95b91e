"""Requests over HTTP: repeated when lost, bounded in size and time, and the key kept where it belongs."""

from __future__ import annotations

import gzip
import json
import socket
import time
from contextlib import suppress
from email.utils import formatdate

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.providers.client import SANDBOX_KEY, connect
from remote_video_pack.remote_video.providers.http import Api
from remote_video_pack.remote_video.providers.response import MAX_DEPTH, MAX_RESPONSE_BYTES, Response, listed_in
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.providers.status import TransientError
from remote_video_pack.remote_video.settings import Settings

from .conftest import HASTE, KEY
from .scripted import reply, says

JSON = {"Content-Type": "application/json"}
FAR = "http://provider.invalid"
"""A base that only a proxy can reach."""


def hang_up(exchange) -> None:
    """End the connection without an answer."""


@pytest.fixture
def api(server) -> Api:
    return Api("RunComfy", server.origin, KEY, HASTE)


def test_a_request_whose_answer_was_lost_is_asked_again(server, api):
    server.will(hang_up, says({"status": "fine"}))
    assert api.get("/x").json() == {"status": "fine"}
    assert len(server.requests) == 2


def test_a_request_that_is_lost_again_is_left_to_whoever_asked(server, api):
    server.will(hang_up)
    with pytest.raises(TransientError):
        api.get("/x")
    assert len(server.requests) == 2


def test_a_cookie_is_never_sent_back(server, api):
    server.will(reply(200, b"{}", {**JSON, "Set-Cookie": "who=the-first-account; Path=/"}))
    for _ in range(2):
        api.get("/x")
    assert [seen.headers.get("cookie") for seen in server.requests] == [None, None]


def test_requests_of_one_thread_share_a_connection(server, api):
    server.will(says({}))
    for _ in range(3):
        api.get("/x")
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("wait", ["3600", "never mind"])
def test_a_retry_after_is_handed_on_and_not_slept_on(server, api, wait):
    server.will(says({}, 503, Retry_After=wait))
    assert api.get("/x").status == 503
    assert len(server.requests) == 1


def test_a_redirect_of_a_request_is_not_followed(server, proxy, api):
    server.will(reply(302, b"", {"Location": proxy.origin}))
    assert api.get("/x").status == 302
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "script",
    [
        lambda exchange: exchange.send(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"status"'),
        reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        reply(200, b'{"a": "' + b"x" * MAX_RESPONSE_BYTES + b'"}', JSON),
        reply(
            200, gzip.compress(b" " * (MAX_RESPONSE_BYTES + 1) + b"{}", mtime=0), {**JSON, "Content-Encoding": "gzip"}
        ),
    ],
    ids=["cut off", "mislabelled", "too large", "too large once unpacked"],
)
def test_an_answer_that_is_not_whole_is_no_answer(server, api, script):
    server.will(script)
    with pytest.raises(TransientError):
        api.get("/x")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}', JSON),
        (b'{"a": 1}', {}),
        (b'{"a": 1}', {"Content-Type": "application/problem+json; charset=utf-8"}),
        (b'{"a": 1}', {"Content-Type": "text/plain; charset=utf-8"}),
        (b'\xef\xbb\xbf{"a": 1}', JSON),
        (gzip.compress(b'{"a": 1}', mtime=0), {**JSON, "Content-Encoding": "gzip"}),
    ],
)
def test_json_is_read_in_every_fair_wrapping(server, api, body, headers):
    server.will(reply(200, body, headers))
    assert api.get("/x").json() == {"a": 1}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}', {"Content-Type": "text/html"}),
        (b"<html>", JSON),
        (b"", JSON),
        (b'{"a": 1},,', JSON),
        (b'{"a": "\xff\xfe"}', JSON),
        (gzip.compress(b'{"a": 1}', mtime=0), JSON),
        (b"[" * 200_000 + b"]" * 200_000, JSON),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), JSON),
        (b"9" * 100_000, JSON),
    ],
    ids=["html type", "html", "empty", "invalid", "not utf-8", "gzip unlabelled", "deep", "too deep", "long number"],
)
def test_what_is_no_sensible_json_is_none(server, api, body, headers):
    server.will(reply(200, body, headers))
    assert api.get("/x").json() is None


def test_json_as_deep_as_allowed_is_read():
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert Response(200, {}, text.encode()).json() == json.loads(text)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("315360000", 315_360_000),
        ("315360001", None),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("\u0663", None),
    ],
)
def test_retry_after_in_seconds(value, seconds):
    assert Response(429, {"Retry-After": value}, b"").retry_after == seconds


def test_retry_after_as_a_date_is_seconds_from_now():
    later, before = formatdate(time.time() + 100, usegmt=True), formatdate(time.time() - 100, usegmt=True)
    assert 90 < Response(429, {"Retry-After": later}, b"").retry_after <= 100
    assert Response(429, {"Retry-After": before}, b"").retry_after == 0
    without_zone = formatdate(time.time() + 100)
    assert without_zone.endswith("-0000")
    assert 90 < Response(429, {"Retry-After": without_zone}, b"").retry_after <= 100


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (300, {"Location": "/a\nb"}, "HTTP 300, a redirect to /a b, which is not followed"),
        (399, {"Location": "/" + "x" * 300}, "HTTP 399, a redirect to /" + "x" * 199 + ", which is not followed"),
        (302, {}, "HTTP 302"),
        (299, {"Location": "/a"}, "HTTP 299"),
        (400, {"Location": "/a"}, "HTTP 400"),
    ],
)
def test_an_answer_that_says_nothing_itself_is_told_in_few_words(status, headers, words):
    assert Response(status, headers, b"{}").summary == words
    assert words.startswith("HTTP 3") or Response(status, headers, b"<p>").summary == f"{words}, not JSON"


def test_of_a_long_listing_only_what_is_nested_too_deep_is_lost():
    deep: list[object] = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    answer = Response(200, {}, json.dumps([{"id": 1}, {"id": 2, "odd": deep}]).encode())
    assert answer.json() is None
    first, second = answer.json(clipped=True)
    assert (first, second["id"]) == ({"id": 1}, 2)
    depth, inner = 1, [first, second]
    while inner := [part for item in inner for part in (item.values() if isinstance(item, dict) else item)]:
        depth += 1
        inner = [part for part in inner if isinstance(part, (dict, list))]
    assert depth <= MAX_DEPTH


@pytest.mark.parametrize(
    ("body", "items"),
    [
        ([1], [1]),
        ({"models": [1]}, [1]),
        ({"data": {"items": [1]}}, [1]),
        ({"results": [], "data": None}, []),
        ({"data": {"data": {"data": [1]}}}, None),
        ({"data": "1"}, None),
        ({}, None),
        ("models", None),
        (None, None),
    ],
)
def test_a_listing_is_found_under_its_names_and_not_deeper_than_twice(body, items):
    assert listed_in(body) == items


def test_a_key_the_provider_repeats_is_taken_out(server, runcomfy):
    server.will(says({"detail": f"Invalid token: {KEY}"}, 401))
    with pytest.raises(errors.AccountError, match="Invalid token") as refused:
        runcomfy.status("r")
    assert KEY not in str(refused.value)


def test_a_message_is_one_line_of_bearable_length_that_can_be_stored(server, runcomfy):
    server.will(says({"message": "a\n\tb \ud800 " + "x" * 100_000}, 500))
    with pytest.raises(TransientError) as passing:
        runcomfy.status("r")
    text = str(passing.value)
    assert "a b \\ud800 x" in text
    assert len(text) < 2100
    text.encode("utf-8")


def test_no_error_of_a_lost_connection_holds_the_key(server, api):
    server.will(hang_up)
    with pytest.raises(TransientError) as passing:
        api.get("/x")
    error: BaseException | None = passing.value
    while error is not None:
        assert KEY not in repr(error)
        assert getattr(error, "request", None) is None
        error = error.__cause__ or error.__context__


# -- proxies and .netrc ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_never_swallows_what_is_meant_for_this_machine(server, proxy, monkeypatch, submission, host):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.origin)
    server.will(says({"request_id": "r", "status": "in_queue", "outcome": "cancelled"}))
    provider = RunComfy(f"http://{host}:{server.port}", KEY, timeouts=HASTE)
    provider.submit(submission)
    provider.status("r")
    provider.cancel("r")
    assert (len(server.requests), proxy.connections) == (3, 0)


def test_a_far_provider_is_asked_through_the_environments_proxy(proxy, monkeypatch, submission):
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    proxy.will(says({"request_id": "r", "status": "in_queue"}))
    provider = RunComfy(FAR, KEY, timeouts=HASTE)
    assert provider.submit(submission) == "r"
    provider.status("r")
    assert [seen.path for seen in proxy.requests] == [f"{FAR}{submission.path}", f"{FAR}/v1/requests/r/status"]


def test_a_proxy_that_is_not_there_means_not_sent(monkeypatch, submission):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{placeholder.getsockname()[1]}")
        with pytest.raises(errors.NotSent):
            RunComfy(FAR, KEY, timeouts=HASTE).submit(submission)


@pytest.mark.parametrize("base", ["far", "near"])
def test_a_netrc_file_never_replaces_the_key(server, proxy, monkeypatch, tmp_path, submission, base):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    if base == "far":
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    asked = proxy if base == "far" else server
    asked.will(says({"request_id": "r", "status": "in_queue"}))
    provider = RunComfy(FAR if base == "far" else server.origin, KEY, timeouts=HASTE)
    provider.submit(submission)
    provider.status("r")
    assert [seen.headers["authorization"] for seen in asked.requests] == [f"Bearer {KEY}"] * 2


# -- which provider, which key -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider_id", PROVIDERS)
def test_each_provider_is_asked_at_its_own_base_by_its_own_client_with_its_own_key(
    server, proxy, home, monkeypatch, provider_id
):
    for number, provider in enumerate(PROVIDERS.values()):
        monkeypatch.setenv(provider.key_variables[0], f"{KEY}-{number}")
    base_urls = {other: server.origin if other == provider_id else proxy.origin for other in PROVIDERS}
    server.will(says({"status": "queued"}))
    connection = connect(provider_id, Settings(home, base_urls=base_urls, timeouts=HASTE))
    with suppress(TransientError):  # not every provider has such an answer
        connection.client.status("r")
    key = f"{KEY}-{list(PROVIDERS).index(provider_id)}"
    assert (connection.client.name, connection.client.endpoint) == (PROVIDERS[provider_id].name, server.origin)
    assert (connection.account_key, server.only_request.headers["authorization"]) == (key, f"Bearer {key}")
    assert key not in repr(connection)
    assert not proxy.requests


@pytest.mark.parametrize("sandbox", [False, True])
def test_a_name_nobody_has_gets_no_client_and_no_key(home, monkeypatch, sandbox):
    for provider in PROVIDERS.values():
        monkeypatch.setenv(provider.key_variables[0], KEY)
    with pytest.raises(ValueError, match="unknown provider"):
        connect("elsewhere", Settings(home, sandbox=sandbox))


def test_without_a_key_nothing_is_connected(home):
    with pytest.raises(errors.AccountError, match="no RunComfy key") as refused:
        connect("runcomfy", Settings(home))
    assert "REMOTE_VIDEO_SANDBOX=1" in refused.value.next_step


@pytest.mark.parametrize("provider_id", PROVIDERS)
def test_a_saved_key_never_goes_to_this_machine(server, home, monkeypatch, provider_id):
    Accounts(home).save(provider_id, KEY)
    settings = Settings(home, base_urls=dict.fromkeys(PROVIDERS, server.origin), timeouts=HASTE)
    server.will(says({"status": "queued"}))
    for _ in range(2):
        with suppress(TransientError):
            connect(provider_id, settings).client.status("r")
        monkeypatch.setenv(PROVIDERS[provider_id].key_variables[0], "of-the-recipe")
    shown = [seen.headers["authorization"] for seen in server.requests]
    assert shown == [f"Bearer {SANDBOX_KEY}", "Bearer of-the-recipe"]


@pytest.mark.parametrize("provider_id", ["runcomfy", "cometapi"])
def test_the_sandbox_needs_no_key_and_is_one_endpoint_whatever_its_port(home, provider_id):
    settings = Settings(home, sandbox=True, timeouts=HASTE)
    client = connect(provider_id, settings).client
    assert (client.name, client.endpoint) == (PROVIDERS[provider_id].name, "sandbox")
    assert settings.endpoint(provider_id) == "sandbox"
