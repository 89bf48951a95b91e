"""What every step in the life of a job uses."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..clock import clock
from ..errors import Billed, JobCancelled, LedgerError, Stopped
from ..ledger.journal import Journal
from ..ledger.ledger import Holder, Lease, Ledger
from ..ledger.lifecycle import State
from ..ledger.record import SANDBOX, JobRecord
from ..providers.status import TransientError
from ..timeouts import Timeouts
from .host import EventFact, JobEvent
from .order import Order
from .pace import Places, QuestionRate
from .purse import Purse
from .threads import DaemonThreads, Pools
from .watch import Audience, Watch

if TYPE_CHECKING:
    from .engine import Engine

T = TypeVar("T")
QUESTIONS_PER_S = 50.0
"""That one provider gets, all jobs together."""

_log = logging.getLogger("remote_video")


class Unwanted(Exception):
    """The job is no longer wanted, and nothing was submitted."""


@dataclass
class ProviderLimits:
    """What all jobs at one provider share."""

    rate: QuestionRate = field(default_factory=lambda: QuestionRate(QUESTIONS_PER_S))
    places: Places = field(default_factory=Places)


@dataclass
class Tools:
    """One job under way. Its methods belong to the engine's thread, but where they say otherwise.

    Args:
        order: what was asked for. Its request goes once it is submitted.
        engine: whose threads, places and turns it uses.
        starter: who asked for it first; None for a job that is collected.
    """

    order: Order
    engine: Engine
    starter: Watch | None = None
    audience: Audience = field(default_factory=Audience)
    goes_on: bool = False
    """Whether the job is wanted although nobody watches: after an error elsewhere, and once it is paid for."""
    shared: bool = False
    """Whether another engine works on it, or did until now."""
    is_ending: bool = False
    """Whether it has ended without a clip: who asks from now on asks for a new one."""
    is_new: bool = False
    """Whether it was submitted here."""
    others_clip: JobRecord | None = None
    """The same clip, which another account has for itself."""
    event: JobEvent | None = None
    """The last that was said."""
    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the user wants it cancelled."""
    began: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.time)

    @property
    def key(self) -> str:
        return self.order.key

    @property
    def pools(self) -> Pools:
        return self.engine.pools

    @property
    def limits(self) -> ProviderLimits:
        return self.engine.limits[self.order.client.endpoint]

    @property
    def purse(self) -> Purse:
        return self.engine.purses[self.order.client.endpoint, self.order.job.account]

    @property
    def timeouts(self) -> Timeouts:
        return self.order.settings.timeouts

    @property
    def ledger(self) -> Ledger:
        """For the ledger's threads."""
        return Ledger.of(self.order.settings)

    @property
    def journal(self) -> Journal:
        """For the same."""
        return Journal(self.order.settings.home, self.order.settings.ledger_url)

    @property
    def request_id(self) -> str | None:
        """The provider's, once it is known here."""
        return self.event.request_id if self.event else None

    # -- who wants it ------------------------------------------------------------------------------------------------

    @property
    def is_wanted(self) -> bool:
        """From any thread."""
        return bool(self.audience.watches) or self.goes_on

    async def check_wanted(self) -> None:
        """Wait while it is in doubt whether anybody wants the job. Raises Unwanted."""
        while not self.is_wanted and self.audience.in_doubt:
            await asyncio.sleep(self.timeouts.stop_check)
        if not self.is_wanted:
            raise Unwanted

    async def wanted_pause(self, seconds: float) -> None:
        """Wait before something that is not paid for yet. Raises Unwanted as soon as it is no longer wanted."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await self.check_wanted()
            await asyncio.sleep(min(left, self.timeouts.stop_check))
        await self.check_wanted()

    def was_accepted(self, record: JobRecord) -> None:
        """The provider has the job: it goes on whoever watches, and its pixels can be freed."""
        self.goes_on = self.is_new = True
        self.order = replace(self.order, request=None)
        self.show("accepted", record.state, record.request_id)
        self.answer_accepted()

    def answer_accepted(self) -> None:
        """Answer those who only wait for the job to be accepted, once it is."""
        if self.event is None or self.request_id is None:
            return
        for watch in [watch for watch in self.audience.watches if watch.until_accepted]:
            self.audience.watches.remove(watch)
            self.audience.absent.append(watch)
            watch.answer(self.event)

    # -- who leaves --------------------------------------------------------------------------------------------------

    def stop_for(self, prompt_id: str) -> None:
        """The user stopped this prompt: let its watches go, and have the job cancelled when nobody else wants it."""
        let_go = self.audience.leaves(prompt_id)
        if not let_go:
            return
        self.audience.absent += let_go
        for watch in let_go:
            watch.show(self._saying("Stopped; finding out what becomes of the job."))
            watch.answer(Stopped("Stopped by the user; the node and the log say what became of the job."))
        if self.audience.watches or self.audience.in_doubt:
            self.tell_absent("Stopped. Another run of the same clip goes on.", is_over=True)
        elif any(watch.is_wanted_by_the_queue for watch in let_go):
            waits = "Stopped. A prompt in the queue needs the same clip, so the job goes on."
            self.tell_absent(waits, is_over=True)
        else:
            self._cancel()

    def cancel_for_all(self) -> None:
        """The user cancels this job, whoever watches it."""
        if self.request_id is None:
            error = JobCancelled("The job was cancelled before it was submitted.", billed=Billed.NO)
            self.audience.answer(error)
        self._cancel()

    def _cancel(self) -> None:
        if self.event is not None and self.event.state is State.FINISHED:
            self.tell_finished()
            return
        self.goes_on = self.request_id is not None
        self.cancel.set()

    def tell_finished(self) -> None:
        """Stop came too late to save anything: the clip is collected."""
        self.tell_absent(
            f"Stopped. {self.order.job.provider} has finished the clip ({self.request_id}): it is downloaded in "
            "the background; run again to use it, which submits nothing."
        )

    def go_on_without(self, prompt_id: str) -> None:
        """The prompt ended otherwise than by Stop: its jobs go on."""
        if left := self.audience.leaves(prompt_id):
            self.goes_on = True
            for watch in left:
                watch.show(self._saying("The graph ended before this clip; the job goes on and is collected."))
            self.audience.absent += left

    def tell_absent(self, sentence: str, state: State | None = None, **facts: EventFact) -> None:
        """Say what became of the job to those who are no longer there to see it, for the last time where it is over.

        Args:
            facts: of a `JobEvent`.
        """
        absent = self.audience.absent
        if facts.get("is_over"):
            self.audience.absent = []
        for watch in absent:
            watch.show(self._saying(sentence, state, self.request_id, **facts))

    async def cancelled_within(self, seconds: float) -> bool:
        """Wait for that time, or until the user cancels the job; returns whether they did."""
        try:
            await asyncio.wait_for(self.cancel.wait(), seconds)
        except (asyncio.TimeoutError, TimeoutError):
            return False
        return True

    # -- calls that block --------------------------------------------------------------------------------------------

    async def call(self, pool: DaemonThreads, function: Callable[[], T]) -> T:
        """Run a blocking call on a thread of ours."""
        return await asyncio.wrap_future(pool.start(function))

    async def post(self, function: Callable[[], T]) -> T:
        """Run a submission; the end of the engine waits for it."""
        future = self.pools.submissions.start(function)
        self.engine.posting.add(future)
        future.add_done_callback(self.engine.posting.discard)
        return await asyncio.shield(asyncio.wrap_future(future))

    async def keep(self, function: Callable[[Ledger], T]) -> T:
        """Run a call of the ledger."""
        return await self.call(self.pools.ledger, lambda: function(self.ledger))

    async def ask(self, question: Callable[[], T]) -> T:
        """Ask the provider when it is this job's turn. A 429 slows the questions of all its jobs down."""
        asked_at = await self.limits.rate.turn()
        try:
            return await self.call(self.pools.questions, question)
        except TransientError as trouble:
            if trouble.rate_limited:
                self.limits.rate.slow_down(asked_at)
            raise

    async def unless_cancelled(self, waited_for: Awaitable[T]) -> T | None:
        """The result, or None as soon as the user wants the job cancelled."""
        work = asyncio.ensure_future(waited_for)
        cancelled = asyncio.ensure_future(self.cancel.wait())
        try:
            await asyncio.wait({work, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            work.cancel()
            cancelled.cancel()

    # -- one worker at a time, across processes ----------------------------------------------------------------------

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Lease]:
        """Get the job's lease. Raises Unwanted if another engine has it and nobody waits here."""
        while (lease := await self.keep(lambda ledger: ledger.acquire(self.key, self.engine.id))) is None:
            self.shared = True
            await self.check_wanted()
            self.show(f"sharing the job of another run that asks for the same clip{await self._holder()}")
            await self.wanted_pause(self.timeouts.shared_look)
        try:
            yield lease
        except Exception:
            # A user who sees it may want to forget the job at once.
            await self.call(self.pools.ledger, lambda: self._release(lease))
            raise
        except BaseException:
            self.pools.ledger.start(lambda: self._release(lease))
            raise
        self.pools.ledger.start(lambda: self._release(lease))

    async def _holder(self) -> str:
        holder: Holder | None = await self.keep(lambda ledger: ledger.holder(self.key))
        return f" (engine {holder.engine_id} works on it)" if holder else ""

    def _release(self, lease: Lease) -> None:
        """On a ledger thread. What the disk refuses now ends when this engine does."""
        try:
            self.ledger.release(lease)
        except Exception as error:
            _log.debug("A lease can't be given back yet: %s", error)
            self.engine.unreleased.add(lease)

    @asynccontextmanager
    async def in_flight(self, *, is_new: bool) -> AsyncIterator[None]:
        """Hold one of the provider's places: waited for when the job is new, taken in any case when it is there."""
        most, places = self.order.settings.max_parallel, self.limits.places
        while not places.enter(most if is_new else math.inf):
            await self._wait_for_a_place()
        try:
            if is_new:
                await self.free_place()
            yield
        finally:
            places.leave()

    async def free_place(self) -> None:
        """Wait until a place is free by the ledger, where `begin` may still find it taken. Raises Unwanted."""
        while not self.limits.places.take():
            if not await self.limits.places.look(self._free_places, self.timeouts.place_look):
                await self._wait_for_a_place()

    async def _free_places(self) -> int:
        order = self.order
        try:
            return order.settings.max_parallel - await self.keep(lambda ledger: ledger.in_flight(order.job.base))
        except LedgerError:
            return 1  # a job that continues is told by `begin`; the others wait until it can be asked again

    async def _wait_for_a_place(self) -> None:
        self.show(f"waiting for a free place ({self.order.settings.max_parallel} jobs are in flight)")
        await self.wanted_pause(self.timeouts.stop_check)

    # -- what there is to say ----------------------------------------------------------------------------------------

    def show(
        self,
        words: str,
        state: State | None = None,
        request_id: str | None = None,
        *,
        usually_s: float | None = None,
        **facts: EventFact,
    ) -> None:
        """Say how it stands, with the time spent so far.

        Args:
            request_id: said too, where it is given.
            usually_s: how long such jobs took.
            facts: of a `JobEvent`.
        """
        usually, spent = f"usually {clock(usually_s)}" if usually_s else "", clock(time.monotonic() - self.began)
        text = " | ".join(part for part in (words, request_id, usually, spent) if part)
        self.say(text, state, request_id, words=words, usually_s=usually_s, **facts)

    def say(self, text: str, state: State | None = None, request_id: str | None = None, **facts: EventFact) -> None:
        """Say something, to all who look and all who come; `facts` are of a `JobEvent`."""
        event = self._saying(text, state, request_id or self.request_id, **facts)
        if self.event != event:
            self.event = event
            self.audience.show(event)
            try:
                self.engine.host.publish(event)
            except Exception:
                _log.warning("What there is to say of a job can't be published.", exc_info=True)

    def _saying(
        self, text: str, state: State | None = None, request_id: str | None = None, **facts: EventFact
    ) -> JobEvent:
        order = self.order
        known: dict[str, Any] = {
            "words": text,
            "model_name": order.job.model_name,
            "since": self.since,
            "sandbox": order.job.base == SANDBOX or bool(order.job.stand_in),
            "estimate_usd": order.estimate.usd if order.estimate else None,
        }
        return JobEvent(self.key, text, state=state, request_id=request_id, **{**known, **facts})
