"""The engine: one per process owns the jobs; whoever wants a clip watches.

A host tears its event loops down as it likes, so nothing that is paid for lives on one of them: the engine has a
thread and a loop of its own, with one task per job key. See `job.make` for the life of one job.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..clock import clock
from ..errors import Billed, ModelGone, RemoteVideoError, StillRunning, Stopped
from ..ledger.ledger import Lease, LeaseLost, Ledger
from ..ledger.lifecycle import FETCHABLE
from ..ledger.record import JobRecord
from ..providers.client import Client
from ..providers.status import CancelOutcome
from ..settings import Settings
from ..timeouts import Timeouts
from .collector import Collector
from .host import Asker, EventFact, Host, JobEvent, PromptEnd
from .job import make
from .offers import Offers, with_successors
from .order import Order
from .purse import Purse
from .sharing import Sharing
from .threads import Pools
from .tools import ProviderLimits, Tools, Unwanted
from .watch import EngineGone, StoredClip, Watch

T = TypeVar("T")

_log = logging.getLogger("remote_video")


class Engine:
    """Makes clips. Nothing of it runs before it is first used.

    Args:
        settings: as they are now; asked again for each look at what is to be collected.
        host: whose prompts it works for.
    """

    def __init__(self, settings: Callable[[], Settings], host: Host) -> None:
        self.id = uuid.uuid4().hex
        """Its name in the ledger: random, for nothing else tells two processes apart for certain."""
        self.settings = settings
        self.host = host
        self.pools = Pools()
        self.jobs: dict[str, Tools] = {}
        """The jobs under way, by key. Touched on the engine's thread only."""
        self.limits: defaultdict[str, ProviderLimits] = defaultdict(ProviderLimits)
        """What the jobs of one provider share, by its endpoint. Touched on the engine's thread only."""
        self.purses: defaultdict[tuple[str, str | None], Purse] = defaultdict(Purse)
        """What is left in an account, by its provider's endpoint and its name. Touched on the engine's thread only."""
        self.unreleased: set[Lease] = set()
        """Leases that the disk refused to let go."""
        self.offers = Offers(self)
        """What providers say of their models before these are paid for."""
        self.posting: set[Future[Any]] = set()
        """Submissions under way: the end waits for them."""
        self.ended = threading.Event()
        """Set when the engine ends: what has not begun by then must not begin."""
        self._pid = os.getpid()
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing = asyncio.Event()
        self._resolving: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._known_in: dict[tuple[Path, str | None], Settings] = {}
        """By their places: the ledgers that know of this engine, also by leases that are just being released."""
        self._late: list[tuple[Order, Watch]] = []
        """Those who asked for a job that is being cancelled: they join when it is known what becomes of it."""
        self.collector = Collector(self)
        self.sharing = Sharing(self)

    # -- from any thread or loop -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, and with it the collector. Does nothing when it runs already."""
        with self._starting:
            if self._pid != os.getpid():
                raise EngineGone("This engine belongs to the process that this one was forked from.")
            if self._thread is None and not self.ended.is_set():
                # An empty context: otherwise the first node's would stay with every job.
                context, self._loop = contextvars.Context(), asyncio.new_event_loop()
                thread = threading.Thread(
                    target=context.run, args=(self._run, self._loop), name="remote-video-engine", daemon=True
                )
                thread.start()
                self._thread = thread

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._pid == os.getpid() and self._thread is not None and self._thread.is_alive()

    @property
    def has_ended(self) -> bool:
        """Whether it was closed, or ended by a fault: another one is needed."""
        return self._pid != os.getpid() or self.ended.is_set()

    def watch(self, order: Order, asker: Asker, *, until_accepted: bool = False) -> Watch:
        """Watch a job; it is started if nobody works on it yet.

        Args:
            asker: who looks.
            until_accepted: the look ends as soon as the provider has accepted the job.
        """
        watch = Watch(order.key, asker, until_accepted, self._leave, self.is_alive)
        self.start()
        self.soon(lambda: self._admit(order, watch))
        return watch

    def stop(self, prompt_id: str) -> None:
        """The user pressed Stop: let go who looks for that prompt, and cancel what only it wanted."""
        self.soon(lambda: self._stop(prompt_id))

    def cancel(self, key: str) -> Future[bool]:
        """Cancel a job, even if others watch it; False if no job of that key can be cancelled."""
        return self.run(lambda: self._cancel(key))

    def fetch(self, key: str) -> Future[bool]:
        """Bring a clip home that was paid for, again too; False when there is none of that key, or not with the
        accounts at hand. Submits nothing.
        """
        return self.run(lambda: self._fetch(key))

    def live(self) -> Future[dict[str, JobEvent]]:
        """What was last said of each job under way, by key."""

        async def said() -> dict[str, JobEvent]:
            return {key: tools.event for key, tools in self.jobs.items() if tools.event is not None}

        return self.run(said)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Run a coroutine on the engine's loop."""
        self.start()
        if self._loop is None or self._loop.is_closed():
            raise EngineGone("Remote Video's engine has ended.")
        return contextvars.Context().run(asyncio.run_coroutine_threadsafe, work(), self._loop)

    def soon(self, function: Callable[[], object]) -> None:
        """Call it on the engine's thread; nothing when the engine has ended."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(function, context=contextvars.Context())
        except RuntimeError:
            _log.debug("The engine has ended; nobody is there to hear.")

    def close(self, within_s: float = 2.0) -> None:
        """End: nothing new is sent; a submission that is under way is waited for, so that its id is written down.

        Args:
            within_s: for everything but those answers.
        """
        if self.has_ended:
            return
        self.ended.set()
        if self._thread is None:
            return
        posting = {future for future in set(self.posting) if not future.done()}
        if posting:
            limit = self.settings().timeouts.close_answer
            _log.warning(
                "Remote Video waits up to %.0f s for the answer to %d submission(s), to know the ids of the jobs.",
                limit,
                len(posting),
            )
            wait(posting, limit)
        self.soon(self._closing.set)
        self._thread.join(within_s)

    # -- on the engine's thread --------------------------------------------------------------------------------------

    def _leave(self, watch: Watch) -> None:
        self.soon(lambda: self._left(watch))

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(self._main())
        except Exception:
            _log.exception("Remote Video's engine has ended by a fault of its own.")
            gone = EngineGone("Remote Video's engine has ended; its log says why. Run again with the same inputs.")
            for tools in self.jobs.values():
                tools.audience.answer(gone)
            for _, watch in self._late:
                watch.answer(gone)
        finally:
            # After `close` the process ends: an error on each node would only be noise in its last lines.
            self.ended.set()
            self.pools.end()
            loop.close()

    async def _main(self) -> None:
        """Everything the engine does, until `close`; a fault in what always runs ends it, and is told."""
        works = (self._beat, self._look_for_stop, self.collector.collect, self.sharing.share)
        always = [asyncio.create_task(work()) for work in works]
        closing = asyncio.create_task(self._closing.wait())
        ended, _ = await asyncio.wait({*always, closing}, return_when=asyncio.FIRST_COMPLETED)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._known_in:
            await asyncio.wrap_future(self.pools.ledger.start(self._retire))
        for task in ended:
            task.result()

    def _retire(self) -> None:
        for settings in self._known_in.values():
            self._tell_others(settings, Ledger.retire, "Other engines learn only later that this one has ended")

    async def _beat(self) -> None:
        """Be heard of by the engines of other processes, while there are leases to hold."""
        while True:
            there = {_place(tools.order.settings): tools.order.settings for tools in self.jobs.values()}
            for settings in there.values():
                words = "Other engines can't be told that this one lives"
                beat = partial(self._tell_others, settings, Ledger.heartbeat, words)
                await asyncio.wrap_future(self.pools.ledger.start(beat))
            await asyncio.sleep(self.settings().timeouts.heartbeat)

    def _tell_others(self, settings: Settings, tell: Callable[[Ledger, str], None], otherwise: str) -> None:
        try:
            tell(Ledger.of(settings), self.id)
        except RemoteVideoError as error:
            _log.warning("%s: %s", otherwise, error.what)

    async def _look_for_stop(self) -> None:
        """Look whether the user pressed Stop, while anybody is there to be let go."""
        while True:
            somebody_looks = any(tools.audience.watches or tools.audience.in_doubt for tools in self.jobs.values())
            if somebody_looks or self._late:
                prompt_id = self.host.interrupted_prompt()
                if prompt_id is not None:
                    self._stop(prompt_id)
            late, self._late = self._late, []
            for order, watch in late:
                self._admit(order, watch)
            await asyncio.sleep(self.settings().timeouts.stop_check)

    # -- jobs --------------------------------------------------------------------------------------------------------

    def begin(self, order: Order, starter: Watch | None = None) -> Tools:
        """Work on a job that nobody works on here."""
        tools = Tools(order, self, starter)
        self.jobs[order.key] = tools
        self._known_in[_place(order.settings)] = order.settings
        self._spawn(self._live(tools))
        return tools

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, tools: Tools) -> None:
        outcome: JobRecord | Exception
        try:
            outcome = await self._made(tools)
        except Exception as error:
            outcome = error
            if not isinstance(error, (RemoteVideoError, Unwanted)):
                _log.exception("The job %s ended by a fault of this pack.", tools.key)
        del self.jobs[tools.key]
        self.collector.ended(tools, outcome)
        if isinstance(outcome, JobRecord):
            self.sharing.saved(outcome)
        self._tell(tools, outcome)

    async def _made(self, tools: Tools) -> JobRecord:
        while True:
            try:
                return await make(tools)
            except ModelGone as gone:
                raise await tools.call(self.pools.preparations, partial(with_successors, gone, tools.order)) from gone
            except LeaseLost:
                _log.warning("Another engine took the job %s over while this one was not heard of.", tools.key)

    def _tell(self, tools: Tools, outcome: JobRecord | Exception) -> None:
        audience, name = tools.audience, tools.order.job.model_name
        if isinstance(outcome, JobRecord):
            clip = StoredClip.of(outcome)
            for watch in audience.watches:
                watch.answer(replace(clip, reused=not tools.is_new or watch is not tools.starter))
            names = ", ".join(file.name for file in (clip.path, *clip.others))
            end: dict[str, EventFact] = {"file": clip.path.name, "cost_usd": clip.cost_usd, "is_over": True}
            tools.say(f"saved as {names}", outcome.state, outcome.request_id, **end)
            here = f"The clip is here: {clip.path.name}. Run again to use it; nothing is submitted."
            tools.tell_absent(here, outcome.state, **end)
            return
        audience.answer(outcome)
        if isinstance(outcome, Unwanted) and tools.starter is None:
            return  # another engine brings it home
        if isinstance(outcome, Unwanted):
            tools.say("not submitted", is_over=True)
            nothing = "Stopped before anything was accepted by the provider. Nothing was billed."
            tools.tell_absent(nothing, is_over=True)
        else:
            error = outcome if isinstance(outcome, RemoteVideoError) else None
            what = error.what if error else f"a fault of this pack: {outcome}"
            _log.info("%s: %s", name, what)
            tools.say(what, error=error, is_over=True)
            tools.tell_absent(what, error=error, is_over=True)

    # -- who looks ---------------------------------------------------------------------------------------------------

    def _admit(self, order: Order, watch: Watch) -> None:
        """Add a watcher. An error in that goes to the watcher: nobody else would see it."""
        try:
            self._join(order, watch)
        except Exception as fault:
            _log.exception("Nobody can look at the job %s by a fault of this pack.", order.key)
            watch.answer(fault)

    def _join(self, order: Order, watch: Watch) -> None:
        if self.ended.is_set():
            watch.answer(EngineGone("Remote Video is ending with ComfyUI; nothing was sent."))
            return
        if watch.asker.prompt_id and watch.asker.prompt_id == self.host.interrupted_prompt():
            watch.answer(Stopped("Stopped by the user before anything was submitted."))
            return
        tools = self.jobs.get(order.key)
        if tools is not None and (tools.cancel.is_set() or tools.is_ending):
            self._late.append((order, watch))
            return
        tools = tools or self.begin(order, watch)
        tools.audience.watches.append(watch)
        settings, loop = order.settings, asyncio.get_running_loop()
        watch.deadline = loop.call_later(settings.timeout_s, self._too_late, watch, settings)
        if tools.event is not None:
            watch.show(tools.event)
        tools.answer_accepted()

    def _too_late(self, watch: Watch, settings: Settings) -> None:
        """A look has waited for as long as it may; the job goes on when it was submitted."""
        tools = self.jobs.get(watch.key)
        if tools is None or watch not in tools.audience.watches:
            return
        tools.audience.watches.remove(watch)
        event = tools.event
        seen = f"; last seen: {event.text}" if event else ""
        what = f"The clip was not there within {clock(settings.timeout_s)} (REMOTE_VIDEO_TIMEOUT_S){seen}."
        if event is None or event.request_id is None:
            billed = Billed.UNKNOWN if tools.shared else Billed.NO
            error = StillRunning(what, billed=billed, next_step="Run again with the same inputs.")
        else:
            error = StillRunning(what, request_id=event.request_id)
        watch.answer(error)

    def _left(self, watch: Watch) -> None:
        """A look ended without a word: its prompt failed elsewhere, or was stopped. How the prompt ended tells."""
        if watch.deadline is not None:
            watch.deadline.cancel()
        self._late = [late for late in self._late if late[1] is not watch]
        tools, prompt_id = self.jobs.get(watch.key), watch.asker.prompt_id
        if tools is None or watch not in tools.audience.watches:
            return
        tools.audience.watches.remove(watch)
        tools.audience.in_doubt.append(watch)
        if prompt_id not in self._resolving:
            self._resolving.add(prompt_id)
            self._spawn(self._resolve(prompt_id))

    async def _resolve(self, prompt_id: str) -> None:
        end = PromptEnd.RUNNING if prompt_id else PromptEnd.OTHERWISE
        try:
            while end is PromptEnd.RUNNING:
                await asyncio.sleep(self.settings().timeouts.stop_check)
                end = self.host.prompt_end(prompt_id)
        except Exception:
            _log.exception("How the prompt %s ended can't be told; its jobs go on.", prompt_id)
        finally:
            self._resolving.discard(prompt_id)
        if end is PromptEnd.INTERRUPTED:
            self._stop(prompt_id)
        for tools in self.jobs.values():
            tools.go_on_without(prompt_id)

    def _stop(self, prompt_id: str) -> None:
        for order, watch in [late for late in self._late if late[1].asker.prompt_id == prompt_id]:
            self._late.remove((order, watch))
            watch.answer(Stopped("Stopped by the user before anything was submitted again."))
        for tools in self.jobs.values():
            tools.stop_for(prompt_id)

    async def _cancel(self, key: str) -> bool:
        order = None if key in self.jobs else await self.collector.order_of(key)
        if order is not None:
            # Whoever works on it, perhaps in another process, sees what becomes of it; else this engine does.
            await self.ask_to_cancel(order.client, order.request_id or "", order.settings.timeouts)
            if key not in self.jobs:
                self.begin(order)
        elif key in self.jobs:
            self.jobs[key].cancel_for_all()
        else:
            return False
        return True

    async def _fetch(self, key: str) -> bool:
        order = None if key in self.jobs else await self.collector.order_of(key, FETCHABLE)
        if order is not None and key not in self.jobs:
            self.begin(order)
        return key in self.jobs

    async def ask_to_cancel(self, client: Client, request_id: str, timeouts: Timeouts) -> CancelOutcome:
        """Ask the provider, for a bounded time."""
        asked = asyncio.wrap_future(self.pools.questions.start(partial(client.cancel, request_id)))
        try:
            return await asyncio.wait_for(asked, timeouts.cancel_answer)
        except (asyncio.TimeoutError, TimeoutError):
            return CancelOutcome.UNKNOWN


def _place(settings: Settings) -> tuple[Path, str | None]:
    """Which ledger it is."""
    return settings.home, settings.ledger_url
