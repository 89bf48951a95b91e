"""What the accounts dialog and the jobs panel are told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..remote_video.accounts import Accounts
from ..remote_video.budget import DAY, MONTH, Budgets, Period
from ..remote_video.engine.host import JobEvent
from ..remote_video.errors import RequestRefused
from ..remote_video.ledger.ledger import Forgotten, Ledger
from ..remote_video.ledger.lifecycle import FORGETTABLE, State
from ..remote_video.ledger.record import JobRecord
from ..remote_video.outside_text import quoted, storable
from ..remote_video.providers import PROVIDERS
from ..remote_video.settings import Settings
from .comfy_host import running_engine, the_engine

Body = Mapping[str, Any]

JOBS_SHOWN = 50
ANSWER_WITHIN_S = 10.0
"""For the engine's thread, which never blocks."""
WHY_NOT_FORGOTTEN = {
    Forgotten.NOT_THERE: "That job was not there any more.",
    Forgotten.IN_USE: "A run works on that job right now, so it is kept. Stop the run first.",
    Forgotten.NOT_FORGETTABLE: "That job has a clip, or will have one, so it is kept.",
}


def accounts_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{accounts: as `Accounts.describe`, sandbox: bool}; never a key."""
    return {"accounts": Accounts(settings.home).describe(), "sandbox": settings.sandbox}


def save_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider, key} -> as `accounts_view`. Raises RequestRefused, AccountError."""
    Accounts(settings.home).save(_provider(body), _text(body, "key"))
    return accounts_view(settings)


def forget_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider} -> as `accounts_view`. Raises RequestRefused, AccountError."""
    Accounts(settings.home).forget(_provider(body))
    return accounts_view(settings)


def jobs_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{jobs: newest first, sandbox: bool}. Raises LedgerError."""
    engine = running_engine()
    live = engine.live().result(ANSWER_WITHIN_S) if engine is not None and engine.is_alive() else {}
    jobs = [_job(record, live.get(record.key)) for record in Ledger(settings.home).recent(JOBS_SHOWN)]
    return {"jobs": jobs, "sandbox": settings.sandbox}


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


def forget_job(settings: Settings, body: Body) -> dict[str, Any]:
    """{key} -> {forgotten: bool, why: a sentence when it wasn't}. Raises RequestRefused, LedgerError."""
    outcome = Ledger(settings.home).forget(_text(body, "key"))
    return {"forgotten": outcome is Forgotten.DONE, "why": WHY_NOT_FORGOTTEN.get(outcome, "")}


def cancel_job(settings: Settings, body: Body) -> dict[str, bool]:
    """{key} -> {asked: whether there is such a job to cancel}; events tell the rest. Raises RequestRefused."""
    return {"asked": the_engine().cancel(_text(body, "key")).result(ANSWER_WITHIN_S)}


def _job(record: JobRecord, live: JobEvent | None) -> dict[str, Any]:
    file = record.clip_path if record.is_stored else None
    gone = file is not None and not file.exists()
    sentence = "saved, but the file is gone: the same inputs fetch it again" if gone else record.state.sentence
    return {
        "key": record.key,
        "state": record.state.value,
        "state_text": sentence[:1].upper() + sentence[1:],
        "live": live.text if live else None,
        "forgettable": record.state in FORGETTABLE,
        "cancellable": record.state is State.SUBMITTED,
        "model": record.model_name,
        "provider": record.provider,
        "request_id": record.request_id,
        "created_at": record.created_at,
        "cost_usd": None if record.sandbox else record.cost_usd,
        "estimate_usd": None if record.sandbox else record.estimate_usd,
        "error": record.error,
        "file_name": file.name if file else None,
        "sandbox": record.sandbox,
    }


def _provider(body: Body) -> str:
    provider = _text(body, "provider")
    if provider not in PROVIDERS:
        raise RequestRefused("There is no such provider.")
    return provider


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or storable(value) != value:
        raise RequestRefused(f"The request has no text {quoted(name)}.")
    return value
