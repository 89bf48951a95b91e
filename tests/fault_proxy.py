"""A TCP proxy on loopback before any server, with faults on demand while it runs.

with FaultProxy(port_of_the_server) as proxy:
    connect(proxy.port)
    proxy.refuse()                       # nobody gets in; who is in stays
    proxy.cut()                          # who is in is reset
    proxy.swallow()                      # half-open: what is sent waits on the way, and is answered by nobody
    proxy.delay(up_s=0.5, down_s=0.5)    # every piece comes later
    cut = proxy.cut_at(b"COMMIT")        # a connection is cut when this comes by: `cut.done` is set then
    proxy.heal()                         # from now on all is well, and what waited goes on
    line = proxy.take_over(address)      # the server is out of it: from now on the client hears whoever holds its line
    proxy.end(line, reset=True)          # as a cut, of this one alone
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

HOST = "127.0.0.1"
Direction = Literal["up", "down"]
"""Up: to the server."""
_TAKEN_FOR_S = 10.0
_PIECE = 65536
_LONGEST_WORDS = 64
_CONNECT_S = 5.0
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@dataclass(eq=False)
class Cut:
    """One connection will be cut, once.

    Args:
        direction: of what is looked at.
        words: that have to come by.
        left: or so many bytes: those still go through.
        forwarded: what came with the words still gets through.
        then_refuse: nobody gets in afterwards.
        reset: by RST, else by FIN.
    """

    direction: Direction
    words: bytes = b""
    left: int = 0
    forwarded: bool = True
    then_refuse: bool = False
    reset: bool = True
    done: threading.Event = field(default_factory=threading.Event)

    def last_of(self, data: bytes, before: bytes) -> bytes | None:
        """What of this piece still goes through, if it is the last one."""
        if self.words:
            found = self.words in (before + data)[max(0, len(before) - len(self.words) + 1) :]
            return (data if self.forwarded else b"") if found else None
        self.left -= len(data)
        return data[: self.left + len(data)] if self.left <= 0 else None


@dataclass(eq=False)
class Line:
    """A connection through the proxy."""

    client: socket.socket
    server: socket.socket
    is_over: bool = False
    is_taken: bool = False
    """Somebody else answers the client."""

    def end(self, *, reset: bool) -> None:
        """End it for the client by RST or FIN; for the server by FIN: it still does what has come to it."""
        self.is_over = True
        if reset:
            with suppress(OSError):
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        for side, how in (
            (self.client, socket.SHUT_RD if reset else socket.SHUT_RDWR),
            (self.server, socket.SHUT_RDWR),
        ):
            with suppress(OSError):
                side.shutdown(how)  # whoever reads from it is woken
            side.close()


class FaultProxy:
    """Leads connections on to a server, or doesn't. All of it may be called from any thread.

    Args:
        port: the server's.
        host: the server's.
        at: the proxy's own port; 0 takes a free one.
    """

    def __init__(self, port: int, host: str = HOST, *, at: int = 0) -> None:
        self._server = (host, port)
        self._change = threading.Condition()
        self._threshold = threading.RLock()
        self._lines: set[Line] = set()
        self._swallowed: set[Direction] = set()
        self._delays: dict[Direction, float] = {"up": 0.0, "down": 0.0}
        self._cuts: list[Cut] = []
        self._door = _bound(at)
        self.port = int(self._door.getsockname()[1])
        self._porter: threading.Thread | None = None
        self.accepted = 0
        """Connections so far."""

    def __enter__(self) -> FaultProxy:
        self._let_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        self._door.close()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._lines)

    # -- faults ------------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """End every fault: whoever waits goes on, whoever comes is let in."""
        with self._change:
            self._swallowed.clear()
            self._cuts.clear()
            self._delays = {"up": 0.0, "down": 0.0}
            self._change.notify_all()
        with self._threshold:
            if self._porter is None:
                self._let_in()

    def refuse(self) -> None:
        """Let nobody in: the port is closed, but nobody else's."""
        with self._threshold:
            if self._porter is not None:
                self._is_shut = True
                with suppress(OSError):
                    socket.create_connection((HOST, self.port)).close()  # wakes the one who waits at it
                self._porter.join()
                self._door.close()
                self._door, self._porter = _bound(self.port), None

    def cut(self, *, reset: bool = True, but: Line | None = None) -> None:
        """End all connections there are (but that one), by RST or by FIN."""
        with self._change:
            lines = tuple(self._lines - {but})
        for line in lines:
            self.end(line, reset=reset)

    def swallow(self, *directions: Direction) -> None:
        """Let nothing through in these directions (both, if none is named), also not an end. Connections open."""
        with self._change:
            self._swallowed |= set(directions or ("up", "down"))

    def delay(self, *, up_s: float = 0.0, down_s: float = 0.0) -> None:
        """Let each piece wait for so long, one after another."""
        with self._change:
            self._delays = {"up": up_s, "down": down_s}

    def cut_at(self, words: bytes, direction: Direction = "up", **more: bool) -> Cut:
        """Cut the connection in which these bytes come by next; see `Cut`."""
        return self._order(Cut(direction, words, **more))

    def cut_after(self, count: int, direction: Direction = "up", **more: bool) -> Cut:
        """Cut the connection in which the byte with this number from now on comes by; it still goes through."""
        return self._order(Cut(direction, left=count, **more))

    def line_of(self, address: tuple[str, int] | None) -> Line | None:
        """The connection that the server sees come from this address; None when it has ended."""
        with self._change:
            return next((line for line in self._lines if line.server.getsockname() == address), None)

    def take_over(self, address: tuple[str, int] | None) -> Line | None:
        """The same, cut off from the server: it is the caller's to answer, and to end."""
        line = self.line_of(address)
        if line is not None:
            line.is_taken = True
        return line

    def _order(self, cut: Cut) -> Cut:
        assert len(cut.words) <= _LONGEST_WORDS
        with self._change:
            self._cuts.append(cut)
        return cut

    # -- connections -------------------------------------------------------------------------------------------------

    def _let_in(self) -> None:
        self._is_shut = False
        self._door.listen(128)
        self._porter = threading.Thread(target=self._accept, args=(self._door,), daemon=True)
        self._porter.start()

    def _accept(self, door: socket.socket) -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            if self._is_shut:
                client.close()
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            line = Line(client, socket.socket())
            with self._change:
                self._lines.add(line)
            threading.Thread(target=self._lead, args=(line,), daemon=True).start()

    def _lead(self, line: Line) -> None:
        self._held_up(line, "up")
        try:
            line.server.settimeout(_CONNECT_S)
            line.server.connect(self._server)
            line.server.settimeout(None)
            line.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.end(line, reset=True)
            return
        back = threading.Thread(target=self._pipe, args=(line, "down"), daemon=True)
        back.start()
        self._pipe(line, "up")
        back.join()
        if not line.is_taken:
            self.end(line, reset=False)

    def _pipe(self, line: Line, direction: Direction) -> None:
        source, sink = (line.client, line.server) if direction == "up" else (line.server, line.client)
        before = b""
        try:
            while data := source.recv(_PIECE):
                self._held_up(line, direction)
                if line.is_over or line.is_taken:
                    return
                if (met := self._cut_of(direction, data, before)) is not None:
                    line.is_over = True  # what is answered gets lost
                    sink.sendall(met[1])
                    self._carry_out(line, met[0])
                    return
                before = (before + data)[1 - _LONGEST_WORDS :]
                sink.sendall(data)
            self._held_up(line, direction)
            if not line.is_taken:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            if not line.is_taken:
                self.end(line, reset=True)

    def _held_up(self, line: Line, direction: Direction) -> None:
        with self._change:
            if self._delays[direction]:
                self._change.wait_for(lambda: line.is_over or not self._delays[direction], self._delays[direction])
            self._change.wait_for(lambda: line.is_over or direction not in self._swallowed)

    def _cut_of(self, direction: Direction, data: bytes, before: bytes) -> tuple[Cut, bytes] | None:
        with self._change:
            for cut in self._cuts:
                if cut.direction == direction and (last := cut.last_of(data, before)) is not None:
                    self._cuts.remove(cut)
                    return cut, last
        return None

    def _carry_out(self, line: Line, cut: Cut) -> None:
        if cut.then_refuse:
            self.refuse()
        self.end(line, reset=cut.reset)
        cut.done.set()

    def end(self, line: Line, *, reset: bool) -> None:
        """End one connection, by RST or by FIN."""
        with self._change:
            if line not in self._lines:
                return
            self._lines.remove(line)
            line.end(reset=reset)
            self._change.notify_all()


def _bound(port: int) -> socket.socket:
    """A socket that keeps a port, and refuses whoever comes until it listens.

    A port that was just left may be another process's for a moment.
    """
    end = time.monotonic() + _TAKEN_FOR_S
    while True:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((HOST, port))
            return door
        except OSError:
            door.close()
            if port == 0 or time.monotonic() > end:
                raise
            time.sleep(0.05)
