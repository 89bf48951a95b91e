"""What the accounts dialog is told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..remote_video.accounts import Accounts, checked_key
from ..remote_video.budget import DAY, MONTH, Budgets, Period
from ..remote_video.errors import RequestRefused
from ..remote_video.hosted import hoster
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.loopback import is_loopback
from ..remote_video.providers import PROVIDERS, Provider
from ..remote_video.providers.client import connect
from ..remote_video.providers.trial import Trial, Verdict
from ..remote_video.settings import Settings
from .asked import Body, text_of
from .comfy_host import RUNCOMFY, ask_what_is_offered, is_multi_user, tell_pages

ACCOUNTS_EVENT = "remote_video.accounts"
"""The websocket event that tells every page that keys, what may be spent, or another setting is not what it was."""


def accounts_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """Never a key.

    Returns:
        {accounts: as `Accounts.describe`, sandbox: bool, hoster: {name, variable} | None: whose machine this is,
        multi_user: whether ComfyUI's users share what is shown here}
    """
    there = hoster()
    return {
        "accounts": Accounts(settings.home).describe(),
        "sandbox": settings.sandbox,
        "hoster": vars(there) if there else None,
        "multi_user": is_multi_user(),
    }


def save_account(settings: Settings, body: Body) -> dict[str, Any]:
    """Try a key, and keep it unless its provider refuses it. Blocks.

    Args:
        settings: where it is kept.
        body: {provider, key, session: in memory alone, insist: keep it untried}.

    Returns:
        as `accounts_view`, and {kept: bool, trial: as `_told` | None}

    Raises:
        RequestRefused, AccountError: it can't be a key, or it can't be kept.
    """
    provider = _provider(body)
    key = checked_key(provider.id, text_of(body, "key"))
    trial = None if body.get("insist") is True else _trial_of_new(provider, key, settings)
    kept = trial is None or trial.verdict is not Verdict.REFUSED
    if kept:
        accounts = Accounts(settings.home)
        (accounts.keep_for_session if body.get("session") is True else accounts.save)(provider.id, key)
        tell_pages(ACCOUNTS_EVENT, {})
        if provider.id == RUNCOMFY:
            ask_what_is_offered(lambda: settings)
    return {**accounts_view(settings), "kept": kept, "trial": _told(trial)}


def check_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider} -> {trial: of the key that a Run would use}. Blocks. Raises RequestRefused, AccountError."""
    client = connect(_provider(body).id, replace(settings, sandbox=False)).client
    return {"trial": _told(client.try_key())}


def forget_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider} -> as `accounts_view`. Raises RequestRefused, AccountError."""
    Accounts(settings.home).forget(_provider(body).id)
    tell_pages(ACCOUNTS_EVENT, {})
    return accounts_view(settings)


def _trial_of_new(provider: Provider, key: str, settings: Settings) -> Trial:
    base_url = settings.base_urls[provider.id]
    if is_loopback(base_url):
        why = (
            f"{provider.base_url_variable} points to a server on this machine, which never receives the key of "
            "an account."
        )
        return Trial(Verdict.UNANSWERED, why)
    return provider.client(base_url, key, endpoint=base_url, timeouts=settings.timeouts).try_key()


def _told(trial: Trial | None) -> dict[str, Any] | None:
    """{verdict: "accepted" | "refused" | "unanswered", words, balance_usd, models}."""
    return None if trial is None else {**vars(trial), "verdict": trial.verdict.value}


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
    tell_pages(ACCOUNTS_EVENT, {})
    return money_view(settings)


def _spent(settings: Settings, period: Period) -> dict[str, Any]:
    spent = Ledger.of(settings).spent(period)
    return {
        "spent_usd": round(spent.usd, 6),
        "expected_usd": round(spent.expected_usd, 6),
        "unknown": spent.unknown,
        "jobs": spent.jobs,
        "opens_at": period.until.isoformat(),
    }


def _provider(body: Body) -> Provider:
    provider = text_of(body, "provider")
    if provider not in PROVIDERS:
        raise RequestRefused("There is no such provider.")
    return PROVIDERS[provider]
