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
    """A pool that starts its threads when it is first used."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = f"remote-video-{name}"
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Begin a call; it goes on even when nobody waits for it any more."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
            return self._pool.submit(call)

    async def run(self, call: Callable[[], T]) -> T:
        """Begin a call and wait for it without blocking the event loop."""
        return await asyncio.wrap_future(self.start(call))


QUESTIONS = Workers("ask", 16)
"""Short calls over the network: status, cancel."""
LEDGER = Workers("ledger", 4)
"""The ledger's own, so that no network can keep it waiting."""
SUBMISSIONS = Workers("submit", 8)
"""Encoding and POST."""
DOWNLOADS = Workers("fetch", 4)
"""Downloads, and reading what came."""
