"""What the jobs panel is told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

from typing import Any

from ..remote_video.engine.host import JobEvent
from ..remote_video.ledger.ledger import Forgotten, Ledger
from ..remote_video.ledger.lifecycle import FORGETTABLE, State
from ..remote_video.ledger.record import JobRecord
from ..remote_video.settings import Settings
from .asked import Body, text_of
from .comfy_host import running_engine, the_engine

JOBS_SHOWN = 50
ANSWER_WITHIN_S = 10.0
"""For the engine's thread, which never blocks."""
WHY_NOT_FORGOTTEN = {
    Forgotten.NOT_THERE: "That job was not there any more.",
    Forgotten.IN_USE: "A run works on that job right now, so it is kept. Stop the run first.",
    Forgotten.NOT_FORGETTABLE: "That job has a clip, or will have one, so it is kept.",
}


def jobs_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """{jobs: newest first, sandbox: bool}. Raises LedgerError."""
    engine = running_engine()
    live = engine.live().result(ANSWER_WITHIN_S) if engine is not None and engine.is_alive() else {}
    jobs = [_job(record, live.get(record.key)) for record in Ledger(settings.home).recent(JOBS_SHOWN)]
    return {"jobs": jobs, "sandbox": settings.sandbox}


def forget_job(settings: Settings, body: Body) -> dict[str, Any]:
    """{key} -> {forgotten: bool, why: a sentence when it wasn't}. Raises RequestRefused, LedgerError."""
    outcome = Ledger(settings.home).forget(text_of(body, "key"))
    return {"forgotten": outcome is Forgotten.DONE, "why": WHY_NOT_FORGOTTEN.get(outcome, "")}


def cancel_job(settings: Settings, body: Body) -> dict[str, bool]:
    """{key} -> {asked: whether there is such a job to cancel}; events tell the rest. Raises RequestRefused."""
    return {"asked": the_engine().cancel(text_of(body, "key")).result(ANSWER_WITHIN_S)}


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
