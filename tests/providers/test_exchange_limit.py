"""One limit for a whole exchange, below TLS and through a proxy too; `cut` ends it from another thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from remote_video_pack.remote_video.providers.exchange_limit import ExchangeLimit, LimitedAdapter

from ..clips.clip_host import dripping, speaking
from .tls import Speak, certificate_of, over_tls

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
IN_TIME_S = 15.0
"""Without a limit it would be a minute or more."""
DRIPS = {
    "dripping headers": dripping(HEAD + b"X-Much: ", b"x"),
    "a dripping body": dripping(HEAD.replace(b"2", b"1000") + b"\r\n", b"x"),
    "silence": dripping(b"", b""),
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_of("127.0.0.1", tmp_path_factory.mktemp("certificate"))


def answering_once(speak: Speak) -> Speak:
    """A whole answer to the first request of a connection, and `speak` to the second."""

    def twice(connection: socket.socket, closing: threading.Event) -> None:
        connection.recv(10_000)
        connection.sendall(HEAD + b"\r\nok")
        connection.recv(10_000)
        speak(connection, closing)

    return twice


@pytest.fixture
def session(certificate: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(certificate)
        yield session


def limited(session: requests.Session, seconds: float) -> ExchangeLimit:
    limit = ExchangeLimit(time.monotonic() + seconds)
    session.mount("http://", adapter := LimitedAdapter(limit))
    session.mount("https://", adapter)
    return limit


def ends_by_itself(session: requests.Session, url: str, limit: ExchangeLimit) -> None:
    began = time.monotonic()
    with limit, pytest.raises((requests.ConnectionError, requests.Timeout)):
        session.get(url, timeout=60)
    assert time.monotonic() - began < IN_TIME_S


def ends_when_cut(session: requests.Session, url: str, limit: ExchangeLimit) -> None:
    cutting = threading.Timer(0.3, limit.cut)
    cutting.start()
    ends_by_itself(session, url, limit)
    cutting.join()


@pytest.mark.parametrize("drip", DRIPS)
def test_it_holds_below_tls(session: requests.Session, certificate: Path, drip: str):
    with speaking(over_tls(DRIPS[drip], certificate)) as host:
        url = f"https://127.0.0.1:{host.port}/"
        ends_by_itself(session, url, limited(session, 0.4))
        ends_when_cut(session, url, limited(session, 60))


def test_it_holds_while_tls_is_agreed_on(session: requests.Session):
    with speaking(DRIPS["silence"]) as host:
        url = f"https://127.0.0.1:{host.port}/"
        ends_by_itself(session, url, limited(session, 0.4))
        ends_when_cut(session, url, limited(session, 60))


@pytest.mark.parametrize("drip", DRIPS)
def test_it_holds_through_a_proxy(session: requests.Session, drip: str):
    with speaking(DRIPS[drip]) as proxy:
        session.proxies = {"http": f"http://127.0.0.1:{proxy.port}"}
        ends_by_itself(session, "http://clips.example.com/", limited(session, 0.4))
        ends_when_cut(session, "http://clips.example.com/", limited(session, 60))


def test_a_body_that_is_read_slowly_is_given_up_in_time(session: requests.Session):
    """Each piece goes out within the socket's timeout."""

    def read_slowly(connection: socket.socket, closing: threading.Event) -> None:
        while not closing.wait(0.05):
            connection.recv(1_000_000)

    with speaking(read_slowly) as host, limited(session, 0.5):
        began = time.monotonic()
        with pytest.raises((requests.ConnectionError, requests.Timeout)):
            pieces = (bytes(500_000) for _ in range(100))
            session.post(f"http://127.0.0.1:{host.port}/", data=pieces, timeout=60)
    assert time.monotonic() - began < IN_TIME_S


def test_a_connection_that_opens_after_the_cut_is_cut_too():
    ours, theirs = socket.socketpair()
    with ours, theirs, ExchangeLimit(time.monotonic() + 60) as limit:
        limit.cut()
        limit.follow(ours)
        theirs.settimeout(5)
        assert theirs.recv(1) == b""


def test_a_connection_that_was_kept_is_cut_as_well(session: requests.Session):
    with speaking(answering_once(DRIPS["silence"])) as host:
        url = f"http://127.0.0.1:{host.port}/"
        with limited(session, 60):
            assert session.get(url, timeout=5).text == "ok"
        session.adapters["http://"].limit = second = ExchangeLimit(time.monotonic() + 60)
        ends_when_cut(session, url, second)
    assert host.accepted == 1


def test_a_whole_answer_comes_through_tls(session: requests.Session, certificate: Path):
    answer = HEAD.replace(b"2\r\n", b"500000\r\n") + b"\r\n" + bytes(500_000)
    with speaking(over_tls(dripping(answer, b""), certificate)) as host, limited(session, 20):
        assert session.get(f"https://127.0.0.1:{host.port}/", timeout=5).content == bytes(500_000)


FILES = Path("/proc/self/fd")


@pytest.mark.skipif(not FILES.exists(), reason="counts open files as Linux shows them")
def test_nothing_stays_open(session: requests.Session):
    with speaking(lambda connection, closing: connection.sendall(HEAD + b"\r\nok")) as host:
        before = len(list(FILES.iterdir()))
        for _ in range(20):
            with limited(session, 20):
                session.get(f"http://127.0.0.1:{host.port}/", timeout=5)
            session.close()
        time.sleep(0.1)
        assert len(list(FILES.iterdir())) <= before + 2
