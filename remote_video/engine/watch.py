"""Looking on at a job. The engine never cancels who looks, and who looks can't harm the job.

A node that raises CancelledError of its own ends ComfyUI's prompt worker for good, and a future that is shared with
the job would let the end of a prompt cancel what is paid for. So each look is a bare future on the looker's own loop,
which the engine answers from afar.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..ledger.record import JobRecord
from .host import Asker, JobEvent

_log = logging.getLogger("remote_video")

LIFE_CHECK_S = 1.0
"""Between two looks at whether the engine still lives."""


class EngineGone(RuntimeError):
    """The engine's thread has ended: with the process, or by a bug."""


@dataclass(frozen=True)
class StoredClip:
    """A clip on disk.

    Args:
        path: the provider's own file, byte for byte.
        request_id: the provider's id of the job.
        reused: True when nothing was submitted for this look.
        cost_usd: what it cost, USD, when the provider says; None for a sandbox clip.
        others: what else the job brought, in the provider's order.
        lacking: why what else it brought is not all here.
        sandbox: whether it is a sandbox clip.
    """

    path: Path
    request_id: str
    reused: bool
    cost_usd: float | None
    others: tuple[Path, ...] = ()
    lacking: tuple[str, ...] = ()
    sandbox: bool = False

    @classmethod
    def of(cls, record: JobRecord) -> StoredClip:
        """What the ledger says of a clip that is stored."""
        lacking = tuple(other.trouble for other in record.other_files if other.trouble and not other.path)
        path, request_id = record.clip_path or Path(), record.request_id or ""
        cost_usd = None if record.sandbox else record.cost_usd
        return cls(path, request_id, True, cost_usd, record.other_paths, lacking, record.sandbox)

    @property
    def more(self) -> tuple[str, ...]:
        """Lines about what else the job brought."""
        saved = ", ".join(other.name for other in self.others)
        lines = (f"The same job also made: {saved}",) if saved else ()
        return (*lines, *(f"Not all that it made is here: {why}" for why in self.lacking))


Outcome = StoredClip | JobEvent | BaseException


class Watch:
    """One look at one job.

    Args:
        key: of the job.
        asker: who looks.
        until_accepted: it is answered as soon as the provider has accepted the job.
        on_leave: told when nobody looks any more.
        is_alive: whether the engine is.
    """

    def __init__(
        self,
        key: str,
        asker: Asker,
        until_accepted: bool,
        on_leave: Callable[[Watch], None],
        is_alive: Callable[[], bool],
    ) -> None:
        self.key = key
        self.asker = asker
        self.until_accepted = until_accepted
        self.deadline: asyncio.TimerHandle | None = None
        """The engine's, for when the look takes too long."""
        self._on_leave = on_leave
        self._is_alive = is_alive
        self._outcome: Outcome | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    @property
    def is_answered(self) -> bool:
        """Whether the outcome is known."""
        return self._outcome is not None

    async def clip(self) -> StoredClip:
        """Wait for the clip, on the caller's own loop.

        Raises:
            RemoteVideoError: what happened, whether it was billed, what to do next.
            Stopped: the user pressed Stop.
            EngineGone: see there.
        """
        outcome = await self._ended()
        if not isinstance(outcome, StoredClip):
            raise TypeError("this look ends when the job is accepted; ask `accepted`")
        return outcome

    async def accepted(self) -> JobEvent | StoredClip:
        """Wait until the provider has accepted the job: how far it is, or the clip itself. Raises as `clip`."""
        return await self._ended()

    def leave(self) -> None:
        """Nobody looks any more. The job goes on, unless the prompt turns out to have been stopped by the user."""
        if not self.is_answered:
            self._on_leave(self)

    def answer(self, outcome: Outcome) -> None:
        """The engine's: say how it ended; the first answer counts."""
        with self._lock:
            if self._outcome is not None:
                return
            self._outcome = outcome
            waiting, self._waiting = self._waiting, []
        if self.deadline is not None:
            self.deadline.cancel()
        for loop, future in waiting:
            try:
                loop.call_soon_threadsafe(_wake, future)
            except RuntimeError:
                continue  # its loop has been closed

    def show(self, event: JobEvent) -> None:
        """The engine's: let the asker show what there is to say. A display that fails harms no job."""
        try:
            self.asker.show(event)
        except Exception:
            _log.warning("What there is to say of a job can't be shown.", exc_info=True)

    @property
    def is_wanted_by_the_queue(self) -> bool:
        """Whether a prompt that waits asks for the same clip; no when that can't be told."""
        try:
            return self.asker.is_waiting()
        except Exception:
            _log.warning("Whether a waiting prompt wants the same clip can't be told.", exc_info=True)
            return False

    async def _ended(self) -> StoredClip | JobEvent:
        loop = asyncio.get_running_loop()
        while self._outcome is None:
            future: asyncio.Future[None] = loop.create_future()
            with self._lock:
                if self._outcome is None:
                    self._waiting = [*(w for w in self._waiting if not w[1].done()), (loop, future)]
                else:
                    future.set_result(None)
            await asyncio.wait({future}, timeout=LIFE_CHECK_S)
            if not self._is_alive():
                self.answer(EngineGone("Remote Video's engine has ended; its log says why. Restart ComfyUI."))
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Audience:
    """Who looks at one job, who may have been stopped, and who no longer looks."""

    def __init__(self) -> None:
        self.watches: list[Watch] = []
        self.in_doubt: list[Watch] = []
        """Those who left without saying why: an error elsewhere, or Stop."""
        self.absent: list[Watch] = []
        """Those who wait no longer, by Stop, an error elsewhere or choice: they are told what becomes of it."""

    def show(self, event: JobEvent) -> None:
        """Let all who look see what there is to say."""
        for watch in self.watches:
            watch.show(event)

    def leaves(self, prompt_id: str) -> list[Watch]:
        """Take out those of one prompt, also those in doubt."""
        left = [watch for watch in (*self.watches, *self.in_doubt) if watch.asker.prompt_id == prompt_id]
        self.watches = [watch for watch in self.watches if watch not in left]
        self.in_doubt = [watch for watch in self.in_doubt if watch not in left]
        return left

    def answer(self, outcome: Outcome) -> None:
        """Answer all who look."""
        watches, self.watches = self.watches, []
        for watch in watches:
            watch.answer(outcome)
