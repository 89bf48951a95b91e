"""What is written down, by whom, and what is found again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from remote_video_pack.remote_video.budget import Period
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger.ledger import Forgotten, LeaseLost, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, IllegalTransition, State

from .rows import BASE, JOB, KEY, ME, NEW_KEY, ON_SQLITE, OTHER, all_rows, begun, job_in, key_of, sql, statements

COSTS_NOTHING = {State.REFUSED, State.FAILED, State.CANCELLED}


# -- what becomes of a job -------------------------------------------------------------------------------------------


def test_what_is_known_of_a_job_is_kept_from_the_start_and_its_sidecar_until_it_is_stored(ledger):
    job = replace(JOB, account="tag", output_folder="/out", filename_prefix="video/x", sidecar='{"a": 1}')
    lease = begun(ledger, job=job)
    record = ledger.get(KEY)
    assert {name: getattr(record, name) for name in vars(job)} == vars(job)
    ledger.accepted(KEY, job, "r-1")
    ledger.record(lease, Event.SUCCEEDED)
    assert ledger.get(KEY).sidecar
    ledger.record(lease, Event.STORED, path="/out/video/x.mp4")
    assert (ledger.get(KEY).sidecar, ledger.get(KEY).path) == (None, "/out/video/x.mp4")


def test_a_new_attempt_knows_nothing_of_the_one_before(ledger):
    lease = job_in(ledger, State.FAILED)
    ledger.note(lease, error="no", cost_usd=1.0)
    again = ledger.begin(lease, JOB)
    assert (again.attempt, again.request_id, again.error, again.cost_usd) == (2, None, None, None)


def test_an_accepted_id_is_written_down_whoever_has_the_lease(ledger):
    begun(ledger)
    ledger.retire(ME)
    taker = ledger.acquire(KEY, OTHER)
    ledger.record(taker, Event.LOST, error="It is not known.", error_kind="JobUncertain", finished_at=5.0)
    record = ledger.accepted(KEY, JOB, "r-1")
    assert (record.state, record.request_id, record.error) == (State.SUBMITTED, "r-1", None)
    assert record == ledger.get(KEY)
    assert record.submitted_at == pytest.approx(time.time(), abs=60)
    assert record.finished_at is None


def test_an_accepted_id_is_written_down_when_its_row_has_gone(ledger):
    assert ledger.accepted(KEY, JOB, "r-1").state is State.SUBMITTED
    assert ledger.get(KEY).request_id == "r-1"


def test_an_accepted_id_is_written_down_once(ledger, caplog):
    lease = job_in(ledger, State.FINISHED)
    before = ledger.get(KEY)
    assert ledger.accepted(KEY, JOB, before.request_id) == before == ledger.get(KEY)
    assert caplog.text == ""
    ledger.record(lease, Event.STORED)


def test_a_second_accepted_id_is_told_and_the_first_kept(ledger, caplog):
    """As when a slow submission was taken for lost, forgotten, and made again."""
    job_in(ledger, State.SUBMITTED)
    before = ledger.get(KEY)
    assert ledger.accepted(KEY, JOB, "r-late") == before == ledger.get(KEY)
    assert "r-late" in caplog.text


def test_a_job_whose_row_has_gone_is_a_ledger_error(ledger):
    lease = ledger.acquire(KEY, ME)
    with pytest.raises(LedgerError, match="no longer holds"):
        ledger.record(lease, Event.SUCCEEDED)


def test_what_is_not_in_the_table_is_not_written(ledger):
    lease = job_in(ledger, State.STORED)
    before = all_rows(ledger)
    with pytest.raises(IllegalTransition):
        ledger.begin(lease, JOB)
    assert all_rows(ledger) == before


# -- forgetting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_a_job_is_forgotten_where_its_state_allows_and_nobody_works_on_it(ledger, state):
    lease = job_in(ledger, state)
    assert ledger.forget(KEY) is Forgotten.IN_USE
    ledger.release(lease)
    allowed = state.value in {"refused", "failed", "cancelled", "uncertain", "expired"}
    assert ledger.forget(KEY) is (Forgotten.DONE if allowed else Forgotten.NOT_FORGETTABLE)
    assert (ledger.get(KEY) is None) is allowed
    if allowed:
        assert ledger.forget(KEY) is Forgotten.NOT_THERE


def test_a_job_that_was_forgotten_is_not_written_to_by_an_engine_that_wakes_up(ledger):
    lease = job_in(ledger, State.UNCERTAIN)
    sql(ledger, "DELETE FROM engines")
    assert ledger.forget(KEY) is Forgotten.DONE
    with pytest.raises(LeaseLost):
        ledger.begin(lease, JOB)
    assert ledger.acquire(KEY, ME).fence > lease.fence


# -- the same clip under a regenerated key ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_what_was_paid_for_or_may_have_been_is_found_under_another_key(ledger, state):
    job_in(ledger, state)
    found = ledger.under_another_key(NEW_KEY, JOB.request_digest)
    assert (found == []) is (state in COSTS_NOTHING)
    assert ledger.under_another_key(KEY, JOB.request_digest) == []
    assert ledger.under_another_key(NEW_KEY, "e" * 64) == []
    assert ledger.under_another_key(NEW_KEY, "") == []


def test_a_job_is_found_by_its_files_too_and_only_by_those_it_has(ledger):
    job_in(ledger, State.STORED, job=replace(JOB, file_digest="f" * 64))
    job_in(ledger, State.STORED, key_of(2), job=replace(JOB, request_digest="2" * 64))
    assert ledger.under_another_key(NEW_KEY, "e" * 64, "f" * 64)[0].key == KEY
    assert ledger.under_another_key(NEW_KEY, "2" * 64, "e" * 64)[0].key == key_of(2)
    assert ledger.under_another_key(NEW_KEY, "e" * 64, "e" * 64) == []
    assert ledger.under_another_key(NEW_KEY, "e" * 64, None) == []


def test_of_several_the_latest_that_stands_for_money_is_found(ledger):
    for number, state in enumerate((State.STORED, State.SUBMITTED, State.FAILED)):
        job_in(ledger, state, key_of(number))
    assert ledger.under_another_key(KEY, JOB.request_digest)[0].key == key_of(1)


def test_a_job_is_taken_over_with_all_that_is_known_of_it(ledger):
    ledger.release(job_in(ledger, State.STORED, job=replace(JOB, account="old")))
    old = ledger.get(KEY)
    lease = ledger.acquire(NEW_KEY, ME)
    assert ledger.take_over(old, lease, account="new") == replace(old, key=NEW_KEY, account="new")
    assert (ledger.get(KEY), ledger.get(NEW_KEY).request_id) == (None, old.request_id)


def test_what_takes_the_place_of_a_job_that_failed_counts_what_that_cost(ledger):
    ledger.release(job_in(ledger, State.STORED))
    failed = job_in(ledger, State.FAILED, NEW_KEY)
    ledger.note(failed, cost_usd=0.5)
    taken = ledger.take_over(ledger.get(KEY), failed)
    assert (taken.state, taken.request_id, taken.earlier_usd) == (State.STORED, f"id-of-{KEY}", 0.5)
    assert [job.key for job in ledger.recent()] == [NEW_KEY]


@pytest.mark.parametrize("why_not", ["worked on", "moved on", "gone", "there is one already"])
def test_a_job_is_not_taken_over_when_that_can_not_be_any_more(ledger, why_not):
    old_lease = job_in(ledger, State.SUBMITTED, engine_id=OTHER)
    old = ledger.get(KEY)
    lease = ledger.acquire(NEW_KEY, ME)
    if why_not == "moved on":
        ledger.record(old_lease, Event.FAILED)
    if why_not == "there is one already":
        ledger.begin(lease, JOB)
    if why_not != "worked on":
        ledger.release(old_lease)
    if why_not == "gone":
        sql(ledger, "DELETE FROM jobs")
    before = all_rows(ledger)
    assert ledger.take_over(old, lease) is None
    assert all_rows(ledger) == before


# -- finding ---------------------------------------------------------------------------------------------------------


def test_what_is_to_be_collected_comes_newest_first(ledger):
    for number, state in enumerate((*State, *State)):
        ledger.release(job_in(ledger, state, key_of(number)))
    found = ledger.to_collect()
    assert [job.state for job in found] == [State.FINISHED, State.SUBMITTED] * 2
    assert [job.created_at for job in found] == sorted((job.created_at for job in found), reverse=True)


def test_what_an_engine_that_lives_works_on_is_not_for_others_to_collect(ledger):
    job_in(ledger, State.SUBMITTED, key_of(1), engine_id=OTHER)
    begun(ledger, key_of(2), engine_id=OTHER)
    assert (ledger.to_collect(), ledger.interrupted()) == ([], [])
    ledger.retire(OTHER)
    assert [job.key for job in (*ledger.to_collect(), *ledger.interrupted())] == [key_of(1), key_of(2)]


def test_jobs_are_found_by_the_beginning_of_their_key(ledger):
    for number in range(3):
        begun(ledger, key_of(number))
    begun(ledger, KEY)
    assert [job.key for job in ledger.find("aaaa")] == [KEY]
    assert [job.key for job in ledger.find(key_of(2))] == [key_of(2)]
    assert len(ledger.find("0")) == 3
    assert ledger.find("ab") == []


def test_the_usual_time_is_the_median_of_the_latest_clips_of_that_model_there(ledger):
    def stored(number: int, seconds: float, **job: Any) -> None:
        job_in(ledger, State.STORED, key_of(number), replace(JOB, **job))
        times = (seconds + 100, 100.0, key_of(number))
        sql(ledger, "UPDATE jobs SET finished_at = ?, submitted_at = ? WHERE key = ?", *times)

    stored(1, 10.0)
    stored(2, 30.0)
    stored(3, 7.0, base="sandbox")
    stored(4, 7.0, model_id="another")
    assert ledger.usual_seconds(JOB.model_id, BASE) is None
    stored(5, 20.0)
    assert ledger.usual_seconds(JOB.model_id, BASE) == 20.0
    for number in range(6, 29):
        stored(number, 20.0 if number < 16 else 5.0)
    assert ledger.usual_seconds(JOB.model_id, BASE) == 5.0, "13 of the latest 25, and one half of all"


def test_an_account_has_one_name_that_tells_nothing(ledger, home, url):
    assert ledger.account_tag("a key") == Ledger(home, url=url).account_tag("a key")
    assert ledger.account_tag("a key") != ledger.account_tag("another key")
    assert "a key" not in ledger.account_tag("a key")


LOOKS: dict[str, Callable[[Ledger], object]] = {
    "jobs_money": lambda ledger: ledger.recent(),
    "COVERING INDEX jobs_money (created_at>?)": lambda ledger: ledger.spent(Period.now("month")),
    "jobs_by_state (state=?) CORRELATED SCALAR SUBQUERY 1 SEARCH leases USING PRIMARY KEY (key=?) SEARCH engines "
    "USING INDEX sqlite_autoindex_engines_1 (id=?) USE TEMP": lambda ledger: ledger.to_collect(),
    "jobs_by_state (state=?)": lambda ledger: ledger.interrupted(),
    "jobs_stored": lambda ledger: ledger.usual_seconds("veo-3", BASE),
    "ix_jobs_asked": lambda ledger: ledger.under_another_key(KEY, "d" * 64),
    "ix_jobs_file_digest": lambda ledger: ledger.under_another_key(KEY, "d" * 64, "f" * 64),
    "key>? AND key<?": lambda ledger: ledger.find("a"),
    "key=?": lambda ledger: ledger.get(KEY),
}


@ON_SQLITE
@pytest.mark.parametrize("way", LOOKS)
def test_finding_costs_the_same_in_a_ledger_of_any_size(ledger, way):
    """Every query goes by an index, and is sorted by it where there can be many rows."""
    job_in(ledger, State.STORED)
    plans = []

    def explain(cursor: Any, statement: str, parameters: Any) -> None:
        if "FROM jobs" in statement:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append(" ".join(step[-1] for step in plan))

    with statements(explain):
        LOOKS[way](ledger)
    (plan,) = plans
    assert way in plan
    if way not in ("ix_jobs_asked", "ix_jobs_file_digest") and "USE TEMP" not in way:
        assert "TEMP B-TREE" not in plan


def test_many_threads_and_ledger_objects_may_write_at_once(home, url):
    def work(number: int) -> None:
        for step in range(5):
            job_in(Ledger(home, url=url), State.STORED, key_of(10 * number + step), engine_id=f"engine-{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {job.state for job in Ledger(home, url=url).recent(100)} == {State.STORED}
    assert len(Ledger(home, url=url).recent(100)) == 40


# -- seeds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 0, 2**63 - 1, 2**63, 2**64 - 2])
def test_every_seed_that_comfyui_counts_to_is_kept(ledger, seed):
    job_in(ledger, State.SUBMITTED, job=replace(JOB, seed=seed))
    assert ledger.get(KEY).seed == seed
