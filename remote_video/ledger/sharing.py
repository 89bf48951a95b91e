"""Which clips no clip store has yet: a page at a time, each found by an index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .lifecycle import State
from .paging import Place, oldest_first
from .record import JobRecord
from .tables import IS_TO_BE_SHARED, JOBS, SELECT_JOBS

MOST_SHARED = 100


def to_share(host: str | None, after: Place | None, is_any: bool) -> sa.Select[Any]:
    """See `Ledger.to_share`."""
    query = SELECT_JOBS.where(sa.text(IS_TO_BE_SHARED))
    if not is_any:
        query = query.where(JOBS.c.saved_on == host if host else JOBS.c.saved_on.is_(None))
    return oldest_first(query, after, MOST_SHARED)


def noted(job: JobRecord, where: str | None) -> sa.Update:
    """See `Ledger.shared`."""
    is_it = JOBS.c.key == job.key, JOBS.c.sha256 == job.sha256, JOBS.c.others.is_not_distinct_from(job.others)
    return JOBS.update().where(*is_it, JOBS.c.state == State.STORED.value).values(shared_in=where)
