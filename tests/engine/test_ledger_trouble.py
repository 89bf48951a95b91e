"""Promise 6 and its neighbours: a ledger that is broken, locked, read-only, too new, or gone."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import JobUncertain, LedgerError
from remote_video_pack.remote_video.ledger import sqlite_connection
from remote_video_pack.remote_video.ledger.ledger import Forgotten, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.record import NewJob
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME, distrust

from .one_job import RecordingAsker, wait_until

JOB = NewJob("RunComfy", "https://model-api.runcomfy.net", "veo-3", "Veo 3", seed=1)


def key_of(number: int) -> str:
    return f"{number:064x}"


def ledger_of(home: Path, jobs: int) -> Path:
    """A ledger with so many accepted jobs."""
    ledger = Ledger(home)
    for number in range(jobs):
        lease = ledger.acquire(key_of(number), "an-engine")
        ledger.begin(lease, JOB)
        ledger.accepted(key_of(number), JOB, f"id-{number}")
        ledger.release(lease)
    return home / FILE_NAME


def as_after_a_restart(home: Path) -> None:
    """This process has looked the ledger over once; the next one would do it again."""
    distrust(home / FILE_NAME)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut_short(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 3])


def garbage(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(20_000))


def head_only(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def another_database(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE holidays (day TEXT)")
        db.commit()


def without_its_salt(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DELETE FROM meta")
        db.commit()


BREAKAGES: list[Callable[[Path], None]] = [
    emptied,
    cut_short,
    garbage,
    head_only,
    another_database,
    without_its_salt,
]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_ledger_is_set_aside_with_a_warning_and_a_new_one_begun(setup, breakage, caplog):
    ledger_of(setup.home, 3)
    file = setup.home / FILE_NAME
    breakage(file)
    broken = file.read_bytes()
    as_after_a_restart(setup.home)
    with caplog.at_level(logging.WARNING, "remote_video"):
        assert not setup.run_now().reused
    (aside,) = [path for path in setup.home.glob("*.broken-*") if path.suffix not in (".wal", ".shm")]
    assert aside.read_bytes() == broken, "nothing of what was there is lost"
    assert aside.name in caplog.text
    assert setup.run_now().reused
    count("ways to break a ledger, set aside")


def test_what_can_be_read_of_a_broken_ledger_is_taken_over(setup, caplog):
    """A scratch in an index costs nobody a clip: the job that was paid for is still known."""
    first = setup.run_now()
    ledger_of(setup.home, 300)
    file = setup.home / FILE_NAME
    with closing(sqlite3.connect(file)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs_stored'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(os.urandom(size))
    as_after_a_restart(setup.home)
    again = setup.run_now()
    assert (again.reused, again.request_id, again.path) == (True, first.request_id, first.path)
    assert setup.posts == 1
    assert len(Ledger(setup.home).recent(1000)) == 301
    assert "301 of its jobs could be read" in caplog.text


def test_a_ledger_of_a_newer_version_is_left_alone_and_nothing_is_submitted(setup):
    file = ledger_of(setup.home, 2)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    as_after_a_restart(setup.home)
    with pytest.raises(LedgerError, match="newer version") as told:
        setup.run_now()
    assert "Update Remote Video" in str(told.value)
    assert file.read_bytes() == before
    assert setup.posts == 0


HOLD_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


class LockedElsewhere:
    """Another process holds the ledger's write lock."""

    def __init__(self, file: Path) -> None:
        pipe = subprocess.PIPE
        self._holder = subprocess.Popen([sys.executable, "-c", HOLD_LOCK, str(file)], stdin=pipe, stdout=pipe)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()

    def let_go(self) -> None:
        self._holder.communicate()

    def __enter__(self) -> LockedElsewhere:
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.kill()
        self._holder.communicate()


def test_a_ledger_that_another_process_locks_for_a_while_is_waited_for(setup):
    ledger_of(setup.home, 1)
    with LockedElsewhere(setup.home / FILE_NAME) as locked, ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now)
        time.sleep(0.5)
        assert not run.done()
        assert setup.posts == 0
        locked.let_go()
        assert not run.result().reused


def test_a_ledger_that_stays_locked_refuses_to_submit(setup, monkeypatch):
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_S", 0.3)
    ledger_of(setup.home, 1)
    as_after_a_restart(setup.home)
    with LockedElsewhere(setup.home / FILE_NAME), pytest.raises(LedgerError, match="locked") as told:
        setup.run_now()
    assert "Not billed" in str(told.value)
    assert setup.posts == 0
    assert not setup.run_now().reused


def test_a_ledger_that_can_not_be_opened_refuses_to_submit(setup):
    (setup.home / FILE_NAME).mkdir(parents=True)
    with pytest.raises(LedgerError, match="not a plain file") as told:
        setup.run_now()
    assert str(setup.home) in str(told.value)
    assert "Not billed" in str(told.value)
    assert setup.posts == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is read-only to this user")
def test_a_read_only_ledger_refuses_to_submit(setup):
    file = ledger_of(setup.home, 1)
    file.chmod(0o400)
    setup.home.chmod(0o500)
    as_after_a_restart(setup.home)
    try:
        with pytest.raises(LedgerError):
            setup.run_now()
    finally:
        setup.home.chmod(0o700)
    assert setup.posts == 0


def test_a_ledger_that_is_removed_while_a_submission_is_under_way_does_not_make_it_pay_again(setup):
    ledger_of(setup.home, 1)
    setup.sandbox.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    with ThreadPoolExecutor(1) as here:
        run = here.submit(setup.run_now)
        wait_until(lambda: setup.sandbox.accepted_posts, "the submission")
        for file in setup.home.iterdir():
            file.unlink()
        setup.sandbox.faults.clear()
        assert run.exception() is None, "the id is written down again, and the job goes on"
    assert setup.run_now().request_id == setup.sandbox.jobs[0].request_id
    assert setup.posts == 1


@pytest.mark.parametrize("fault", ["stall:lost", "stall:accepted"])
def test_a_submission_whose_answer_is_lost_is_uncertain_until_the_user_forgets_it(setup, fault):
    setup = replace(setup, timeouts=replace(setup.timeouts, submission=0.3))
    setup.sandbox.faults.set("runcomfy/submit", fault, on_call=1)
    for _ in range(3):
        with pytest.raises(JobUncertain) as told:
            setup.run_now()
        assert "may or may not exist" in str(told.value)
    assert setup.posts == 1
    ledger = Ledger(setup.home)
    (job,) = ledger.recent()
    assert job.state is State.UNCERTAIN
    assert ledger.forget(job.key) is Forgotten.DONE
    assert not setup.run_now().reused
    assert setup.posts == 2


def test_a_job_that_is_being_worked_on_can_not_be_forgotten(setup):
    setup.sandbox.faults.set("runcomfy/submit", "error-429")
    host = RecordingAsker()
    slow = replace(setup, timeouts=replace(setup.timeouts, retry_pause=2.0))
    with ThreadPoolExecutor(1) as here:
        run = here.submit(slow.run_now, host)
        wait_until(lambda: any("Trying again" in line for line in host.lines), "the refusal")
        ledger = Ledger(setup.home)
        (job,) = ledger.recent()
        assert (job.state, ledger.forget(job.key)) == (State.REFUSED, Forgotten.IN_USE)
        setup.sandbox.faults.clear()
        assert not run.result().reused
