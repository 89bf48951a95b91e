"""Threads for calls that block: bounded, shared by every event loop of the process, and free of asyncio.

Pools of their own, so that a slow upload or download never keeps a quick call waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def process_is_ending() -> bool:
    """Whether the interpreter is only waiting for threads any more; it waits for each call that has begun."""
    return not threading.main_thread().is_alive()


class Workers:
    """A pool that starts its threads when it is first used: all at once, while nothing else keeps the CPU.

    A thread started in the middle of a rush keeps the event loop waiting until it gets its turn.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = f"remote-video-{name}"
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Begin a call; it goes on even when nobody waits for it any more."""
        with self._lock:
            if self._pool is None:
                self._pool = self._all_started()
            return self._pool.submit(call)

    def _all_started(self) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix=self._name)
        everyone_is_there = threading.Event()
        for _ in range(self.threads):
            pool.submit(everyone_is_there.wait)
        everyone_is_there.set()
        return pool

    async def run(self, call: Callable[[], T]) -> T:
        """Begin a call and wait for it without blocking the event loop."""
        return await asyncio.wrap_future(self.start(call))


QUESTIONS = Workers("ask", 16)
"""Short calls over the network: status, cancel."""
LEDGER = Workers("ledger", 2)
"""The ledger's own, so that no network can keep it waiting; SQLite lets one write at a time."""
PREPARATIONS = Workers("prepare", 2)
"""Encoding and building bodies: they use the CPU, so more threads would only be in each other's way."""
SUBMISSIONS = Workers("submit", 16)
"""POST: seconds of waiting each, until the provider has stored the image."""
DOWNLOADS = Workers("fetch", 4)
"""Downloads, and reading what came."""
