"""Threads for calls that block: daemons, so that a hanging network never holds up the end of the process.

`concurrent.futures` joins its threads at exit and refuses new work by then, which would lose an id that just came in.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
Work = tuple[Callable[[], Any], "Future[Any]"]


class DaemonThreads:
    """A pool whose threads start when they are first needed.

    Args:
        name: of the threads, for whoever looks at a stack.
        most: threads at the most.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._unfinished = 0
        """Calls that have a thread or wait for one; without those that were left."""
        self._threads = 0
        self._left: set[Future[Any]] = set()
        self._starting = threading.Lock()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Begin a call; it continues even if its caller no longer waits."""
        future: Future[T] = Future()
        with self._starting:
            if self._unfinished >= self._threads and self._threads < self._most:
                self._add_thread()
            self._unfinished += 1
            self._work.put((call, future))
        return future

    def leave(self, future: Future[T]) -> None:
        """Nobody waits for this call any more: it keeps no other waiting, even if it never comes back."""
        with self._starting:
            if not future.cancel() and not future.done():
                self._left.add(future)
                self._threads -= 1
                self._unfinished -= 1
                if self._unfinished > self._threads:
                    self._add_thread()

    def end(self) -> None:
        """Let the threads end when what has begun is done."""
        for _ in range(self._threads):
            self._work.put(None)

    def _add_thread(self) -> None:
        name = f"remote-video-{self._name}-{self._threads + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can start while the process exits: the existing ones do the work
            if not self._threads:
                raise
        else:
            self._threads += 1

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            call, future = work
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # it is raised in the caller
                    future.set_exception(error)
            with self._starting:
                if future in self._left:
                    self._left.discard(future)
                    return  # another one has its place
                self._unfinished -= 1
            del work, call, future  # else an idle thread keeps the last body alive


class Pools:
    """The engine's threads, apart by what they wait for, so that a slow upload never keeps a quick call waiting."""

    def __init__(self) -> None:
        self.questions = DaemonThreads("ask", 16)
        """Status and cancel: 50 a second of 150 ms each take eight threads."""
        self.ledger = DaemonThreads("ledger", 8)
        """No network may keep the ledger waiting; those that write at the same time share a commit."""
        self.preparations = DaemonThreads("prepare", 2)
        """Encoding and building bodies: more threads would only be in each other's way."""
        self.submissions = DaemonThreads("submit", 16)
        """POST: seconds each, until the provider has stored the image."""
        self.downloads = DaemonThreads("fetch", 4)
        self.store = DaemonThreads("store", 4)
        """What comes from the clip store: one that stands still keeps no provider's clip waiting."""
        self.sharing = DaemonThreads("share", 1)
        """What goes there."""
        self.decoding = DaemonThreads("decode", 1)
        """Decoding uses every core anyway, and its check for free RAM holds only while no other decode runs."""

    def end(self) -> None:
        """Let all threads end when what has begun is done."""
        for pool in vars(self).values():
            pool.end()
