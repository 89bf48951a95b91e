"""What an account has left, asked for beside the work that comes before a submission, and who draws on it.

A provider's balance may know of a job when it is accepted or only when it is done. So what was let through since it
was asked for counts against it here, and what was accepted is forgotten with the next answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..dollars import dollars
from ..errors import BalanceError, Billed, RemoteVideoError
from ..ledger.ledger import LeaseLost
from ..providers.status import TransientError

if TYPE_CHECKING:
    from .tools import Tools

_log = logging.getLogger("remote_video")


class Purse:
    """One account at one provider. It belongs to the engine's thread."""

    def __init__(self) -> None:
        self.trouble = ""
        """Why it is not known what is left."""
        self._usd: float | None = None
        self._asked_at = self._refused_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._drawn: dict[str, float] = {}
        """What jobs were let through for, by job key, USD."""
        self._accepted: set[str] = set()
        """Those of them that the provider has."""

    def ask(self, tools: Tools) -> None:
        """Begin to ask, unless the last answer will do: for a minute, and not for who runs again after a no."""
        now = time.monotonic()
        is_old = now - self._asked_at > tools.timeouts.balance_kept
        if self._asking is None and (is_old or self._asked_at <= self._refused_at < tools.began):
            for key in self._accepted:
                self._drawn.pop(key, None)
            self._accepted.clear()
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask(tools))

    async def _ask(self, tools: Tools) -> None:
        self._usd, self.trouble = None, "no answer in time"
        try:
            self._usd = await tools.call(tools.pools.questions, tools.order.client.balance_usd)
            self.trouble = "" if self._usd is not None else "the answer names none in USD"
        except (RemoteVideoError, TransientError) as error:
            self.trouble = error.what if isinstance(error, RemoteVideoError) else str(error)
        except Exception as fault:
            self.trouble = f"a fault of this pack: {type(fault).__name__}"
            _log.exception("The balance can't be asked for by a fault of this pack.")
        self._asking = None

    async def draw(self, tools: Tools, usd: float) -> bool:
        """Let a job through, which will cost so much; whether it is known that it can be paid for.

        Raises:
            BalanceError: it can't.
        """
        self.ask(tools)
        if self._asking is not None:
            left_to_wait = self._asked_at + tools.timeouts.balance - time.monotonic()
            await asyncio.wait({self._asking}, timeout=max(0.0, left_to_wait))
        if self._usd is None:
            return False
        drawn = sum(other for key, other in self._drawn.items() if key != tools.key)
        if round(usd + drawn - self._usd, 6) > 0:
            self._refused_at = time.monotonic()
            raise _too_little(tools, self._usd, drawn)
        self._drawn[tools.key] = usd
        return True

    def settle(self, key: str, *, accepted: bool) -> None:
        """What became of a job that was let through."""
        if accepted:
            self._accepted.add(key)
        else:
            self._drawn.pop(key, None)


def _too_little(tools: Tools, has: float, drawn: float) -> BalanceError:
    order = tools.order
    costs = order.estimate.words if order.estimate else "more"
    less = f", {dollars(drawn)} of it for clips that were just begun" if drawn else ""
    return BalanceError(
        f"This clip costs {costs}, and the {order.job.provider} account has {dollars(has)}{less}. Nothing was sent."
    )


@asynccontextmanager
async def affordable(tools: Tools) -> AsyncIterator[None]:
    """See, before anything is sent, that a job is within the budget and that the account can pay for it.

    Raises:
        BudgetReached, BalanceError: it isn't, or can't.
        SettingsError: what may be spent can't be read.
    """
    order, purse = tools.order, tools.purse
    budget = await tools.call(tools.pools.ledger, order.budget)
    if budget.caps:
        await tools.keep(lambda ledger: ledger.afford(order.job, budget))
    if order.estimate is not None and not await purse.draw(tools, order.estimate.usd) and budget.caps:
        tools.say(f"What the {order.job.provider} account has left is not known ({purse.trouble}). The budget is held.")
    try:
        yield
    except BaseException as error:
        is_no = isinstance(error, LeaseLost) or getattr(error, "billed", Billed.NO) is Billed.NO
        purse.settle(tools.key, accepted=not is_no)
        raise
    purse.settle(tools.key, accepted=True)
