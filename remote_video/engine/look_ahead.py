"""What is known of a clip before it is asked for: its price, how long its like took, and whether it is made already."""

from __future__ import annotations

from ..before_run import Known
from ..catalogue import store
from ..catalogue.price import estimate_of
from ..clips.digest import is_as_large
from ..clips.store_url import store_url
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
    """Look into the ledger and the local catalogue, without any request. Blocks.

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
    """The job that a Run would go on with, None when it would submit; and one of another key, whose account may be
    another: only the provider can tell, when it is asked.
    """
    jobs = [job for job in ledger.alike(*digests) if job.state in BRINGS_A_CLIP]
    if not jobs:
        return None, None
    try:
        account: str | None = ledger.account_tag(connect(provider, settings).account_key)
    except (AccountError, SettingsError):
        account = None
    others = [job for job in jobs if is_another_s(job, account, settings)]
    ours = [job for job in jobs if job not in others]
    mine = next((job for job in ours if job.account in (None, account) or _is_had(ledger, job, settings)), None)
    return mine, others[0] if others else None


def _is_had(ledger: Ledger, job: JobRecord, settings: Settings) -> bool:
    """Whether a Run has another key's clip without its provider: from this disk, the clip store, or who brings it."""
    if job.state is not State.STORED:
        return settings.ledger_url is not None and ledger.holder(job.key) is not None
    is_here = settings.is_own(job.saved_on) and job.clip_path is not None and is_as_large(job.clip_path, job.bytes)
    return is_here or (settings.clips_url is not None and job.shared_in == store_url(settings.clips_url).shown)
