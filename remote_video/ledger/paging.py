"""Pages of jobs, newest first, and the takes of a node: each costs the same wherever it begins, at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .lifecycle import FETCHABLE, State
from .record import JobRecord
from .tables import JOBS, SELECT_JOBS, job_record

USUAL_PAGE = 100
MOST_ON_A_PAGE = 1000
"""For who wants what is far down: ten thousand jobs are ten pages."""
LOOKED_THROUGH = 10_000
"""Jobs that one page of a search looks through; the next one goes on from there."""
COUNTED = 10_000
"""More jobs than this are not counted."""
MOST_MODELS = 200
MOST_TAKES = 24
_TAKES = sorted(state.value for state in FETCHABLE - {State.SUBMITTED})
_OF_A_NODE = ("workflow_id", "node_id", "starred", "created_at", "key")
Place = tuple[float, str]
"""Where a job stands: when it was begun, seconds since the epoch, and its key."""


@dataclass(frozen=True)
class Wanted:
    """Which jobs a page is to show.

    Args:
        before: where the page before it ended; None begins at the newest.
        limit: jobs on the page, 1000 at most.
        states: those of one of these; all when empty.
        model: those of this model, in people's words.
        search: those whose prompt's beginning, request id or file has this in it. Capitals don't matter where all of
            a word is in small letters, in capitals, or begins with one.
    """

    before: Place | None = None
    limit: int = USUAL_PAGE
    states: frozenset[State] = frozenset()
    model: str | None = None
    search: str = ""


@dataclass(frozen=True)
class Node:
    """Whose takes are wanted.

    Args:
        id: as a prompt names it.
        workflow_id: a node of another workflow with that id is another node.
        filename_prefix: what its clips are called begins so; tells nodes of workflows without an id apart.
    """

    id: str
    workflow_id: str | None
    filename_prefix: str = ""


@dataclass(frozen=True)
class Page:
    """Some jobs.

    Args:
        jobs: newest first; there may be fewer than a page holds, and still more to come.
        next: where the next page begins; None at the end.
        total: how many such jobs there are; None when that isn't known cheaply.
    """

    jobs: list[JobRecord]
    next: Place | None
    total: int | None


def job_page(db: sa.Connection, wanted: Wanted) -> Page:
    """The page that is wanted."""
    limit = max(1, min(wanted.limit, MOST_ON_A_PAGE))
    looked_through = LOOKED_THROUGH if wanted.search else limit
    query = _found(db, wanted, limit) if wanted.search else _newest(db, wanted, limit, SELECT_JOBS)
    jobs = [job_record(row) for row in db.execute(query).mappings()]
    ends = _place_of(jobs[-1]) if len(jobs) == limit else _last(db, wanted, looked_through)
    return Page(jobs, ends, None if wanted.search or wanted.before else _count(db, wanted))


def takes(db: sa.Connection, node: Node) -> list[JobRecord]:
    """See `Ledger.takes`."""
    is_its = JOBS.c.workflow_id == node.workflow_id, JOBS.c.node_id == node.id
    found: list[JobRecord] = []
    for which in (JOBS.c.starred.is_not(None), JOBS.c.starred.is_(None)):
        most = MOST_TAKES - len(found)
        if node.workflow_id is None:
            newest = _takes_of_a_name(node, most, *is_its, which)
        else:
            its = SELECT_JOBS.where(*is_its, which, JOBS.c.state.in_(_TAKES))
            newest = its.order_by(*_last_of_a_node(JOBS.c)).limit(most)
        found += [job_record(row) for row in db.execute(newest).mappings()]
    return found


def _takes_of_a_name(node: Node, most: int, *is_its: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Workflows without an id have nodes that are called the same, and the name of a clip is in no index: those among
    the newest of them all.
    """
    of_node = sa.select(*(JOBS.c[name] for name in (*_OF_A_NODE, "state", "filename_prefix"))).where(*is_its)
    newest = of_node.order_by(*_last_of_a_node(JOBS.c)).limit(LOOKED_THROUGH).subquery()
    is_called_so = newest.c.filename_prefix.startswith(node.filename_prefix, autoescape=True)
    called_so = sa.select(*(newest.c[name] for name in _OF_A_NODE)).where(is_called_so, newest.c.state.in_(_TAKES))
    found = called_so.order_by(*_last_of_a_node(newest.c)).limit(most).subquery()
    return SELECT_JOBS.join(found, found.c.key == JOBS.c.key).order_by(*_last_of_a_node(found.c))


def _last_of_a_node(columns: Any) -> list[sa.ColumnElement[Any]]:
    """The whole index jobs_of_node backwards: PostgreSQL does not see that what IS NULL is all alike."""
    return [columns[name].desc() for name in _OF_A_NODE]


def job_of_file(db: sa.Connection, size: int, name: str, sha256: str | None) -> JobRecord | None:
    """See `Ledger.of_file`. Looks at every job: a file is dropped by hand."""
    is_called = sa.or_(JOBS.c.path == name, JOBS.c.path.endswith(f"/{name}", autoescape=True))
    is_it = JOBS.c.sha256 == sha256 if sha256 else is_called
    query = SELECT_JOBS.where(JOBS.c.bytes == size, is_it).order_by(*_newest_first(JOBS.c)).limit(1)
    row = db.execute(query).mappings().first()
    return job_record(row) if row else None


def oldest_first(query: sa.Select[Any], after: Place | None, limit: int) -> sa.Select[Any]:
    """So many of the jobs that a query finds, in the order in which they were begun, beyond that place."""
    if after is not None:
        begun_at, key = after
        is_after = sa.or_(JOBS.c.created_at > begun_at, JOBS.c.key > key)
        query = query.where(JOBS.c.created_at >= begun_at, is_after)
    return query.order_by(JOBS.c.created_at, JOBS.c.key).limit(limit)


def model_names(db: sa.Connection) -> list[str]:
    """The models there are jobs of, each found by a step in the index."""
    found: list[str] = []
    after = ""
    while len(found) < MOST_MODELS:
        query = sa.select(sa.func.min(JOBS.c.model_name)).where(JOBS.c.model_name > after)
        name: str | None = db.execute(query).scalar()
        if name is None:
            break
        found.append(after := name)
    return found


_PLACES = sa.select(JOBS.c.created_at, JOBS.c.key)
_TEXTS = _PLACES.add_columns(JOBS.c.prompt, JOBS.c.request_id, JOBS.c.path)


def _found(db: sa.Connection, wanted: Wanted, limit: int) -> sa.Select[Any]:
    """Those among the newest that hold what is looked for."""
    texts = _newest(db, wanted, LOOKED_THROUGH, _TEXTS).subquery()
    places = sa.select(texts.c.created_at, texts.c.key).where(_holds(texts.c, wanted.search))
    found = places.order_by(*_newest_first(texts.c)).limit(limit).subquery()
    return SELECT_JOBS.join(found, found.c.key == JOBS.c.key).order_by(*_newest_first(found.c))


def _newest(
    db: sa.Connection, wanted: Wanted, limit: int, of_jobs: sa.Select[Any]
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The first of them, newest first, by one ordered look into an index for each state."""
    looks = [_look(wanted, state, of_jobs) for state in sorted(wanted.states or State)]
    if len(looks) == 1:
        return looks[0].order_by(*_newest_first(JOBS.c)).limit(limit)
    if db.dialect.name == "postgresql":  # which sorts all there are, unless each look has an order and an end
        looks = [sa.select(look.order_by(*_newest_first(JOBS.c)).limit(limit).subquery()) for look in looks]
    merged = sa.union_all(*looks)
    return merged.order_by(*_newest_first(merged.selected_columns)).limit(limit)


def _look(wanted: Wanted, state: State, of_jobs: sa.Select[Any]) -> sa.Select[Any]:
    query = of_jobs.where(JOBS.c.state == state.value)
    if wanted.model is not None:
        query = query.where(JOBS.c.model_name == wanted.model)
    if wanted.before is not None:
        begun_at, key = wanted.before
        is_before = sa.or_(JOBS.c.created_at < begun_at, JOBS.c.key < key)
        query = query.where(JOBS.c.created_at <= begun_at, is_before)
    return query


def _newest_first(columns: Any) -> tuple[Any, Any]:
    return columns.created_at.desc(), columns.key.desc()


def _holds(columns: Any, search: str) -> sa.ColumnElement[bool]:
    # SQLite's lower() knows the two cases of ASCII alone (https://www.sqlite.org/lang_corefunc.html#lower).
    ways = {search} if search.isascii() else {search, search.lower(), search.upper(), search.capitalize()}
    texts = (columns.prompt, columns.request_id, columns.path)
    return sa.or_(*(text.icontains(way, autoescape=True) for text in texts for way in sorted(ways)))


def _last(db: sa.Connection, wanted: Wanted, looked_through: int) -> Place | None:
    """Where a look that went so far ended; None when there was no more."""
    query = _newest(db, wanted, looked_through, _PLACES).limit(1).offset(looked_through - 1)
    row = db.execute(query).first()
    return (row[0], row[1]) if row else None


def _count(db: sa.Connection, wanted: Wanted) -> int | None:
    number: int = db.execute(sa.select(sa.func.count()).select_from(_counted(wanted))).scalar_one()
    return None if number > COUNTED else number


def _counted(wanted: Wanted) -> sa.Subquery:
    looks = [_look(wanted, state, _PLACES) for state in sorted(wanted.states or State)]
    return (sa.union_all(*looks) if len(looks) > 1 else looks[0]).limit(COUNTED + 1).subquery()


def _place_of(job: JobRecord) -> Place:
    return job.created_at, job.key
