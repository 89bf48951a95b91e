"""What the jobs panel is told and may change, as plain JSON values. No HTTP here."""

from __future__ import annotations

import math
from typing import Any

from ..remote_video.engine.host import JobEvent
from ..remote_video.errors import RequestRefused
from ..remote_video.ledger.ledger import Forgotten, Ledger
from ..remote_video.ledger.lifecycle import FORGETTABLE, State
from ..remote_video.ledger.paging import MOST_ON_A_PAGE, USUAL_PAGE, Place, Wanted
from ..remote_video.ledger.record import JobRecord
from ..remote_video.outside_text import storable
from ..remote_video.settings import Settings
from ..remote_video.version import version
from .asked import Body, text_of
from .comfy_host import output_folder, running_engine, tell_pages, the_engine
from .thumbnails import clip_here, is_its_file

LONGEST_SEARCH = 200
ANSWER_WITHIN_S = 10.0
"""For the engine's thread, which never blocks."""
WHY_NOT_FORGOTTEN = {
    Forgotten.NOT_THERE: "That job no longer exists.",
    Forgotten.IN_USE: "A run works on that job right now, so it is kept. Stop the run first.",
    Forgotten.NOT_FORGETTABLE: "That job has a clip, or will have one, so it is kept.",
}


def jobs_view(settings: Settings, query: Body) -> dict[str, Any]:
    """A page of jobs, or those that are named.

    Args:
        query: texts, all optional: `before`, as the page before this one gave it as `next`; `limit`, 1000 at most;
            `state`, several with commas between; `model`, in people's words; `search`. Or `keys`, commas between.

    Returns:
        {jobs: newest first, next: where the next page begins or None, total: how many there are or None, models: those
        there are jobs of (on the first page alone), sandbox: bool, version: of the pack}

    Raises:
        RequestRefused, LedgerError.
    """
    ledger = Ledger.of(settings)
    if "keys" in query:
        keys = _words(query, "keys")[:USUAL_PAGE]
        return {"jobs": told(ledger.several(keys), settings), "sandbox": settings.sandbox}
    wanted = _wanted(query)
    page = ledger.page(wanted)
    return {
        "jobs": told(page.jobs, settings),
        "next": " ".join(map(str, page.next)) if page.next else None,
        "total": page.total,
        "models": None if wanted.before else ledger.model_names(),
        "sandbox": settings.sandbox,
        "version": version(),
    }


FORGOTTEN_EVENT = "remote_video.forgotten"
"""The websocket event that tells every page which job is no longer in the list."""


def forget_job(settings: Settings, body: Body) -> dict[str, Any]:
    """{key} -> {forgotten: bool, why: a sentence when it wasn't}. Raises RequestRefused, LedgerError."""
    key = text_of(body, "key")
    outcome = Ledger.of(settings).forget(key)
    if outcome is Forgotten.DONE:
        tell_pages(FORGOTTEN_EVENT, {"key": key})
    return {"forgotten": outcome is Forgotten.DONE, "why": WHY_NOT_FORGOTTEN.get(outcome, "")}


def cancel_job(settings: Settings, body: Body) -> dict[str, bool]:
    """{key} -> {asked: whether there is such a job to cancel}; events tell the rest. Raises RequestRefused."""
    return {"asked": the_engine().cancel(text_of(body, "key")).result(ANSWER_WITHIN_S)}


def fetch_job(settings: Settings, body: Body) -> dict[str, bool]:
    """{key} -> {begun: whether its clip is brought here now}; events tell the rest. Raises RequestRefused."""
    return {"begun": the_engine().fetch(text_of(body, "key")).result(ANSWER_WITHIN_S)}


# -- what is asked for -------------------------------------------------------------------------------------------------


def _wanted(query: Body) -> Wanted:
    return Wanted(
        _place(query),
        _limit(query),
        frozenset(map(_state, _words(query, "state"))),
        storable(str(query["model"])) if query.get("model") else None,
        storable(str(query.get("search", ""))).strip()[:LONGEST_SEARCH],
    )


def _words(query: Body, name: str) -> list[str]:
    return [word for word in storable(str(query.get(name, ""))).split(",") if word]


def _state(word: str) -> State:
    try:
        return State(word)
    except ValueError:
        raise RequestRefused("There is no such state of a job.") from None


def _limit(query: Body) -> int:
    word = str(query.get("limit", USUAL_PAGE))
    if not (word.isascii() and word.isdigit() and len(word) < 5 and 0 < int(word) <= MOST_ON_A_PAGE):
        raise RequestRefused(f"A page has from 1 to {MOST_ON_A_PAGE} jobs.")
    return int(word)


def _place(query: Body) -> Place | None:
    if not query.get("before"):
        return None
    moment, _, key = storable(str(query["before"])).partition(" ")
    try:
        begun_at = float(moment)
    except ValueError:
        begun_at = math.nan
    if not math.isfinite(begun_at):
        raise RequestRefused("There is no such place in the list of jobs.")
    return begun_at, key


# -- what is told ------------------------------------------------------------------------------------------------------


def told(records: list[JobRecord], settings: Settings) -> list[dict[str, Any]]:
    """What a page is told of jobs."""
    engine = running_engine()
    live = engine.live().result(ANSWER_WITHIN_S) if engine is not None and engine.is_alive() else {}
    return [_job(record, live.get(record.key), settings) for record in records]


def _job(record: JobRecord, live: JobEvent | None, settings: Settings) -> dict[str, Any]:
    file = record.clip_path if record.is_stored else None
    gone = file is not None and not is_its_file(file, record, settings)
    sentence = "saved, but the file is gone: the same inputs fetch it again" if gone else record.state.sentence
    is_left = record.state in (State.FINISHED, State.EXPIRED)
    return {
        "key": record.key,
        "state": record.state.value,
        "state_text": sentence[:1].upper() + sentence[1:],
        "live": live.text if live else None,
        "progress": live.progress if live else None,
        "forgettable": record.state in FORGETTABLE,
        "cancellable": record.state is State.SUBMITTED,
        "fetchable": live is None and (gone or is_left),
        "model": record.model_name,
        "provider": record.provider,
        "prompt": record.prompt,
        "seed": record.seed,
        "starred": bool(record.starred),
        "node_id": record.node_id or None,
        "asked_by": record.asker_seen_at(settings.host, is_shared=settings.ledger_url is not None),
        "request_id": record.request_id,
        "created_at": record.created_at,
        "seconds": _seconds(record),
        "cost_usd": None if record.sandbox else record.cost_usd,
        "estimate_usd": None if record.sandbox else record.estimate_usd,
        "error": record.error,
        "file_name": file.name if file else None,
        "path": str(file) if file and not gone else None,
        "shown_at": _shown_at(record, settings),
        "sandbox": record.sandbox,
    }


def _seconds(record: JobRecord) -> float | None:
    """How long the provider had it, s."""
    if record.submitted_at is None or record.finished_at is None:
        return None
    return max(0.0, record.finished_at - record.submitted_at)


def _shown_at(record: JobRecord, settings: Settings) -> dict[str, str] | None:
    """Where ComfyUI's own /view has the clip; None outside of its output folder."""
    clip = clip_here(record, settings)
    if clip is None:
        return None
    below = clip.relative_to(output_folder().resolve()).parent
    return {"filename": clip.name, "subfolder": "" if not below.parts else below.as_posix(), "type": "output"}
