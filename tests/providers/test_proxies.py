"""The way out through a proxy, and what else stands in its variable: nothing is uncertain before a byte has left."""

from __future__ import annotations

import socket
import threading

import pytest
import requests
from remote_video_pack.remote_video.errors import Billed, JobUncertain, NotSent, SettingsError
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.providers.status import CancelOutcome, TransientError

from .conftest import HASTE, KEY
from .scripted import ScriptedProvider, says

FAR = "https://provider.invalid"
NO_ADDRESSES = [
    "http://user:hidden@",
    "http://",
    "https://",
    "//",
    ":8080",
    "http:127.0.0.1:9",
    "http://[::1",
    "http://[hidden]:9",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:0",
    "http://127.0.0.1:hidden",
    "http://127.0.0.1:" + "9" * 5000,
    "http:///user:hidden",
    "http://user:hidden/x@127.0.0.1:9",
    "http://user:hidden#x@127.0.0.1:9",
    "http://user:hid\nden@127.0.0.1:9",
    "http://user:hidden\u20ac@127.0.0.1:9",
    "http://user:hidden@@:9:9",
    "http://hid den:80",
    " http://127.0.0.1:9",
    "http://\udc80:80",
    "http://\u2603:80",
    "socks5://",
    "socks5://user:hidden@",
    "socks5://x:99999",
    "ftp://hidden:1",
]


def called(provider: RunComfy, submission, call: str):
    return provider.submit(submission) if call == "submit" else provider.status("r")


@pytest.mark.parametrize("value", NO_ADDRESSES, ids=ascii)
@pytest.mark.parametrize("call", ["submit", "status"])
def test_a_proxy_that_can_be_none_is_said_by_its_variables_name_and_never_quoted(monkeypatch, submission, value, call):
    monkeypatch.setenv("HTTPS_PROXY", value)
    provider = RunComfy(FAR, KEY, timeouts=HASTE)
    with pytest.raises(SettingsError, match="variable HTTPS_PROXY ") as told:
        called(provider, submission, call)
    assert told.value.billed is (Billed.NO if call == "submit" else Billed.YES)
    assert "hid" not in str(told.value)
    assert told.value.__cause__ is None
    assert provider.cancel("r") is CancelOutcome.UNKNOWN


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_variable_that_is_named_is_the_one_that_counts(monkeypatch, submission, variable):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(variable, "http://user:hidden@")
    with pytest.raises(SettingsError, match=f"variable {variable} "):
        RunComfy(FAR, KEY, timeouts=HASTE).submit(submission)


@pytest.mark.parametrize(
    "odd",
    ["[::1", "10.0.0.0/99", "10.0.0.0/", "(", ",,,", "\udc80", "::1/128", "x:99999", "a" * 9999],
    ids=lambda odd: ascii(odd[:9]),
)
@pytest.mark.parametrize("host", ["provider.invalid", "10.1.2.3", "[2001:db8::1]"])
def test_an_odd_no_proxy_excludes_nothing_and_harms_nothing(monkeypatch, submission, odd, host):
    with ScriptedProvider([says({"request_id": "r"})]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        monkeypatch.setenv("NO_PROXY", odd)
        assert RunComfy(f"http://{host}", KEY, timeouts=HASTE).submit(submission) == "r"
        assert len(proxy.requests) == 1


def test_a_proxy_at_an_ipv6_address_is_reached(monkeypatch, submission):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("needs IPv6 on this machine")
    heard: list[bytes] = []

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(1000))
            connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    with listener:
        threading.Thread(target=refuse, daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://[::1]:{listener.getsockname()[1]}")
        with pytest.raises(NotSent):
            RunComfy(FAR, KEY, timeouts=HASTE).submit(submission)
    assert heard and heard[0].startswith(b"CONNECT provider.invalid:443")


def fail_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(self, request, **more):
        raise TypeError("another pack's")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


def fail_after(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.adapters.HTTPAdapter.send

    def send(self, request, **more):
        original(self, request, **more)
        raise TypeError("another pack's")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


@pytest.mark.parametrize(("fail", "kind"), [(fail_before, NotSent), (fail_after, JobUncertain)])
def test_whether_a_byte_has_left_is_known_by_the_connection_and_not_by_the_errors_type(
    server, runcomfy, monkeypatch, submission, fail, kind
):
    fail(monkeypatch)
    server.will(says({"request_id": "r"}))
    with pytest.raises(kind):
        runcomfy.submit(submission)
    assert len(server.requests) == (kind is JobUncertain)
    with pytest.raises(TransientError):
        runcomfy.status("r")


@pytest.fixture
def no_pysocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PySocks is not installed, whatever is."""

    def missing(*args: object, **more: object) -> None:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", missing)


@pytest.mark.usefixtures("no_pysocks")
@pytest.mark.parametrize("call", ["submit", "status"])
def test_a_socks_proxy_without_pysocks_is_said_at_once(monkeypatch, submission, call):
    monkeypatch.setenv("ALL_PROXY", "socks5://user:hidden@127.0.0.1:9")
    with pytest.raises(SettingsError, match="PySocks") as told:
        called(RunComfy(FAR, KEY, timeouts=HASTE), submission, call)
    assert "HTTPS_PROXY" in told.value.next_step
    assert "hidden" not in str(told.value)
