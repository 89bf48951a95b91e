"""What a ledger could not be told of a submission outlives the process that knew it, and is told once it can be."""

from __future__ import annotations

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import JobUncertain, LedgerError
from remote_video_pack.remote_video.ledger import sqlite_connection, sqlite_file
from remote_video_pack.remote_video.ledger.journal import Entry, Journal
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.record import NewJob

from .children import Child, Nursery
from .kill_cases import ledger_kept_locked
from .one_job import KEY, Setup, wait_until

JOB = NewJob("RunComfy", "https://model-api.runcomfy.net", "veo-3", "Veo 3", seed=1, request_digest="what is asked")
OTHERS_URL = "postgresql+psycopg://worker:the-password@db.example:5432/setup?sslmode=require"


def key_of(number: int) -> str:
    return f"{number:064x}"


def files(home: Path) -> list[Path]:
    return sorted((home / "journal").glob("*.json"))


def killed_between_the_answer_and_the_ledger(setup: Setup, nursery: Nursery) -> str:
    """A process whose ledger is locked when its submission is accepted, and that never sees it opened. The job's id."""
    Ledger(setup.home)
    before = setup.sandbox.accepted_posts
    setup.sandbox.faults.set(setup.submit_route, "stall:accepted", on_call=1)
    child: Child = nursery.start(setup)
    wait_until(lambda: setup.sandbox.accepted_posts > before, "the submission")
    with ledger_kept_locked(setup):
        setup.sandbox.faults.clear()
        (entry,) = wait_until(lambda: files(setup.home), "the journal")
        assert child.kill()
    assert entry.stat().st_mode & 0o777 == 0o600 or os.name == "nt"
    assert KEY not in entry.read_text(encoding="utf-8")
    (record,) = Ledger(setup.home).recent()
    assert (record.state, record.request_id) == (State.INTENT, None), "the ledger knows nothing of it"
    return setup.sandbox.jobs[-1].request_id


@pytest.mark.parametrize("provider", ["runcomfy", "cometapi"])
def test_an_id_is_kept_over_kill_9_and_the_next_run_follows_it(setup, nursery, provider):
    setup.provider = provider
    request_id = killed_between_the_answer_and_the_ledger(setup, nursery)
    clip = setup.run_now()
    assert (clip.request_id, clip.reused) == (request_id, True)
    assert (setup.posts, files(setup.home)) == (1, [])
    (record,) = Ledger(setup.home).recent()
    assert record.submitted_at < record.finished_at
    count("killed between an answer and the ledger")


def test_and_two_processes_that_collect_at_once_bring_one_clip_home_without_run(setup, nursery, nurseries):
    request_id = killed_between_the_answer_and_the_ledger(setup, nursery)
    both = [one.start(setup, "collect") for one in nurseries]
    assert [child.result()["outcome"] for child in both] == ["collected"] * 2
    (record,) = Ledger(setup.home).recent()
    assert (record.state, record.request_id, record.attempt) == (State.STORED, request_id, 1)
    assert (setup.posts, len(setup.clips()), files(setup.home)) == (1, 1, [])
    count("killed between an answer and the ledger")


def test_an_id_that_a_locked_ledger_refuses_is_told_with_the_place_it_is_kept_in(setup, monkeypatch):
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_S", 0.1)
    Ledger(setup.home)
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now)
        wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
        with ledger_kept_locked(setup):
            setup.sandbox.faults.clear()
            error = run.exception()
    (entry,) = files(setup.home)
    assert isinstance(error, LedgerError)
    told = " ".join(str(error).split())
    for words in (
        str(entry.parent),
        setup.sandbox.jobs[0].request_id,
        "Running again submits nothing",
        "is paid for",
    ):
        assert words in told
    assert setup.run_now().request_id == setup.sandbox.jobs[0].request_id
    assert (setup.posts, files(setup.home)) == (1, [])


def test_a_lost_answer_that_a_locked_ledger_refuses_is_uncertain_to_the_next_run(setup, monkeypatch):
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_S", 0.1)
    Ledger(setup.home)
    setup.sandbox.faults.set("runcomfy/submit", "stall:lost", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now)
        wait_until(lambda: setup.posts, "the submission")
        with ledger_kept_locked(setup):
            setup.sandbox.faults.clear()
            error = run.exception()
    assert isinstance(error, JobUncertain)
    assert len(files(setup.home)) == 1
    with pytest.raises(JobUncertain) as again:
        setup.run_now()
    assert error.what in str(again.value), "in the words of the one who knew, not as of a process that died"
    assert (setup.posts, files(setup.home)) == (1, [])


def test_a_begin_of_an_unknown_outcome_that_sent_nothing_leaves_no_job_uncertain(setup, monkeypatch):
    """The commit is on the disk, but its answer was lost: the row says that a submission is about to leave."""
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_file, "write", _committed_and_not_told(sqlite_file.write))
        with pytest.raises(LedgerError) as told:
            setup.run_now()
        assert "Not billed" in str(told.value)
    (record,) = Ledger(setup.home).recent()
    assert (record.state, len(files(setup.home))) == (State.INTENT, 1)
    clip = setup.run_now()
    assert (clip.reused, setup.posts, files(setup.home)) == (False, 1, [])


def _committed_and_not_told(write):
    def broken(path, work, *, again=True):
        result = write(path, work, again=again)
        if not again:  # only `begin` is never done twice
            raise sqlite_file.told(path, sqlite_file._NotCommitted("the connection was lost"))
        return result

    return broken


def test_what_was_not_sent_says_nothing_of_another_attempt(setup):
    ledger, journal = Ledger(setup.home), Journal(setup.home)
    journal.keep(Entry(key_of(1), 1, Event.TURNED_DOWN, 5.0, 5.0, JOB, error="nothing was sent", error_kind="NotSent"))
    lease = ledger.acquire(key_of(1), "an engine")
    ledger.begin(lease, JOB)
    ledger.release(lease)
    journal.replay(ledger)
    assert (ledger.get(key_of(1)).state, journal.entries()) == (State.INTENT, [])


# -- told once, whoever tells it ---------------------------------------------------------------------------------------


def test_many_who_replay_the_same_tell_the_ledger_once(setup):
    ledger, journal = Ledger(setup.home), Journal(setup.home)
    for number in range(12):
        lease = ledger.acquire(key_of(number), "an engine that is gone")
        begun = ledger.begin(lease, JOB)
        if number % 2:
            ledger.accepted(key_of(number), JOB, f"id-{number}")
        kept = Entry(key_of(number), lease.fence, Event.ACCEPTED, 7.0, begun.created_at, JOB, 1, f"id-{number}")
        assert journal.keep(kept)
    ledger.retire("an engine that is gone")
    with ThreadPoolExecutor(4) as here:
        for done in [here.submit(Journal(setup.home).replay, Ledger(setup.home)) for _ in range(4)]:
            done.result()
    records = ledger.recent(100)
    assert {(record.key, record.request_id) for record in records} == {(key_of(n), f"id-{n}") for n in range(12)}
    assert {(record.state, record.attempt) for record in records} == {(State.SUBMITTED, 1)}
    assert journal.entries() == []
    assert not ledger.holder(key_of(0))


def test_an_old_id_says_nothing_of_a_later_attempt(setup):
    """It was told and followed to its end, and the file stayed: by a disk that came back, on another machine."""
    ledger, journal, key = Ledger(setup.home), Journal(setup.home), key_of(1)
    lease = ledger.acquire(key, "an engine")
    begun = ledger.begin(lease, JOB)
    ledger.accepted(key, JOB, "the first")
    ledger.record(lease, Event.FAILED)
    ledger.begin(lease, JOB)
    ledger.retire("an engine")
    journal.keep(Entry(key, lease.fence, Event.ACCEPTED, 7.0, begun.created_at, JOB, begun.attempt, "the first"))
    journal.replay(ledger)
    assert (ledger.get(key).state, ledger.get(key).request_id) == (State.INTENT, None)
    assert journal.entries() == []


def test_a_job_that_somebody_works_on_is_left_alone(setup):
    ledger, journal = Ledger(setup.home), Journal(setup.home)
    lease = ledger.acquire(key_of(1), "an engine that lives")
    begun = ledger.begin(lease, JOB)
    journal.keep(Entry(key_of(1), lease.fence, Event.ACCEPTED, 7.0, begun.created_at, JOB, 1, "an id"))
    journal.replay(ledger)
    assert ledger.get(key_of(1)).state is State.INTENT
    ledger.record(lease, Event.LOST)
    assert len(journal.entries()) == 1


def test_an_id_is_told_to_a_ledger_that_was_removed(setup):
    Journal(setup.home).keep(Entry(key_of(1), 1, Event.ACCEPTED, 7.0, 6.0, JOB, 1, "an id"))
    Journal(setup.home).replay(Ledger(setup.home))
    (record,) = Ledger(setup.home).recent()
    assert (record.request_id, record.submitted_at) == ("an id", 7.0)


# -- files that can't be used ------------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def garbage(file: Path) -> None:
    file.write_bytes(bytes(range(256)))


def nested(file: Path) -> None:
    file.write_text("[" * 100_000, encoding="utf-8")


def of_another_job(file: Path) -> None:
    file.rename(file.with_name(f"{key_of(7)}-1.json"))


def of_another_kind(file: Path) -> None:
    file.write_text('{"holidays": []}', encoding="utf-8")


def a_number(file: Path) -> None:
    file.write_text("7", encoding="utf-8")


def with_another_type(file: Path) -> None:
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "job": {**told["job"], "seed": "a text"}}), encoding="utf-8")


def without_its_id(file: Path) -> None:
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "request_id": None}), encoding="utf-8")


def writable_by_others(file: Path) -> None:
    file.chmod(0o666)


WAYS = [cut, emptied, garbage, nested, of_another_job, of_another_kind, a_number]
WAYS += [with_another_type, without_its_id]
if os.name == "posix":
    WAYS.append(writable_by_others)


@pytest.mark.parametrize("broken", WAYS)
def test_a_file_that_is_half_or_not_ours_is_set_aside_with_a_warning(setup, broken, caplog):
    journal = Journal(setup.home)
    journal.keep(Entry(key_of(1), 1, Event.ACCEPTED, 7.0, 6.0, JOB, 1, "an id"))
    broken(files(setup.home)[0])
    with caplog.at_level(logging.WARNING, "remote_video"):
        journal.replay(Ledger(setup.home))
        assert not setup.run_now().reused
    assert [record.seed for record in Ledger(setup.home).recent()] == [1], "the run's own job alone"
    (aside,) = (setup.home / "journal").iterdir()
    assert aside.name.endswith(".json.broken")
    assert aside.name in caplog.text
    assert caplog.text.count("what became of a paid job") == 1


def test_what_another_ledger_is_to_be_told_is_kept_and_no_password_is(setup, caplog):
    shared = Journal(setup.home, OTHERS_URL)
    shared.keep(Entry(key_of(1), 1, Event.ACCEPTED, 7.0, 6.0, JOB, 1, "an id"))
    (file,) = files(setup.home)
    assert "password" not in file.read_text(encoding="utf-8")
    Journal(setup.home).replay(Ledger(setup.home))
    assert Ledger(setup.home).recent() == []
    assert file.name in caplog.text
    same = OTHERS_URL.replace("worker:the-password", "another:one").replace("require", "verify-full")
    assert [entry.request_id for entry in Journal(setup.home, same).entries()] == ["an id"]


def test_a_file_of_a_newer_version_is_kept(setup, caplog):
    Journal(setup.home).keep(Entry(key_of(1), 1, Event.ACCEPTED, 7.0, 6.0, JOB, 1, "an id"))
    (file,) = files(setup.home)
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "version": 2}), encoding="utf-8")
    assert Journal(setup.home).entries() == []
    assert "newer version" in caplog.text
    assert files(setup.home) == [file]
