"""Keeping the fork of a process apart from what must not be copied in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

FORK_WAIT_S = 2.0
"""How long a fork waits for the transactions of other threads, s."""


class Forks:
    """Keeps a fork apart from transactions: SQLite takes what a child inherits of an open file for its own locks.

    https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._open = 0
        self._forking = False

    @contextmanager
    def kept_off(self) -> Iterator[None]:
        """Inside it the process isn't forked, unless that would wait for too long."""
        with self._change:
            self._change.wait_for(lambda: not self._forking)
            self._open += 1
        try:
            yield
        finally:
            with self._change:
                self._open -= 1
                self._change.notify_all()

    def begin(self) -> None:
        """A fork is about to happen."""
        with self._change:
            self._change.wait_for(lambda: not self._forking)
            self._forking = True
            self._change.wait_for(lambda: not self._open, FORK_WAIT_S)

    def end(self) -> None:
        """It has happened; this is the parent."""
        with self._change:
            self._forking = False
            self._change.notify_all()
