"""What the accounts dialog is told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

from typing import Any

from ..remote_video.accounts import Accounts
from ..remote_video.budget import DAY, MONTH, Budgets, Period
from ..remote_video.errors import RequestRefused
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.providers import PROVIDERS
from ..remote_video.settings import Settings
from .asked import Body, text_of


def accounts_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{accounts: as `Accounts.describe`, sandbox: bool}; never a key."""
    return {"accounts": Accounts(settings.home).describe(), "sandbox": settings.sandbox}


def save_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider, key} -> as `accounts_view`. Raises RequestRefused, AccountError."""
    Accounts(settings.home).save(_provider(body), text_of(body, "key"))
    return accounts_view(settings)


def forget_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider} -> as `accounts_view`. Raises RequestRefused, AccountError."""
    Accounts(settings.home).forget(_provider(body))
    return accounts_view(settings)


def money_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """What clips cost lately and what may be spent, USD. No sandbox job is in it. Raises LedgerError.

    Returns:
        {day, month: {spent_usd, expected_usd: besides, of jobs whose cost is not known (yet), unknown: how many jobs
        nothing is known of, jobs, opens_at: when the next one begins, ISO, local time}, budget: as
        `Budgets.describe`, sandbox: bool}
    """
    told: dict[str, Any] = {name: _spent(settings, Period.now(name)) for name in (DAY, MONTH)}
    return {**told, "budget": Budgets(settings.home, settings.budget).describe(), "sandbox": settings.sandbox}


def save_budget(settings: Settings, body: Body) -> dict[str, Any]:
    """{day_usd, month_usd: number, text of one, or None} -> as `money_view`. Raises RequestRefused, SettingsError."""
    Budgets(settings.home, settings.budget).save(body.get("day_usd"), body.get("month_usd"))
    return money_view(settings)


def _spent(settings: Settings, period: Period) -> dict[str, Any]:
    spent = Ledger(settings.home).spent(period)
    return {
        "spent_usd": round(spent.usd, 6),
        "expected_usd": round(spent.expected_usd, 6),
        "unknown": spent.unknown,
        "jobs": spent.jobs,
        "opens_at": period.until.isoformat(),
    }


def _provider(body: Body) -> str:
    provider = text_of(body, "provider")
    if provider not in PROVIDERS:
        raise RequestRefused("There is no such provider.")
    return provider
