"""The proxy that tests put before a database: every fault is one that a client and a server see on a real network."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from .engine.one_job import wait_until
from .fault_proxy import FaultProxy


class Echo:
    """Says everything back in capitals, and keeps what it heard."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard: list[bytes] = []
        self.seen: list[tuple[str, int]] = []
        """Where they come from."""
        self.ended = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, address = self._listener.accept()
            self.seen.append(address)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.heard.append(data)
                    connection.sendall(data.upper())
            except OSError:
                pass
        self.ended += 1


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    with FaultProxy(echo.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[socket.socket]:
    with connect(proxy) as connection:
        assert ask(connection, b"hello") == b"HELLO"
        yield connection


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def ask(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(65536)


def test_both_sides_hear_each_other_and_of_each_other_s_end(client, proxy, echo) -> None:
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    wait_until(lambda: echo.ended == 1 and proxy.connections == 0)
    assert echo.heard == [b"hello"]


def test_a_closed_port_refuses_and_keeps_those_who_are_in(client, proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    assert ask(client, b"still in") == b"STILL IN"
    proxy.heal()
    with connect(proxy) as other:
        assert ask(other, b"back") == b"BACK"


def test_a_cut_is_a_reset_or_an_end(client, proxy, echo) -> None:
    with connect(proxy) as other:
        assert ask(other, b"too") == b"TOO"
        proxy.cut()
        for connection in (client, other):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    with connect(proxy) as gentle:
        assert ask(gentle, b"me") == b"ME"
        proxy.cut(reset=False)
        assert gentle.recv(1) == b""
    wait_until(lambda: echo.ended == 3, "the server to hear of it")
    assert proxy.connections == 0


def test_what_is_swallowed_is_answered_by_nobody_until_it_is_healed(client, proxy, echo) -> None:
    proxy.swallow()
    with connect(proxy) as late:
        for connection in (client, late):
            connection.settimeout(0.1)
            with pytest.raises(TimeoutError):
                ask(connection, b"anybody?")
            connection.settimeout(10)
        assert echo.heard == [b"hello"]
        proxy.heal()
        assert [client.recv(99), late.recv(99)] == [b"ANYBODY?"] * 2


def test_only_the_answers_can_be_swallowed(client, proxy, echo) -> None:
    proxy.swallow("down")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        ask(client, b"do it")
    assert echo.heard == [b"hello", b"do it"]
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)


@pytest.mark.parametrize("delays", [{"up_s": 0.15}, {"down_s": 0.15}])
def test_every_piece_can_be_late(client, proxy, delays) -> None:
    proxy.delay(**delays)
    for data in (b"one", b"two"):
        began = time.monotonic()
        assert ask(client, data) == data.upper()
        assert time.monotonic() - began >= 0.15


def test_a_cut_before_certain_words(client, proxy, echo) -> None:
    cut = proxy.cut_at(b"COMMIT", forwarded=False)
    assert ask(client, b"BEGIN") == b"BEGIN"
    with pytest.raises(ConnectionResetError):
        ask(client, b"COMMIT;")
    assert cut.done.wait(10)
    wait_until(lambda: echo.ended)
    assert echo.heard == [b"hello", b"BEGIN"]
    with connect(proxy) as other:
        assert ask(other, b"COMMIT") == b"COMMIT", "once"


def test_a_cut_after_certain_words_that_came_in_pieces(client, proxy, echo) -> None:
    cut = proxy.cut_at(b"COMMIT", then_refuse=True, reset=False)
    assert ask(client, b"x COM") == b"X COM"
    assert ask(client, b"MIT;") == b""
    assert cut.done.wait(10)
    wait_until(lambda: echo.ended)
    assert echo.heard == [b"hello", b"x COM", b"MIT;"]
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_cut_after_so_many_bytes(client, proxy, echo, direction) -> None:
    proxy.cut_after(7, direction, reset=False)
    assert ask(client, b"four") == b"FOUR"
    assert ask(client, b"more") == (b"" if direction == "up" else b"MOR")
    wait_until(lambda: echo.ended)
    assert echo.heard == [b"hello", b"four", b"mor" if direction == "up" else b"more"]


def test_a_server_that_is_away_is_a_reset(echo) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with FaultProxy(port) as proxy, pytest.raises(ConnectionResetError), connect(proxy) as client:
            client.recv(1)


def test_a_connection_is_taken_over_from_the_server_and_ended(client, proxy, echo) -> None:
    line = proxy.take_over(echo.seen[0])
    client.sendall(b"hello?")
    line.client.sendall(b"no server")
    assert client.recv(99) == b"no server"
    with connect(proxy) as other:
        assert ask(other, b"others") == b"OTHERS"
        proxy.end(line, reset=True)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert ask(other, b"go on") == b"GO ON"
    assert b"hello?" not in echo.heard


def test_a_port_of_ones_own_is_kept_while_it_is_closed(echo) -> None:
    with FaultProxy(echo.port) as first:
        port = first.port
    with FaultProxy(echo.port, at=port) as proxy:
        proxy.refuse()
        with socket.socket() as other, pytest.raises(OSError):
            other.bind(("127.0.0.1", port))
        proxy.heal()
        with connect(proxy) as client:
            assert ask(client, b"here") == b"HERE"
