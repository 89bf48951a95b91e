"""What is known of a clip before it is asked for: its price, how long its like took, and whether it is made already."""

from __future__ import annotations

from pathlib import Path

from ..before_run import Known
from ..catalogue import store
from ..catalogue.price import estimate_of
from ..errors import AccountError, SettingsError
from ..ledger.ledger import Ledger
from ..ledger.lifecycle import BRINGS_A_CLIP, State
from ..ledger.record import JobRecord
from ..models.request import Request
from ..providers.client import connect
from ..settings import Settings
from .another_key import is_another_s

Digests = tuple[str, str | None]
"""What a job is found by: `Request.key` without an account, and `Request.file_digest`."""


def look_ahead(request: Request, settings: Settings, digests: Digests | None, *, has_price: bool = True) -> Known:
    """Look into the ledger and the catalogue that is here; nobody is asked. Blocks.

    Args:
        digests: None: what will be asked isn't known in full.
        has_price: whether the request's length is its clip's.

    Raises:
        LedgerError.
    """
    provider = request.model.provider
    endpoint = settings.endpoint(provider)
    ledger = Ledger.of(settings)
    estimate = None
    if has_price and not settings.sandbox:
        estimate = estimate_of(request, store.known(settings.home, endpoint))
    job, others = _job(ledger, settings, provider, digests) if digests else (None, None)
    state = job.state if job else None
    return Known(
        ledger.usual_seconds(request.model_id, endpoint),
        estimate.usd if estimate else None,
        estimate.is_from if estimate else False,
        is_made=state in (State.FINISHED, State.STORED),
        is_being_made=state is State.SUBMITTED,
        sandbox=settings.sandbox,
        made_by=(others.asker or "?") if others and not job else None,
    )


def _job(
    ledger: Ledger, settings: Settings, provider: str, digests: Digests
) -> tuple[JobRecord | None, JobRecord | None]:
    """The job that a Run would go on with, None when it would submit; and one that another account has for itself."""
    jobs = [job for job in ledger.alike(*digests) if job.state in BRINGS_A_CLIP]
    if not jobs:
        return None, None
    try:
        account: str | None = ledger.account_tag(connect(provider, settings).account_key)
    except (AccountError, SettingsError):
        account = None
    others = [job for job in jobs if is_another_s(job, account, settings)]
    ours = [job for job in jobs if job not in others]
    mine = next((job for job in ours if job.account in (None, account) or _is_here(job.clip_path)), None)
    return mine, others[0] if others else None


def _is_here(clip: Path | None) -> bool:
    return clip is not None and clip.exists()
