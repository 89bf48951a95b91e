"""A ledger's file becomes part of a database: nothing is lost, put back or paid for again, wherever it breaks off."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import move as moving
from remote_video_pack.remote_video.ledger.journal import Entry, Journal
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.move import Moved, Verdict, judge, move
from remote_video_pack.remote_video.ledger.record import JobRecord
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .rows import BASE, HASTY, JOB, KEY, ME, OTHER, begun, job_in, key_of, sql

HOST = "render-01"


def moved(home: Path, url: str, *, keep_both: bool = False, progress: Any = lambda jobs: None) -> Moved:
    return move(home, url, HASTY, HOST, keep_both=keep_both, progress=progress)


def database(url: str) -> Ledger:
    return Ledger(Path("nowhere"), url=url)


def run_sql(url: str, *statements: str) -> list[Any]:
    engine = sa.create_engine(url)
    with engine.begin() as db:
        for statement in statements:
            answer = db.exec_driver_sql(statement)
        rows = list(answer) if answer.returns_rows else []
    engine.dispose()
    return rows


def on_insert(url: str, name: str, does: str, key: str = key_of(5)) -> None:
    """Let something else happen when one of the jobs is put in."""
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does} END $$"
    one = f"FOR EACH ROW WHEN (NEW.key = '{key}') EXECUTE FUNCTION {name}()"
    run_sql(url, function, f"CREATE TRIGGER {name} BEFORE INSERT ON jobs {one}")


def one_of_each(ledger: Ledger, account: str | None = None) -> dict[str, JobRecord]:
    """A job in every state, by key."""
    job = replace(JOB, account=account, seed=2**64 - 1, prompt="A l\N{LATIN SMALL LETTER E WITH ACUTE}vre\nleaps.")
    for number, state in enumerate(State):
        ledger.release(job_in(ledger, state, key_of(number), job))
    ledger.star(key_of(3), True)
    lease = ledger.acquire(key_of(3), ME)
    ledger.note(lease, path="video/clip.mp4", host="an-earlier-name", saved_on="an-earlier-name")
    ledger.retire(ME)
    return {found.key: found for found in ledger.recent()}


def as_moved(jobs: dict[str, JobRecord]) -> dict[str, JobRecord]:
    """Its files are on this machine's disk, whatever that was called before."""
    return {key: replace(job, host=job.host or HOST, saved_on=job.path and HOST) for key, job in jobs.items()}


def jobs_in(ledger: Ledger) -> dict[str, JobRecord]:
    return {job.key: job for job in ledger.recent()}


def test_all_of_a_ledger_is_in_the_database_and_the_file_is_put_away(home, postgres_url):
    source = Ledger(home, HASTY)
    tag = source.account_tag("a key")
    before = one_of_each(source, tag)
    fences = dict(sql(home / FILE_NAME, "SELECT key, fence FROM leases"))
    done = moved(home, postgres_url)
    target = database(postgres_url)
    assert jobs_in(target) == as_moved(before)
    assert target.account_tag("a key") == tag
    assert dict(map(tuple, run_sql(postgres_url, "SELECT key, fence FROM leases"))) == fences
    assert (done.jobs, done.written, done.kept) == (len(State), len(State), 0)
    assert done.file.name.startswith(f"{FILE_NAME}.moved-")
    assert sql(done.file, "SELECT count(*) FROM jobs") == [(len(State),)]


def test_whoever_goes_on_with_the_file_is_told_and_begins_no_new_one(home, postgres_url):
    source = Ledger(home, HASTY)  # as a process that has it open and is idle
    one_of_each(source)
    moved(home, postgres_url)
    for use in (lambda: source.get(KEY), lambda: begun(source), lambda: Ledger(home)):
        with pytest.raises(LedgerError) as told:
            use()
        assert f"was moved into the database {database(postgres_url).name}" in told.value.what
        assert "REMOTE_VIDEO_LEDGER_URL" in str(told.value)
    with pytest.raises(LedgerError, match="was moved into the database"):
        moved(home, postgres_url)


def test_a_move_that_broke_off_between_the_two_names_leaves_no_place_for_a_new_ledger(home, postgres_url):
    one_of_each(Ledger(home, HASTY))
    moved(home, postgres_url)
    (home / FILE_NAME).rename(home / f"{FILE_NAME}.new")
    with pytest.raises(LedgerError, match="was moved into the database"):
        Ledger(home)
    assert not (home / FILE_NAME).exists()


def test_a_move_that_breaks_off_leaves_the_file_and_goes_on_when_it_is_begun_again(home, postgres_url, monkeypatch):
    monkeypatch.setattr(moving, "BATCH", 2)
    source = Ledger(home, HASTY)
    before = one_of_each(source, source.account_tag("a key"))
    database(postgres_url)
    on_insert(postgres_url, "disk_full", "RAISE 'x' USING ERRCODE = '53100';")
    with pytest.raises(LedgerError, match="has no room left"):
        moved(home, postgres_url)
    assert jobs_in(source) == before
    assert len(jobs_in(database(postgres_url))) == 4
    source.record(source.acquire(key_of(1), ME), Event.SUCCEEDED)  # the work goes on with the file
    source.retire(ME)
    now = jobs_in(source)
    run_sql(postgres_url, "DROP TRIGGER disk_full ON jobs")
    done = moved(home, postgres_url)
    assert (done.jobs, done.written) == (len(State), len(State) - 3)
    assert jobs_in(database(postgres_url)) == as_moved(now)
    assert now[key_of(1)].state is State.FINISHED


def test_what_has_gone_on_in_the_database_is_not_put_back(home, tmp_path, postgres_url):
    key = key_of(1)
    assert one_of_each(Ledger(home, HASTY))[key].state is State.SUBMITTED
    shutil.copytree(home, tmp_path / "copy")
    moved(tmp_path / "copy", postgres_url)
    target = database(postgres_url)
    lease = target.acquire(key, OTHER)
    target.record(lease, Event.SUCCEEDED)
    target.record(lease, Event.STORED, path="clip.mp4")
    target.retire(OTHER)
    before = jobs_in(target)
    done = moved(home, postgres_url)
    assert jobs_in(target) == before
    assert (done.jobs, done.kept) == (len(State), 1)
    assert target.get(key).path == "clip.mp4"
    assert target.acquire(key, OTHER).fence == lease.fence + 1


def test_a_job_that_was_taken_over_in_the_database_does_not_come_back_under_its_old_key(home, tmp_path, postgres_url):
    one_of_each(Ledger(home, HASTY))
    shutil.copytree(home, tmp_path / "copy")
    moved(tmp_path / "copy", postgres_url)
    target = database(postgres_url)
    taken = target.take_over(target.get(key_of(1)), target.acquire(KEY, OTHER))
    target.retire(OTHER)
    before = jobs_in(target)
    done = moved(home, postgres_url)
    assert jobs_in(target) == before
    assert done.kept == 1
    assert (target.get(key_of(1)), target.get(KEY)) == (None, taken)


def test_a_file_is_not_put_away_before_the_database_has_all_of_it(home, postgres_url):
    before = one_of_each(source := Ledger(home, HASTY))
    database(postgres_url)
    on_insert(postgres_url, "swallows", "RETURN NULL;")
    with pytest.raises(LedgerError, match="is where it was"):
        moved(home, postgres_url)
    assert jobs_in(source) == before
    assert not list(home.glob("*.moved-*"))


def test_two_clips_of_one_key_stop_it_before_anything_is_moved(home, postgres_url):
    source, target = Ledger(home, HASTY), database(postgres_url)
    one_of_each(source)
    key = key_of(3)
    lease = begun(target, key, engine_id=OTHER)
    target.accepted(key, JOB, "another-id")
    target.record(lease, Event.SUCCEEDED)
    target.retire(OTHER)
    with pytest.raises(LedgerError) as told:
        moved(home, postgres_url)
    assert f"{key[:12]} (Veo 3, id-of-{key})" in told.value.what
    assert "--keep-both" in told.value.next_step
    assert len(jobs_in(target)) == 1
    done = moved(home, postgres_url, keep_both=True)
    assert (done.jobs, done.written, done.kept) == (len(State), len(State) - 1, 1)
    assert target.get(key).request_id == "another-id"
    assert sql(done.file, "SELECT request_id FROM jobs WHERE key = ?", key) == [(f"id-of-{key}",)]


def test_accounts_of_another_salt_stop_it(home, postgres_url):
    source, target = Ledger(home, HASTY), database(postgres_url)
    one_of_each(source, source.account_tag("a key"))
    job_in(target, State.STORED, "f" * 64, replace(JOB, account=target.account_tag("a key")))
    target.retire(ME)
    tag = target.account_tag("a key")
    with pytest.raises(LedgerError, match="another salt"):
        moved(home, postgres_url)
    assert target.account_tag("a key") == tag
    assert len(jobs_in(source)) == len(State)
    assert len(jobs_in(target)) == 1


def test_workers_at_a_database_of_another_salt_stop_it(home, postgres_url):
    """One of them may be about to begin a job under the old one."""
    source, target = Ledger(home, HASTY), database(postgres_url)
    one_of_each(source, source.account_tag("a key"))
    target.acquire(KEY, OTHER)
    with pytest.raises(LedgerError, match="another salt"):
        move(home, postgres_url, PATIENT, HOST, keep_both=False, progress=lambda jobs: None)


def test_two_homes_without_accounts_go_into_one_database(home, tmp_path, postgres_url):
    one_of_each(Ledger(home, HASTY))
    other = Ledger(tmp_path / "other", HASTY)
    other.release(job_in(other, State.STORED, "e" * 64))
    moved(home, postgres_url)
    moved(tmp_path / "other", postgres_url)
    assert len(jobs_in(database(postgres_url))) == len(State) + 1


def test_an_engine_that_works_with_the_file_stops_it(home, postgres_url):
    source, ended = Ledger(home, HASTY), threading.Event()
    begun(source)

    def beat() -> None:
        while not ended.wait(0.1):
            source.heartbeat(ME)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(LedgerError, match="An engine works with"):
            moved(home, postgres_url)
    finally:
        ended.set()
        thread.join()
    assert source.get(KEY).state is State.INTENT


def test_what_a_dead_engine_was_about_to_submit_is_uncertain_to_all_afterwards(home, postgres_url):
    begun(Ledger(home, HASTY))
    moved(home, postgres_url)
    assert [job.key for job in database(postgres_url).interrupted()] == [KEY]


def test_what_the_journal_holds_is_told_first(home, postgres_url):
    source = Ledger(home, HASTY)
    lease = begun(source)
    job = source.get(KEY)
    Journal(home).keep(
        Entry(KEY, lease.fence, Event.ACCEPTED, time.time(), job.created_at, JOB, job.attempt, request_id="r-1")
    )
    source.retire(ME)
    moved(home, postgres_url)
    found = database(postgres_url).get(KEY)
    assert (found.state, found.request_id) == (State.SUBMITTED, "r-1")
    assert Journal(home).entries() == []


def test_a_job_that_a_worker_has_is_left_until_that_has_ended(home, postgres_url):
    source, target = Ledger(home, PATIENT), database(postgres_url)
    job_in(source, State.STORED)
    source.retire(ME)
    held = target.acquire(KEY, OTHER)
    with pytest.raises(LedgerError, match="are busy"):
        move(home, postgres_url, PATIENT, HOST, keep_both=False, progress=lambda jobs: None)
    assert target.get(KEY) is None
    target.release(held)
    assert moved(home, postgres_url).written == 1


PATIENT = replace(HASTY, lease=86_400.0)

STORED = JobRecord(
    *(JOB.provider, BASE, JOB.model_id, JOB.model_name, JOB.seed),
    **{"key": KEY, "state": State.STORED, "attempt": 1, "request_id": "r-1", "created_at": 1000.0},
    **dict.fromkeys(("submitted_at", "finished_at", "path", "part_path", "part_validator", "bytes", "sha256")),
    **dict.fromkeys(("others", "cost_usd", "error", "error_kind")),
)
SUBMITTED = replace(STORED, state=State.SUBMITTED)
FAILED = replace(STORED, state=State.FAILED)
UNCERTAIN = replace(STORED, state=State.UNCERTAIN, request_id=None)
LATER = {"attempt": 2, "created_at": 2000.0}


@pytest.mark.parametrize(
    ("mine", "its", "verdict"),
    [
        (STORED, None, Verdict.NEW),
        (STORED, STORED, Verdict.SAME),
        (STORED, SUBMITTED, Verdict.FURTHER),
        (FAILED, SUBMITTED, Verdict.FURTHER),
        (SUBMITTED, STORED, Verdict.STAYS),
        (SUBMITTED, FAILED, Verdict.STAYS),
        (SUBMITTED, UNCERTAIN, Verdict.FURTHER),
        (UNCERTAIN, SUBMITTED, Verdict.STAYS),
        (STORED, replace(STORED, starred=1), Verdict.STAYS),
        # Another submission of the same.
        (FAILED, replace(SUBMITTED, request_id="r-2", **LATER), Verdict.STAYS),
        (STORED, replace(SUBMITTED, request_id="r-2", **LATER), Verdict.CONFLICT),
        (STORED, replace(FAILED, request_id="r-2", **LATER), Verdict.CONFLICT),
        (STORED, replace(FAILED, state=State.REFUSED, request_id=None, **LATER), Verdict.FURTHER),
        (STORED, replace(UNCERTAIN, **LATER), Verdict.CONFLICT),
        (FAILED, replace(SUBMITTED, request_id="r-2"), Verdict.STAYS),
        (UNCERTAIN, replace(UNCERTAIN, **LATER), Verdict.STAYS),
        (UNCERTAIN, replace(FAILED, request_id=None, **LATER), Verdict.FURTHER),
        (FAILED, replace(FAILED, request_id=None, **LATER), Verdict.STAYS),
    ],
)
def test_which_of_two_records_of_a_job_counts(mine, its, verdict):
    assert judge(mine, its, is_held=False) is verdict
    held = {Verdict.NEW: Verdict.IN_USE, Verdict.FURTHER: Verdict.IN_USE}
    assert judge(mine, its, is_held=True) is held.get(verdict, verdict)
