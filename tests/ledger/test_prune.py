"""Old jobs that ended are dropped, and nothing else is: in a file, and in a database that machines share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.budget import Period
from remote_video_pack.remote_video.ledger import prune
from remote_video_pack.remote_video.ledger.leases import Holder
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.record import JobRecord
from remote_video_pack.remote_video.ledger.tables import JOBS, LEASES

from .rows import HASTY, JOB, ME, OTHER, job_in, key_of

DAY = 86400.0
LONG_AGO = 400 * DAY
DROPPED = {State.FAILED, State.CANCELLED, State.REFUSED}


@pytest.fixture(params=["file", "shared"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Of a database; None: a file."""
    return request.getfixturevalue("postgres_url") if request.param == "shared" else None


@pytest.fixture
def ledger(home, url) -> Ledger:
    return Ledger(home, url=url)


def run(ledger: Ledger, statement: Any) -> Any:
    """What another hand does to the ledger."""
    return ledger._database.write(lambda db: db.execute(statement))


def left(ledger: Ledger) -> set[str]:
    return {job.key for job in ledger.recent(10_000)}


def leased(ledger: Ledger) -> set[str]:
    return ledger._database.read(lambda db: set(db.execute(sa.select(LEASES.c.key)).scalars()))


def ended(ledger: Ledger, state: State, key: str, age_s: float = LONG_AGO) -> str:
    """A job that came to that state, begun so long ago; nobody works on it."""
    ledger.release(job_in(ledger, state, key, replace(JOB, request_digest=key)))
    run(ledger, JOBS.update().where(JOBS.c.key == key).values(created_at=time.time() - age_s))
    return key


def one_of_each(ledger: Ledger) -> dict[State, str]:
    return {state: ended(ledger, state, key_of(number)) for number, state in enumerate(State)}


@pytest.mark.parametrize("stored", [False, True])
def test_what_ended_is_dropped_with_its_lease_and_all_else_stays(ledger, stored):
    keys, states = one_of_each(ledger), DROPPED | ({State.STORED} if stored else set())
    assert ledger.prune(90 * DAY, stored=stored) == dict.fromkeys(states, 1)
    stay = {key for state, key in keys.items() if state not in states}
    assert left(ledger) == leased(ledger) == stay
    assert ledger.prune(90 * DAY, stored=stored) == dict.fromkeys(states, 0)


def test_only_old_clips_are_asked_about_and_those_that_are_to_be_spared_stay(ledger):
    keys, dear = one_of_each(ledger), ended(ledger, State.STORED, key_of(50))
    ended(ledger, State.STORED, key_of(51), age_s=60.0)
    asked: list[str] = []

    def spares(jobs: list[JobRecord]) -> set[str]:
        asked.extend(job.key for job in jobs)
        return {dear}

    assert ledger.prune(90 * DAY, stored=True, spares=spares)[State.STORED] == 1
    assert sorted(asked) == sorted([keys[State.STORED], dear])
    assert {dear, key_of(51)} <= left(ledger)


def test_a_look_drops_nothing(ledger):
    keys = one_of_each(ledger)
    assert ledger.prune(90 * DAY, stored=True, only_count=True) == dict.fromkeys(DROPPED | {State.STORED}, 1)
    assert left(ledger) == set(keys.values())


def test_an_age_is_counted_from_when_the_job_was_begun(ledger):
    young, old = ended(ledger, State.FAILED, key_of(1), 399 * DAY), ended(ledger, State.FAILED, key_of(2), 401 * DAY)
    assert ledger.prune(400 * DAY)[State.FAILED] == 1
    assert (ledger.get(old), ledger.get(young).key) == (None, young)


def test_a_job_of_this_month_stays_however_short_the_age(ledger):
    """Its money counts, also in a time zone where the month began a day earlier."""
    month = time.time() - Period.now("month").since
    now, elsewhere, before = (
        ended(ledger, State.FAILED, key_of(number), age)
        for number, age in enumerate((month - 60, month + 25 * 3600, month + 27 * 3600))
    )
    assert ledger.prune(1.0)[State.FAILED] == 1
    assert left(ledger) == {now, elsewhere}
    assert ledger.get(before) is None


def test_the_month_is_that_of_the_moment():
    moment = datetime(2026, 3, 15, 12).timestamp()
    assert prune.cutoff(moment, 3600.0) == datetime(2026, 3, 1).timestamp() - 26 * 3600
    assert prune.cutoff(moment, 60 * DAY) == moment - 60 * DAY


def test_a_starred_clip_stays_until_it_is_starred_no_more(ledger):
    key = ended(ledger, State.STORED, key_of(1))
    ledger.star(key, True)
    assert ledger.prune(DAY, stored=True)[State.STORED] == 0
    ledger.star(key, False)
    assert ledger.prune(DAY, stored=True)[State.STORED] == 1


def test_a_job_that_somebody_works_on_stays(ledger):
    key = ended(ledger, State.FAILED, key_of(1))
    lease = ledger.acquire(key, OTHER)
    assert ledger.prune(DAY)[State.FAILED] == 0
    assert isinstance(ledger.holder(key), Holder)
    assert ledger.begin(lease, replace(JOB, request_digest=key)).attempt == 2


def test_a_job_whose_worker_is_gone_is_dropped_with_its_lease(home, url):
    ledger = Ledger(home, HASTY, url)
    key = ended(ledger, State.FAILED, key_of(1))
    assert ledger.acquire(key, OTHER)
    end = time.monotonic() + 10
    while not ledger.prune(DAY)[State.FAILED]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert leased(ledger) == set()


def many(ledger: Ledger, number: int, state: State = State.FAILED) -> None:
    """So many jobs of one state, two and two begun in the same moment: also the last of a batch, and the next."""
    ended(ledger, state, key_of(0))
    row = vars(ledger.get(key_of(0))) | {"state": state.value}
    begun_at = row["created_at"]
    rows = [{**row, "key": key_of(place), "created_at": begun_at + (place + 1) // 2} for place in range(1, number)]
    ledger._database.write(lambda db: db.execute(JOBS.insert(), rows))


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Each statement that a ledger has run and its parameters; and "COMMIT"."""
    told: list[tuple[str, Any]] = []

    def ran(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        told.append((statement, parameters))

    def committed(_connection: Any) -> None:
        told.append(("COMMIT", ()))

    sa.event.listen(sa.Engine, "after_cursor_execute", ran)
    sa.event.listen(sa.Engine, "commit", committed)
    yield told
    sa.event.remove(sa.Engine, "after_cursor_execute", ran)
    sa.event.remove(sa.Engine, "commit", committed)


def test_many_go_in_batches_each_in_a_transaction_of_its_own(ledger, statements):
    jobs = 2 * prune.BATCH + 3
    many(ledger, jobs)
    starred = {key_of(place) for place in range(5, 8)}
    for key in starred:
        ledger.star(key, True)
    assert ledger.prune(DAY, only_count=True)[State.FAILED] == jobs - 3
    statements.clear()
    assert ledger.prune(DAY)[State.FAILED] == jobs - 3
    assert left(ledger) == starred
    written = [words for words, _ in statements if words.startswith(("DELETE FROM jobs", "COMMIT"))]
    runs = [words.split()[0] for words, _ in groupby(written)]  # to look ends with a COMMIT, too
    assert runs[runs.index("DELETE") :] == ["DELETE", "COMMIT"] * 3


def test_a_job_that_is_begun_anew_between_the_look_and_the_drop_stays(ledger):
    key = ended(ledger, State.FAILED, key_of(1))

    def run_again(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "ORDER BY jobs.created_at" in statement and not begun:
            begun.append(key)
            ledger.begin(ledger.acquire(key, ME), replace(JOB, request_digest=key))

    begun: list[str] = []
    sa.event.listen(sa.Engine, "after_cursor_execute", run_again)
    try:
        assert ledger.prune(DAY)[State.FAILED] == 0
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", run_again)
    assert begun and ledger.get(key).state is State.INTENT


def test_a_batch_is_found_by_a_look_into_an_index(home, statements):
    ledger = Ledger(home)
    many(ledger, prune.BATCH + 1)
    statements.clear()
    ledger.prune(DAY)
    plans = set()
    for statement, parameters in [*statements]:
        if statement.startswith(("SELECT", "DELETE")) and "jobs" in statement:
            with ledger_connection(ledger) as db:
                plan = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            plans.add(" ".join(step[-1] for step in plan))
    assert len(plans) >= 3
    assert not [plan for plan in plans if "SCAN" in plan or "TEMP B-TREE" in plan], plans
    assert any("COVERING INDEX jobs_by_state (state=? AND created_at>? AND created_at<?)" in plan for plan in plans), (
        plans
    )


def ledger_connection(ledger: Ledger) -> Any:
    from remote_video_pack.remote_video.ledger.sqlite_file import opened

    return opened(ledger._database.path).connect()
