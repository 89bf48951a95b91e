"""What the accounts dialog and the jobs panel are told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..remote_video.accounts import PROVIDERS, Accounts
from ..remote_video.errors import InputRefused
from ..remote_video.jobs.ledger import Ledger
from ..remote_video.jobs.lifecycle import FORGETTABLE, State
from ..remote_video.jobs.record import JobRecord
from ..remote_video.settings import Settings

Body = Mapping[str, Any]

JOBS_SHOWN = 50


def accounts_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{accounts: as `Accounts.describe`, sandbox: bool}; never a key."""
    return {"accounts": Accounts(settings.home).describe(), "sandbox": settings.sandbox}


def save_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider, key} -> as `accounts_view`. Raises InputRefused, AccountError."""
    Accounts(settings.home).save(_provider(body), _text(body, "key"))
    return accounts_view(settings)


def forget_account(settings: Settings, body: Body) -> dict[str, Any]:
    """{provider} -> as `accounts_view`. Raises InputRefused, AccountError."""
    Accounts(settings.home).forget(_provider(body))
    return accounts_view(settings)


def jobs_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{jobs: newest first, sandbox: bool}. Raises LedgerError."""
    jobs = [_job(record) for record in Ledger(settings.home).recent(JOBS_SHOWN)]
    return {"jobs": jobs, "sandbox": settings.sandbox}


def forget_job(settings: Settings, body: Body) -> dict[str, bool]:
    """{key} -> {forgotten: bool}. Raises InputRefused, LedgerError."""
    return {"forgotten": Ledger(settings.home).forget(_text(body, "key"))}


def _job(record: JobRecord) -> dict[str, Any]:
    file = Path(record.path) if record.path and record.state is State.STORED else None
    gone = file is not None and not file.exists()
    sentence = "saved, but the file is gone: the same inputs fetch it again" if gone else record.state.sentence
    return {
        "key": record.key,
        "state": record.state.value,
        "state_text": sentence[:1].upper() + sentence[1:],
        "forgettable": record.state in FORGETTABLE,
        "model": record.model_name,
        "provider": record.provider,
        "request_id": record.request_id,
        "created_at": record.created_at,
        "cost_usd": record.cost_usd,
        "error": record.error,
        "file_name": file.name if file else None,
        "sandbox": record.sandbox,
    }


def _provider(body: Body) -> str:
    provider = _text(body, "provider")
    if provider not in {known.id for known in PROVIDERS}:
        raise InputRefused("There is no such provider.", next_step="Reload the page.")
    return provider


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise InputRefused(f"The request has no text {name!r}.", next_step="Reload the page.")
    return value
