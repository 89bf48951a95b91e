"""What every step of a run has at hand: the job's key, its provider and ledger, the host, and the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..patience import USUAL, Patience
from ..providers.status import Provider
from ..settings import MAX_CLIP_BYTES
from .host import Host
from .ledger import Ledger
from .record import NewJob
from .workers import LEDGER, QUESTIONS, Workers

T = TypeVar("T")
RENEW_EVERY_S = 60.0


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

    def check_stop(self) -> None:
        """Raises StopPressed when the user wants out."""
        if self.host.stopped():
            raise StopPressed

    async def sleep(self, seconds: float) -> None:
        """Wait; cut short by Stop. Raises StopPressed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check_stop()
            await asyncio.sleep(min(left, self.patience.stop_check))
        self.check_stop()

    async def call(self, function: Callable[[], T], workers: Workers = QUESTIONS) -> T:
        """Run a blocking call on a thread; Stop leaves it to end by itself. Raises StopPressed."""
        waiting = asyncio.wrap_future(workers.start(function))
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=self.patience.stop_check)
                if not waiting.done():
                    self.check_stop()
            return waiting.result()
        finally:
            waiting.cancel()

    async def keep(self, function: Callable[[], T]) -> T:
        """Run a call of the ledger on a thread, to its end. It is short, so Stop doesn't cut it off."""
        return await LEDGER.run(function)

    async def stay_known(self) -> None:
        """Tell runs on other machines, now and then, that this one lives."""
        if time.monotonic() - self.renewed > RENEW_EVERY_S:
            self.renewed = time.monotonic()
            await self.keep(lambda: self.ledger.renew(self.key, self.owner))

    def say(self, text: str) -> None:
        """Show a line with the time spent so far."""
        self.host.say(f"{text} | {clock(time.monotonic() - self.begun)}")


def clock(seconds: float) -> str:
    """1:05 for 65 s; 1:00:05 for an hour and 5 s."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
