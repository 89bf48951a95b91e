"""Collects paid jobs that nobody watches: after Stop, a failure elsewhere, a timeout or a crash."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ..accounts import Accounts
from ..backoff import backoff
from ..catalogue.model import CatalogueModel
from ..errors import RemoteVideoError
from ..ledger.journal import Journal
from ..ledger.ledger import LeaseLost, Ledger
from ..ledger.lifecycle import TO_COLLECT, State
from ..ledger.record import JobRecord
from ..models import MODELS
from ..providers import PROVIDERS
from ..providers.client import connect
from ..settings import SANDBOX_ENDPOINT, Settings, is_here
from .job import write_lost
from .order import Order, pickup_order
from .tools import Tools, Unwanted

if TYPE_CHECKING:
    from .engine import Engine

FIRST_RETRY_S, LONGEST_RETRY_S = 10.0, 600.0
COLLECT_FOR_S = 7 * 24 * 3600.0
"""A job older than this is left to Run."""

_log = logging.getLogger("remote_video")


@dataclass
class Failure:
    """A job that recently could not be collected."""

    times: int = 0
    again_at: float = 0.0


@dataclass
class Collector:
    """Looks for jobs that were paid for and have no clip yet, and works on those that nobody works on.

    Args:
        engine: that does the work; it has one task per job, and a lease on it across processes.
    """

    engine: Engine
    _failures: dict[str, Failure] = field(default_factory=dict)
    _trouble: str = ""

    async def collect(self) -> None:
        """Look again and again. Trouble with the ledger is said once, and waited out."""
        while True:
            settings = self.engine.settings()
            if settings.collect:
                try:
                    await self._look(settings)
                    self._trouble = ""
                except RemoteVideoError as error:
                    if error.what != self._trouble:
                        _log.warning("Nothing can be collected now: %s", error.what)
                    self._trouble = error.what
            await asyncio.sleep(settings.timeouts.collect)

    def ended(self, tools: Tools, outcome: JobRecord | Exception) -> None:
        """The engine's: how a job ended. One that failed is left alone for a while."""
        if isinstance(outcome, (JobRecord, Unwanted)):
            self._failures.pop(tools.key, None)
            return
        failure = self._failures.setdefault(tools.key, Failure())
        failure.again_at = time.monotonic() + backoff(failure.times, FIRST_RETRY_S, LONGEST_RETRY_S)
        failure.times += 1

    async def order_of(self, key: str, states: Collection[State] = TO_COLLECT) -> Order | None:
        """How to collect a job in one of these states; None in another state, or without a key of its account."""
        settings = self.engine.settings()

        def look() -> Order | None:
            record = Ledger.of(settings).get(key)
            return self._order(record, settings) if record and record.state in states else None

        return await asyncio.wrap_future(self.engine.pools.ledger.start(look))

    async def _look(self, settings: Settings) -> None:
        under_way = frozenset(self.engine.jobs)
        orders = await asyncio.wrap_future(self.engine.pools.ledger.start(partial(self._orders, settings, under_way)))
        for order in orders:
            if order.key not in self.engine.jobs:
                self.engine.begin(order)

    # -- on a ledger thread ------------------------------------------------------------------------------------------

    def _orders(self, settings: Settings, under_way: frozenset[str]) -> list[Order]:
        if not Ledger.is_there(settings) and not _journal(settings).entries():
            return []
        ledger = Ledger.of(settings)
        self.settle(ledger, under_way)
        now, since = time.monotonic(), ledger.now() - COLLECT_FOR_S
        orders = []
        for record in ledger.to_collect():
            failure = self._failures.get(record.key)
            is_due = failure is None or failure.again_at <= now
            if record.key not in under_way and is_due and (record.submitted_at or since) >= since:
                orders.append(self._order(record, settings))
        return [order for order in orders if order is not None]

    def settle(self, ledger: Ledger, under_way: frozenset[str] = frozenset()) -> None:
        """Write down what the journal has, and the intents of engines that died as uncertain. Blocks."""
        journal = _journal(self.engine.settings())
        for lease in tuple(self.engine.unreleased):
            ledger.release(lease)
            self.engine.unreleased.discard(lease)
        journal.replay(ledger, under_way)
        for key in {record.key for record in ledger.interrupted()} - under_way:
            if (held := ledger.acquire(key, self.engine.id)) is None:
                continue
            with suppress(LeaseLost):
                for entry in journal.entries(key):
                    journal.tell(entry, ledger, held)
                if (record := ledger.get(key)) is not None and record.state is State.INTENT:
                    write_lost(ledger, held, record)
            ledger.release(held)

    def _order(self, record: JobRecord, settings: Settings) -> Order | None:
        """The sandbox is for new clips: earlier paid jobs are collected while it is on, too."""
        provider = next((p for p in PROVIDERS.values() if p.name == record.provider), None)
        if settings.sandbox and record.base != SANDBOX_ENDPOINT:
            settings = replace(settings, sandbox=False)
        if provider is None or settings.endpoint(provider.id) != record.base:
            return None
        if not is_here(record.base) and Accounts(settings.home).find(provider.id) is None:
            return None
        connection = connect(provider.id, settings)
        ledger = Ledger.of(settings)
        if record.account and record.account != ledger.account_tag(connection.account_key):
            return None
        other = CatalogueModel.node_id if provider.id == CatalogueModel.provider else "collected"
        node_id = next((spec.node_id for spec in MODELS if spec.model_id == record.model_id), other)
        folder, prefix = self.engine.host.output_folder(), f"video/{node_id}"
        return pickup_order(
            record, provider.id, connection.client, settings, folder, prefix, self.engine.host.temp_folder()
        )


def _journal(settings: Settings) -> Journal:
    return Journal(settings.home, settings.ledger_url)
