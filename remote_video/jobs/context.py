"""What every step of a run has at hand: the job's key, its provider and ledger, the host, and the clock."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import LedgerError
from ..patience import USUAL, Patience
from ..providers.status import Provider
from ..settings import MAX_CLIP_BYTES
from .host import Host
from .ledger import Ledger
from .record import NewJob
from .workers import LEDGER, QUESTIONS, Workers

T = TypeVar("T")
RENEW_EVERY_S = 60.0

_log = logging.getLogger("remote_video")


class StopPressed(Exception):
    """The user pressed Stop; the run has still to see what becomes of the job."""


@dataclass
class RunContext:
    """One run of one job."""

    key: str
    """The job key."""
    job: NewJob
    """What the ledger is told of the job."""
    owner: str
    """This run's name in the ledger."""
    provider: Provider
    ledger: Ledger
    host: Host
    deadline: float
    """`time.monotonic()` at which this run gives up waiting."""
    patience: Patience = USUAL
    max_clip_bytes: int = MAX_CLIP_BYTES
    begun: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when the run is over for whoever asked for it: what has not begun by then must not begin."""
    _under_way: list[Future[Any]] = field(default_factory=list)

    def check_stop(self) -> None:
        """Raises StopPressed when the user wants out."""
        if self.left.is_set() or self.host.stopped():
            raise StopPressed

    async def sleep(self, seconds: float) -> None:
        """Wait; cut short by Stop. Raises StopPressed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check_stop()
            await self.stay_known()
            await asyncio.sleep(min(left, self.patience.stop_check))
        self.check_stop()

    async def call(self, function: Callable[[], T], workers: Workers = QUESTIONS) -> T:
        """Run a blocking call on a thread; Stop leaves it to end by itself. Raises StopPressed."""
        waiting = asyncio.wrap_future(self.start(function, workers, changes=workers is not QUESTIONS))
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=self.patience.stop_check)
                if not waiting.done():
                    self.check_stop()
            return waiting.result()
        finally:
            waiting.cancel()

    async def finish(self, function: Callable[[], T], workers: Workers) -> T:
        """Run a blocking call on a thread to its end: Stop doesn't cut it off."""
        return await asyncio.wrap_future(self.start(function, workers))

    async def keep(self, function: Callable[[], T]) -> T:
        """Run a call of the ledger. It is short, so Stop doesn't cut it off."""
        return await self.finish(function, LEDGER)

    def start(self, function: Callable[[], T], workers: Workers, *, changes: bool = True) -> Future[T]:
        """Begin a blocking call.

        Args:
            changes: it writes to the ledger or to the clip's file, so that no other run may work on the job before
                it has ended, whoever still waits for it.
        """
        future = workers.start(function)
        if changes:
            self._under_way = [*(old for old in self._under_way if not old.done()), future]
        return future

    def leave(self, then: Callable[[], None]) -> None:
        """Drop the calls that have not begun, and go on with `then` when the last of the others has ended."""
        self.left.set()
        for future in self._under_way:
            future.cancel()
        self._when_all_ended(then)

    def _when_all_ended(self, then: Callable[[], None]) -> None:
        unfinished = next((future for future in self._under_way if not future.done()), None)
        if unfinished is None:
            then()
        else:
            unfinished.add_done_callback(lambda _: self._when_all_ended(then))

    async def stay_known(self) -> None:
        """Tell runs on other machines, now and then, that this one lives."""
        if time.monotonic() - self.renewed > RENEW_EVERY_S:
            self.renewed = time.monotonic()
            try:
                await self.keep(lambda: self.ledger.renew(self.key, self.owner))
            except LedgerError as error:
                _log.warning("Other machines can't be told that this job is being worked on: %s", error.what)

    def say(self, text: str) -> None:
        """Show a line with the time spent so far."""
        self.host.say(f"{text} | {clock(time.monotonic() - self.begun)}")


def clock(seconds: float) -> str:
    """1:05 for 65 s; 1:00:05 for an hour and 5 s."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
