"""Pages of jobs: newest first, each job once, by state, model and words, at the same cost in a ledger of any size."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger import paging
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.paging import Wanted

from .rows import JOB, ON_SQLITE, as_after_a_restart, aside, earlier, job_in, key_of, ledger_of, sql, statements

NEEDS_YOU = frozenset({State.UNCERTAIN, State.EXPIRED})


@pytest.fixture
def ledger(home: Path, url: str | None) -> Ledger:
    """Twelve jobs, a second apart, the newest last: in three states, of two models."""
    ledger = Ledger(home, url=url)
    states = (State.STORED, State.UNCERTAIN, State.FAILED)
    for number in range(12):
        job = replace(JOB, model_name=f"Model {number % 2}", prompt=f"Take {number}: a Flag, Флаг, 100% wind")
        job_in(ledger, states[number % 3], key_of(number), job)
        sql(ledger, "UPDATE jobs SET created_at = ? WHERE key = ?", 1000.0 + number, key_of(number))
    return ledger


def all_of(ledger: Ledger, wanted: Wanted) -> list[list[int]]:
    """The numbers of the jobs on each page to the end."""
    pages, more = [], wanted
    while True:
        page = ledger.page(more)
        pages.append([int(job.key, 16) for job in page.jobs])
        if page.next is None:
            return pages
        more = replace(more, before=page.next)


def numbers(ledger: Ledger, **wanted) -> list[int]:
    return [number for page in all_of(ledger, Wanted(limit=2, **wanted)) for number in page]


def test_each_job_is_on_one_page_newest_first(ledger):
    assert numbers(ledger) == list(range(11, -1, -1))
    assert all(len(page) <= 5 for page in all_of(ledger, Wanted(limit=5)))


def test_jobs_of_the_same_moment_are_all_there(ledger):
    sql(ledger, "UPDATE jobs SET created_at = 1000.0")
    assert sorted(numbers(ledger)) == list(range(12))


def test_a_job_that_is_begun_meanwhile_is_no_reason_to_see_one_twice(ledger):
    first = ledger.page(Wanted(limit=5))
    job_in(ledger, State.SUBMITTED, key_of(99))
    after = ledger.page(Wanted(limit=5, before=first.next))
    assert [int(job.key, 16) for job in (*first.jobs, *after.jobs)] == list(range(11, 1, -1))


def test_those_of_some_states_and_of_a_model(ledger):
    assert numbers(ledger, states=NEEDS_YOU) == [10, 7, 4, 1]
    assert numbers(ledger, model="Model 1") == [11, 9, 7, 5, 3, 1]
    assert numbers(ledger, model="Model 1", states=frozenset({State.STORED, State.UNCERTAIN})) == [9, 7, 3, 1]
    assert numbers(ledger, model="Model 2") == []


@pytest.mark.parametrize("way", ["take 6", "TAKE 6", "id-of-" + key_of(6), key_of(6)[-5:]])
def test_a_job_is_found_by_its_words_and_its_id(ledger, way):
    assert numbers(ledger, search=way) == [6]


def test_a_job_is_found_by_its_file(ledger):
    sql(ledger, "UPDATE jobs SET path = 'video/Sea_00001_.mp4' WHERE key = ?", key_of(3))
    assert numbers(ledger, search="sea_00001") == [3]


def test_words_are_looked_for_as_they_are(ledger):
    for words in ("ФЛАГ", "флаг", "100%", "a flag, "):
        assert len(numbers(ledger, search=words)) == 12
    assert numbers(ledger, search="1%0") == numbers(ledger, search="Take_7") == []


def test_a_search_goes_on_where_the_page_before_it_gave_up(ledger, monkeypatch):
    monkeypatch.setattr(paging, "LOOKED_THROUGH", 5)
    assert all_of(ledger, Wanted(search="take 1:")) == [[], [], [1]]
    assert numbers(ledger, search="flag", states=NEEDS_YOU) == [10, 7, 4, 1]


def test_how_many_there_are_is_told_on_the_first_page_while_that_is_cheap(ledger, monkeypatch):
    assert ledger.page(Wanted(limit=2)).total == 12
    assert ledger.page(Wanted(limit=2, states=NEEDS_YOU, model="Model 1")).total == 2
    assert ledger.page(Wanted(limit=2, before=(1005.0, ""))).total is None
    monkeypatch.setattr(paging, "COUNTED", 12)
    assert ledger.page(Wanted(limit=2)).total == 12
    monkeypatch.setattr(paging, "COUNTED", 11)
    assert ledger.page(Wanted(limit=2)).total is None


def test_the_models_there_are_jobs_of(ledger, monkeypatch):
    assert ledger.model_names() == ["Model 0", "Model 1"]
    monkeypatch.setattr(paging, "MOST_MODELS", 1)
    assert ledger.model_names() == ["Model 0"], "no more than a menu takes"


def test_some_are_had_by_their_keys(ledger):
    assert {job.key for job in ledger.several([key_of(3), key_of(5), "none"])} == {key_of(3), key_of(5)}


WAYS = {
    "all": Wanted(),
    "further back": Wanted(before=(1006.0, key_of(6))),
    "of some states": Wanted(states=NEEDS_YOU),
    "of a model": Wanted(model="Model 1"),
    "of both": Wanted(model="Model 1", states=NEEDS_YOU, before=(1006.0, key_of(6))),
    "found": Wanted(search="flag"),
}


@ON_SQLITE
@pytest.mark.parametrize("way", WAYS)
def test_a_page_is_read_in_the_order_of_an_index(ledger, way):
    plans = []

    def explain(cursor, statement, parameters):
        if "FROM jobs" in statement:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append([step[-1] for step in plan])

    with statements(explain):
        ledger.page(WAYS[way])
    steps = [step for plan in plans for step in plan if " jobs " in step]
    index = "jobs_by_model" if WAYS[way].model else "jobs_by_state"
    assert plans
    for step in steps:
        assert re.match(
            rf"SEARCH jobs USING ((COVERING )?INDEX {index} \(|INDEX sqlite_autoindex_jobs_1 \(key=\?)", step
        ), step
    if not WAYS[way].search:
        assert not any("TEMP B-TREE" in step for plan in plans for step in plan)


def test_a_job_says_its_first_words_at_every_attempt(home):
    ledger = Ledger(home)
    lease = job_in(ledger, State.REFUSED, job=replace(JOB, prompt="A flag moves."))
    ledger.begin(lease, replace(JOB, prompt="A flag moves again."))
    ledger.record(lease, Event.TURNED_DOWN)
    (job,) = ledger.recent()
    assert (job.prompt, job.attempt) == ("A flag moves again.", 2)


def test_a_ledger_of_layout_4_is_brought_to_today_s_and_keeps_all_it_knew(home):
    file = ledger_of(home, 3)
    sql(file, "UPDATE jobs SET cost_usd = 0.5, error = 'odd'")
    jobs = Ledger(home).recent()
    for index in ("jobs_by_state", "jobs_by_model"):
        sql(file, f"DROP INDEX {index}")
    sql(file, "ALTER TABLE jobs DROP COLUMN prompt")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 4")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert Ledger(home).page(Wanted()).jobs == jobs
    assert {job.prompt for job in jobs} == {None}
    assert (aside(home), len(earlier(home))) == ([], 1)
