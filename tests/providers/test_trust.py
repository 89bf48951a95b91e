"""Who is at the other end: a key goes to nobody whose certificate wasn't looked at, and what must be set is said."""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import urllib3
from remote_video_pack.remote_video.errors import Billed, SettingsError
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.providers.status import CancelOutcome

from ..clips.clip_host import RawHost, speaking
from .conftest import HASTE, KEY
from .tls import certificate_of

ANSWER = b'{"request_id": "r", "status": "in_queue"}'
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"


@dataclass
class Impostor:
    """Answers over TLS with a certificate that nobody knows, and keeps what it hears."""

    certificate: Path
    heard: list[bytes] = field(default_factory=list)

    def speak(self, connection: socket.socket, closing: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.settimeout(0.3)
            with suppress(TimeoutError):
                while piece := secured.recv(100_000):
                    self.heard.append(piece)
            secured.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER)


@pytest.fixture(autouse=True)
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nobody has named certificates."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_of("127.0.0.1", tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def impostor(certificate: Path) -> Impostor:
    return Impostor(certificate)


@pytest.fixture
def host(impostor: Impostor) -> Iterator[RawHost]:
    with speaking(impostor.speak) as running:
        yield running


@pytest.fixture
def far(host: RawHost) -> RunComfy:
    return RunComfy(f"https://127.0.0.1:{host.port}", KEY, timeouts=HASTE)


@pytest.mark.parametrize("call", ["submit", "status"])
def test_a_certificate_that_is_not_trusted_is_said_at_once_with_what_to_set(far, host, submission, call):
    with pytest.raises(SettingsError, match="not trusted here") as told:
        far.submit(submission) if call == "submit" else far.status("r")
    assert "REQUESTS_CA_BUNDLE" in told.value.next_step
    assert told.value.billed is (Billed.NO if call == "submit" else Billed.YES)
    assert host.accepted <= 2


def test_a_cancel_that_can_not_be_trusted_is_unknown(far):
    assert far.cancel("r") is CancelOutcome.UNKNOWN


def test_a_certificate_that_the_user_names_is_trusted(far, impostor, certificate, monkeypatch, submission):
    monkeypatch.setattr("remote_video_pack.remote_video.providers.http.is_loopback", lambda url: False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert far.submit(submission) == "r"
    assert any(KEY.encode() in heard for heard in impostor.heard)


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nA\n", b"\x00\xff"])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("call", ["submit", "status"])
def test_a_bundle_that_is_not_there_or_is_none_is_said(
    far, impostor, monkeypatch, submission, tmp_path, variable, content, call
):
    monkeypatch.setattr("remote_video_pack.remote_video.providers.http.is_loopback", lambda url: False)
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv(variable, str(bundle))
    with pytest.raises(SettingsError, match=f"{variable} does not name a file") as told:
        far.submit(submission) if call == "submit" else far.status("r")
    assert told.value.billed is (Billed.NO if call == "submit" else Billed.YES)
    assert impostor.heard == []


# -- other packs -------------------------------------------------------------------------------------------------------


def request_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.Session.request

    def request(self, *args, **more):
        return original(self, *args, **{**more, "verify": False})

    monkeypatch.setattr(requests.Session, "request", request)


def request_partially_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.Session, "request", functools.partialmethod(requests.Session.request, verify=False))


def sessions_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.Session.__init__

    def init(self) -> None:
        original(self)
        self.verify = False

    monkeypatch.setattr(requests.Session, "__init__", init)


def environment_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.Session.merge_environment_settings

    def merge(self, *args, **more):
        return {**original(self, *args, **more), "verify": False}

    monkeypatch.setattr(requests.Session, "merge_environment_settings", merge)


def adapters_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.adapters.HTTPAdapter.send

    def send(self, request, **more):
        return original(self, request, **{**more, "verify": False})

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


def checks_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.adapters.HTTPAdapter.cert_verify

    def cert_verify(self, conn, url, verify, cert):
        return original(self, conn, url, False, cert)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "cert_verify", cert_verify)


def contexts_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original = urllib3.connection.ssl_wrap_socket

    def wrap(*args, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return original(*args, **{**more, "ssl_context": context, "ca_certs": None})

    monkeypatch.setattr(urllib3.connection, "ssl_wrap_socket", wrap)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize(
    "tamper",
    [
        request_without,
        request_partially_without,
        sessions_without,
        environment_without,
        adapters_without,
        checks_without,
        contexts_without,
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_no_impostor_gets_the_key_when_another_pack_has_turned_verification_off(
    far, host, impostor, monkeypatch, submission, tamper
):
    tamper(monkeypatch)
    if tamper is not contexts_without:
        with requests.Session() as session:
            assert session.get(f"https://127.0.0.1:{host.port}/", timeout=5).json()
        impostor.heard.clear()
    for call in (lambda: far.submit(submission), lambda: far.status("r")):
        with pytest.raises(Exception, match="certificate"):
            call()
    assert far.cancel("r") is CancelOutcome.UNKNOWN
    assert not any(KEY.encode() in heard for heard in impostor.heard)


def test_no_impostor_with_another_hosts_certificate_gets_the_key_when_names_are_not_compared(
    monkeypatch, tmp_path, submission
):
    certificate = certificate_of("other.example.com", tmp_path)
    original = requests.adapters.HTTPAdapter.init_poolmanager

    def init_poolmanager(self, *args, **more):
        return original(self, *args, **{**more, "assert_hostname": False})

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "init_poolmanager", init_poolmanager)
    monkeypatch.setattr("remote_video_pack.remote_video.providers.http.is_loopback", lambda url: False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    impostor = Impostor(certificate)
    with speaking(impostor.speak) as host, pytest.raises(SettingsError, match="not trusted here"):
        RunComfy(f"https://127.0.0.1:{host.port}", KEY, timeouts=HASTE).submit(submission)
    assert impostor.heard == []
