"""What jobs cost, summed up, and the budget that holds them back. Sandbox jobs are no money and never in a sum.

A job counts from the moment its submission is about to leave: with its cost where the provider said it, else with its
estimate, else with what is assumed of it. One that was refused, or cancelled in the queue, counts nothing; a failed one
does unless the provider says that it cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..budget import UNKNOWN_PRICE_VARIABLE, VARIABLES, Budget, Period
from ..dollars import dollars
from ..errors import BudgetReached
from .lifecycle import COSTS_NOTHING
from .record import SANDBOX, NewJob
from .tables import JOBS

_COSTS_NOTHING = JOBS.c.state.in_(sorted(state.value for state in COSTS_NOTHING))
_EARLIER = sa.func.coalesce(JOBS.c.earlier_usd, 0.0)
_KNOWN = sa.func.coalesce(JOBS.c.cost_usd, 0.0) + _EARLIER
_IS_KNOWN = sa.or_(JOBS.c.cost_usd.is_not(None), _COSTS_NOTHING)


_COUNTS = sa.or_(~_COSTS_NOTHING, _KNOWN > 0)


@dataclass(frozen=True)
class Spent:
    """What some jobs cost.

    Args:
        usd: as the provider said it.
        expected_usd: besides, what is expected of those whose cost it did not say (yet).
        unknown: how many there are of whom nothing is known.
        jobs: how many there are in all.
    """

    usd: float = 0.0
    expected_usd: float = 0.0
    unknown: int = 0
    jobs: int = 0

    @property
    def in_all(self) -> float:
        """USD, without those of whom nothing is known."""
        return self.usd + self.expected_usd

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


def _expected(*figures: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The first of them that is known, of a job whose cost is not; 0 where it is."""
    return sa.case((_IS_KNOWN, 0.0), else_=sa.func.coalesce(*figures) if len(figures) > 1 else figures[0])


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def spent_since(db: sa.Connection, since: float, *, stand_in: bool = False) -> Spent:
    """What was spent since that moment, seconds since the epoch, as a budget counts it.

    Args:
        stand_in: make-believe money, of stand-ins with a base URL of their own.
    """
    expected = _expected(JOBS.c.estimate_usd, JOBS.c.assumed_usd)
    sums = sa.select(sa.func.sum(_KNOWN), sa.func.sum(expected), _number(expected.is_(None)), _number(_COUNTS))
    # All of it is in the index jobs_money, which is read from the first row of the period on.
    which = (JOBS.c.created_at >= since, JOBS.c.base != SANDBOX, sa.func.coalesce(JOBS.c.stand_in, 0) == int(stand_in))
    return Spent(*(value or 0 for value in db.execute(sums.where(*which)).one()))


def spendings(db: sa.Connection) -> Iterable[tuple[float, str, Spent]]:
    """For each job that cost something, or may have: when it was begun, its model in people's words, and what."""
    expected = _expected(JOBS.c.estimate_usd)
    query = sa.select(JOBS.c.created_at, JOBS.c.model_name, _KNOWN, expected).where(
        JOBS.c.base != SANDBOX, sa.func.coalesce(JOBS.c.stand_in, 0) == 0, _COUNTS
    )
    for begun_at, model, usd, more in db.execute(query.order_by(JOBS.c.created_at)):
        yield begun_at, model, Spent(usd, more or 0.0, int(more is None), 1)


def earlier_usd(db: sa.Connection, key: str) -> float | None:
    """What the attempts at a job cost so far, or may have cost, USD; None for nothing."""
    charge = _KNOWN + sa.func.coalesce(_expected(JOBS.c.estimate_usd, JOBS.c.assumed_usd), 0.0)
    return db.execute(sa.select(charge).where(JOBS.c.key == key)).scalar() or None


def hold(db: sa.Connection, budget: Budget, job: NewJob, now: float) -> None:
    """See that a job is within the budget, inside the transaction that begins it. Raises BudgetReached, SettingsError.

    A stand-in's job is held against what its like has spent, so that a budget can be tried.
    """
    if job.base == SANDBOX or not budget.caps:
        return
    price = job.estimate_usd if job.estimate_usd is not None else job.assumed_usd
    if price is None:
        what = f"A budget is set, and what {job.model_name} costs is not known, so nothing was sent."
        raise BudgetReached(what, next_step=f"{_ALLOW} it may count as, then run again.")
    for name, cap in budget.caps.items():
        period = Period.now(name, datetime.fromtimestamp(now))
        spent = spent_since(db, period.since, stand_in=bool(job.stand_in))
        if spent.unknown and budget.unknown_price_usd is None:
            what = f"A budget is set, and of {spent.unknown} job(s) of this {name} neither cost nor price is known."
            raise BudgetReached(f"{what} Nothing was sent.", next_step=f"{_ALLOW} each of them counts as.")
        total = spent.in_all + spent.unknown * (budget.unknown_price_usd or 0.0)
        if round(total + price, 6) > round(cap, 6):
            raise _reached(period, cap, total, price, job)


_ALLOW = f"Set {UNKNOWN_PRICE_VARIABLE} to what"


def _reached(period: Period, cap: float, spent: float, price: float, job: NewJob) -> BudgetReached:
    this = f"costs about {dollars(price)}" if job.estimate_usd is not None else f"counts as {dollars(price)}"
    what = (
        f"This {period.name}'s budget is {dollars(cap)}. {dollars(spent)} of it is spent or committed. This clip "
        f"{this}. Nothing was sent."
    )
    opens = f"It opens again on {period.until:%Y-%m-%d} at {period.until:%H:%M}, this machine's time"
    if price > cap:
        opens = "It is less than this one clip"
    return BudgetReached(
        what,
        next_step=f"{opens}. To go on now, raise {VARIABLES[period.name]} and restart ComfyUI, or raise the budget in "
        "the accounts dialog; then run again.",
    )
