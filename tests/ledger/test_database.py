"""The ledger's file: made, migrated, opened at any size, and salvaged when it is broken."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from counts import count
from remote_video_pack.remote_video.budget import Period
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import sqlite_connection, sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.migrations import upgrade
from remote_video_pack.remote_video.ledger.salvage import copy_rows
from remote_video_pack.remote_video.ledger.spending import Spent
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.ledger.tables import LAYOUT

from .rows import JOB, KEY, ME, as_after_a_restart, begun, key_of, ledger_of, sql

MUTATED = 2000 if os.environ.get("REMOTE_VIDEO_SOAK") else 60
LAYOUT_1 = (Path(__file__).parent / "layout_1.sql").read_text(encoding="ascii")
SALT = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def aside(home: Path) -> list[Path]:
    """The broken ledgers that were set aside."""
    return [path for path in home.glob("*.broken-*") if not path.name.endswith("-wal")]


def earlier(home: Path) -> list[Path]:
    """The ledgers of an earlier layout that were kept."""
    return [path for path in home.glob("*.layout-*") if not path.name.endswith("-wal")]


# -- layouts -----------------------------------------------------------------------------------------------------------


def old_ledger(home: Path) -> Path:
    home.mkdir()
    with closing(sqlite3.connect(home / FILE_NAME)) as db:
        db.executescript(f"PRAGMA journal_mode=WAL; {LAYOUT_1}")
    return home / FILE_NAME


def check_what_the_old_ledger_held(home: Path) -> None:
    ledger = Ledger(home)
    states = {job.key[0]: job.state for job in ledger.recent()}
    assert states == {"1": State.STORED, "2": State.SUBMITTED, "3": State.INTENT, "4": State.FAILED}
    stored = ledger.get("1" * 64)
    assert (stored.seed, stored.request_digest, stored.path, stored.bytes) == (7, "d1", "/out/clip.mp4", 1234)
    assert (stored.cost_usd, stored.request_id, stored.finished_at, stored.account) == (0.84, "r-1", 1099.0, None)
    assert ledger.get("2" * 64).attempt == 2
    assert ledger.get("4" * 64).error == "It failed."
    assert sql(ledger.name, "SELECT value FROM meta") == [(SALT,)]
    assert ledger.account_tag("a key") == "54897bf9f0a886893e7ddde8c7ba810a"


def test_a_ledger_of_layout_1_is_brought_to_today_s_and_kept(home):
    file = old_ledger(home)
    check_what_the_old_ledger_held(home)
    assert aside(home) == []
    assert sql(file, "PRAGMA user_version") == [(LAYOUT,)]
    (kept,) = earlier(home)
    assert sql(kept, "SELECT count(*) FROM claims") == [(1,)]


def test_a_migrated_ledger_is_like_a_new_one(home, tmp_path):
    """The same tables, columns and indexes, in whatever order and spelling."""

    def schema(file: Path) -> set[object]:
        tables = sql(file, "SELECT name, type FROM sqlite_master")
        columns = {(table, *column[1:]) for table, _ in tables for column in sql(file, f"PRAGMA table_info({table})")}
        return {*tables, *columns}

    Ledger(tmp_path / "new")
    file = old_ledger(home)
    Ledger(home)
    assert schema(file) == schema(tmp_path / "new" / FILE_NAME)


def test_a_migrated_ledger_is_worked_with(home):
    old_ledger(home)
    ledger = Ledger(home)
    assert [job.key[0] for job in ledger.to_collect()] == ["2"]
    assert [job.key[0] for job in ledger.interrupted()] == ["3"]
    assert ledger.under_another_key(KEY, "d1")[0].key == "1" * 64
    lease = ledger.acquire("4" * 64, ME)
    assert ledger.begin(lease, replace(JOB, account="tag")).attempt == 2
    assert ledger.accepted("4" * 64, JOB, "r-5").state is State.SUBMITTED
    ledger.record(lease, Event.SUCCEEDED)


def test_a_migration_that_breaks_off_leaves_the_ledger_as_it_was(home, monkeypatch):
    file = old_ledger(home)
    before = sql(file, "SELECT name, sql FROM sqlite_master")
    with monkeypatch.context() as broken:

        def break_off(db: sa.Connection) -> None:
            upgrade(db)
            raise sqlite3.OperationalError("database or disk is full")

        broken.setattr(sqlite_file, "upgrade", break_off)
        with pytest.raises(LedgerError, match="full") as told:
            Ledger(home)
        assert "Make room" in str(told.value)
    assert sql(file, "SELECT name, sql FROM sqlite_master") == before
    check_what_the_old_ledger_held(home)


def test_a_ledger_of_layout_2_is_brought_to_today_s_and_kept(home):
    file = ledger_of(home, 3)
    jobs = Ledger(home).recent()
    sql(file, "DROP INDEX ix_jobs_file_digest")
    sql(file, "ALTER TABLE jobs DROP COLUMN file_digest")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 2")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert aside(home) == []
    assert len(earlier(home)) == 1


def test_a_ledger_of_layout_3_is_brought_to_today_s_and_its_costs_still_count(home):
    file = ledger_of(home, 3)
    sql(file, "UPDATE jobs SET cost_usd = 0.5")
    jobs = Ledger(home).recent()
    sql(file, "DROP INDEX jobs_money")
    for column in ("estimate_usd", "assumed_usd", "stand_in", "earlier_usd"):
        sql(file, f"ALTER TABLE jobs DROP COLUMN {column}")
    sql(file, "DROP TABLE alembic_version")
    sql(file, "PRAGMA user_version = 3")
    as_after_a_restart(file)
    assert Ledger(home).recent() == jobs
    assert Ledger(home).spent(Period.now("day")) == Spent(usd=1.5, jobs=3)
    assert len(earlier(home)) == 1


def test_a_broken_ledger_of_layout_1_is_salvaged_into_today_s(home):
    file = old_ledger(home)
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    break_page(file, root_page(file, "ix_jobs_created_at"))
    check_what_the_old_ledger_held(home)
    assert len(aside(home)) == 1


def test_a_ledger_of_a_later_layout_is_left_alone(home):
    file = ledger_of(home, 1)
    sql(file, f"PRAGMA user_version = {LAYOUT + 1}")
    before = file.read_bytes()
    as_after_a_restart(file)
    with pytest.raises(LedgerError, match="newer version") as told:
        Ledger(home)
    assert "Update Remote Video" in str(told.value)
    assert file.read_bytes() == before


# -- damage ------------------------------------------------------------------------------------------------------------


def root_page(file: Path, name: str) -> int:
    ((page,),) = sql(file, "SELECT rootpage FROM sqlite_master WHERE name = ?", name)
    return page


def break_page(file: Path, page: int) -> None:
    """Fill it with noise, as a bad sector may."""
    size = sql(file, "PRAGMA page_size")[0][0]
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(random.Random(page).randbytes(size))


def pages_with(file: Path, text: str) -> list[int]:
    size = sql(file, "PRAGMA page_size")[0][0]
    data = file.read_bytes()
    return [page for page in range(1, len(data) // size + 1) if text.encode() in data[(page - 1) * size : page * size]]


@pytest.fixture(scope="module")
def big(tmp_path_factory) -> Path:
    """The file of a ledger of some hundred pages."""
    home = tmp_path_factory.mktemp("big") / "home"
    file = ledger_of(home, 0)
    job = (
        "INSERT INTO jobs (key, state, provider, base, model_id, model_name, take, node_id, asked, attempt, request_id,"
        " created_at) VALUES (?, 'submitted', 'RunComfy', 'b', 'm', 'M', 1, '', ?, 1, ?, ?)"
    )
    with closing(sqlite3.connect(file)) as db, db:
        rows = [(key_of(n), f"{n:x}" * 9, f"the id of {n}.", float(n)) for n in range(2000)]
        db.executemany(job, rows)
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture
def copied(big, home) -> Path:
    home.mkdir()
    shutil.copy(big, home / FILE_NAME)
    return home / FILE_NAME


def test_opening_looks_at_no_row_and_damage_is_met_where_it_is(copied, home):
    (page,) = pages_with(copied, "the id of 1000.")
    break_page(copied, page)
    ledger = Ledger(home)
    assert ledger.get(key_of(3)).request_id == "the id of 3."
    assert ledger.account_tag("a key")
    assert aside(home) == []
    lost = ledger.get(key_of(1000))
    assert (lost.state, lost.request_id, lost.error_kind) == (State.UNCERTAIN, None, "JobUncertain")
    assert len(aside(home)) == 1
    assert ledger.get(key_of(1999)).request_id == "the id of 1999.", "what lies beyond the page is there"


@pytest.mark.parametrize("where", ["row", "rows", "jobs", "sqlite_autoindex_jobs_1", "ix_jobs_asked", "jobs_by_state"])
def test_no_job_is_lost_to_a_page_that_can_not_be_read(copied, home, where):
    """What can be read is there as it was; what is left as a key is uncertain, so that it is not paid for unasked."""
    if where == "row":
        broken = pages_with(copied, "the id of 1000.")
    elif where == "rows":
        broken = [page for n in (0, 500, 1999) for page in pages_with(copied, f"the id of {n}.")]
    else:
        broken = [root_page(copied, where)]
    for page in broken:
        break_page(copied, page)
    as_after_a_restart(copied, suspect=True)
    ledger = Ledger(home)
    jobs = ledger.recent(3000)
    assert sorted(job.key for job in jobs) == [key_of(n) for n in range(2000)]
    as_before = sum(job.state is State.SUBMITTED and job.request_id is not None for job in jobs)
    assert as_before == 0 if where == "jobs" else as_before >= 2000 - 40 * len(broken)
    assert all(job.state is State.UNCERTAIN for job in jobs if job.request_id is None)
    assert as_before == 2000 or where in ("row", "rows", "jobs")


def test_an_index_that_hides_a_job_lets_nothing_be_paid_for_twice(copied, home):
    """One bit in the index of the keys: nothing is malformed, and the job can't be found by its key."""
    data = bytearray(copied.read_bytes())
    size = 4096
    for page in pages_with(copied, key_of(1000)):
        if f"the id of {1000}." not in data[(page - 1) * size : page * size].decode("latin-1"):
            at = data.index(key_of(1000).encode(), (page - 1) * size)
            data[at : at + 1] = b"4"
    copied.write_bytes(data)
    ledger = Ledger(home)
    assert ledger.get(key_of(1000)) is None, "the index hides it"
    lease = ledger.acquire(key_of(1000), ME)
    with pytest.raises(LedgerError, match="damaged") as told:
        ledger.begin(lease, replace(JOB, request_digest=f"{1000:x}" * 9))
    assert "Run again" in str(told.value)
    assert ledger.get(key_of(1000)).request_id == "the id of 1000."
    assert len(aside(home)) == 1


SPOILT: dict[str, tuple[str, State]] = {
    "state = 'stowed'": ("the state is a word nobody knows", State.UNCERTAIN),
    "state = x'ff'": ("the state is no text", State.UNCERTAIN),
    "request_id = x'ff00'": ("what to ask for is no text", State.UNCERTAIN),
    "request_id = CAST(x'ff00' AS TEXT)": ("what to ask for is not UTF-8", State.UNCERTAIN),
    "model_name = CAST(x'ff' AS TEXT)": ("a fact that costs nothing", State.SUBMITTED),
    "take = 'many'": ("a number is a text", State.SUBMITTED),
    "cost_usd = 'much', error = x'00'": ("two facts", State.SUBMITTED),
}


@pytest.mark.parametrize("change", SPOILT)
def test_a_row_that_can_not_be_read_as_a_job_is_kept_for_what_is_left_of_it(copied, home, change):
    sql(copied, f"UPDATE jobs SET {change} WHERE key = ?", key_of(1000))
    ledger = Ledger(home)
    job = ledger.get(key_of(1000))
    assert job.state is SPOILT[change][1]
    assert (job.error_kind == "JobUncertain") is (job.state is State.UNCERTAIN)
    assert ("request_id" in change) or job.request_id == "the id of 1000."
    assert (len(aside(home)), len(ledger.recent(3000))) == (1, 2000)
    assert ledger.get(key_of(1000)) == job
    assert len(aside(home)) == 1, "once is enough"


def test_leases_outlive_a_salvage(home):
    ledger = Ledger(home)
    lease = begun(ledger)
    as_after_a_restart(Path(ledger.name), suspect=True)
    break_page(Path(ledger.name), root_page(checkpointed(Path(ledger.name)), "ix_jobs_asked"))
    assert ledger.record(lease, Event.LOST).state is State.UNCERTAIN
    assert len(aside(home)) == 1
    assert ledger.acquire(KEY, "another") is None


def checkpointed(file: Path) -> Path:
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def test_a_process_that_died_while_it_replaced_a_ledger_lost_no_job(home):
    """Between the two renames the only whole ledger is the one beside its place."""
    file = checkpointed(ledger_of(home, 3))
    file.rename(home / f"{FILE_NAME}.new")
    as_after_a_restart(file)
    assert len(Ledger(home).recent()) == 3


def test_a_ledger_that_was_suspected_for_nothing_stays(copied, home):
    as_after_a_restart(copied, suspect=True)
    assert len(Ledger(home).recent(3000)) == 2000
    assert aside(home) == []


def test_jobs_are_taken_over_also_when_the_salt_is_lost(home):
    """Under new names of the accounts they are found by what they ask for, as under a regenerated key."""
    file = ledger_of(home, 3)
    sql(file, "DELETE FROM meta")
    as_after_a_restart(file)
    sqlite_file.in_process(file).salt = None
    assert Ledger(home).under_another_key(KEY, JOB.request_digest)


def test_a_ledger_that_vanished_is_said_and_its_accounts_keep_their_names(home, caplog):
    ledger = Ledger(home)
    begun(ledger)
    tag = ledger.account_tag("a key")
    for file in home.iterdir():
        file.unlink()
    assert ledger.accepted(KEY, JOB, "r-1").request_id == "r-1"
    assert "is gone" in caplog.text
    assert ledger.account_tag("a key") == tag


def test_a_write_never_goes_to_a_ledger_that_was_set_aside(home, monkeypatch):
    """Another process replaces the file between this one's look at it and its transaction."""
    ledger = Ledger(home)
    begun(ledger)
    old = home / "replaced"
    connect = sqlite_connection.connection

    def replaced_meanwhile(path: Path, *how: Any) -> sqlite3.Connection:
        connection = connect(path, *how)
        if not old.exists():
            sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
            sql(path, "VACUUM INTO ?", str(home / "copy"))
            path.rename(old)
            sqlite_connection.move_journal(path, None)
            (home / "copy").rename(path)
        return connection

    monkeypatch.setattr(sqlite_connection, "connection", replaced_meanwhile)
    ledger.accepted(KEY, JOB, "r-1")
    monkeypatch.undo()
    assert old.exists()
    assert ledger.get(KEY).request_id == "r-1"
    assert sql(old, "SELECT request_id FROM jobs") == [(None,)]


def test_a_writer_that_waits_while_a_ledger_is_salvaged_writes_to_the_new_one(copied, home, monkeypatch):
    ledger = Ledger(home)
    copying, go_on = threading.Event(), threading.Event()

    def slowly(*connections: sa.Connection) -> int:
        copying.set()
        assert go_on.wait(20)
        return copy_rows(*connections)

    monkeypatch.setattr(sqlite_file, "copy_rows", slowly)
    (page,) = pages_with(copied, "the id of 1000.")
    break_page(copied, page)
    other_process = sqlite_connection.engine_of(copied)
    with ThreadPoolExecutor(2) as pool:
        salvaging = pool.submit(ledger.get, key_of(1000))
        assert copying.wait(20)
        with other_process.connect() as db, pytest.raises(Exception, match="locked"):
            db.exec_driver_sql("PRAGMA busy_timeout=100")
            db.exec_driver_sql("BEGIN IMMEDIATE")
        writing = pool.submit(ledger.accepted, KEY, JOB, "r-1")
        go_on.set()
        salvaging.result()
        writing.result()
    assert Ledger(home).get(KEY).request_id == "r-1"


def test_the_journal_of_a_ledger_that_is_gone_is_not_played_into_a_new_one(home):
    file = ledger_of(home, 5)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("UPDATE jobs SET state = 'stored'")
        db.commit()
        journal = Path(f"{file}-wal").read_bytes()
    file.unlink()
    Path(f"{file}-wal").write_bytes(journal)
    as_after_a_restart(file)
    assert Ledger(home).recent() == []
    assert sql(file, "PRAGMA integrity_check") == [("ok",)]


def test_a_mutated_ledger_is_used_set_aside_or_refused_and_never_trips_the_run(home):
    """A few bytes changed anywhere in the file or its length: whatever comes of it is one of three answers."""
    file = checkpointed(ledger_of(home, 60))
    whole = file.read_bytes()
    dice = random.Random(3)
    answers = {"used": 0, "set aside": 0, "refused": 0}
    for _ in range(MUTATED):
        for old in home.iterdir():
            old.unlink()
        mutated = bytearray(whole)
        for _ in range(dice.choice((1, 8, 400))):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        file.write_bytes(mutated[: dice.choice((len(mutated), dice.randrange(len(mutated))))])
        as_after_a_restart(file)
        answers[_answer_of(home)] += 1
    for answer, times in answers.items():
        count(f"mutated ledgers: {answer}", times)
    assert answers["set aside"]
    assert answers["refused"] < answers["used"]


def _answer_of(home: Path) -> str:
    try:
        ledger = Ledger(home)
        ledger.account_tag("a key")
        begun(ledger, key_of(10_000))
        ledger.recent(100)
    except LedgerError:
        return "refused"
    return "set aside" if aside(home) else "used"


# -- others at the file --------------------------------------------------------------------------------------------


LOCKS: dict[str, str] = {"for writing": "BEGIN IMMEDIATE", "for everything": "BEGIN EXCLUSIVE"}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_ledger_that_stays_locked_is_said_to_be_locked(home, monkeypatch, lock):
    monkeypatch.setattr(sqlite_connection, "BUSY_TIMEOUT_S", 0.2)
    file = ledger_of(home, 1)
    as_after_a_restart(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute(LOCKS[lock])
        assert len(Ledger(home).recent()) == 1, "what is only read needs no lock"
        with pytest.raises(LedgerError, match="locked by another process") as told:
            Ledger(home).heartbeat(ME)
    assert "Close what else has the file open" in str(told.value)
    assert "writable" not in str(told.value)
    Ledger(home).heartbeat(ME)


def test_ledgers_of_many_processes_are_opened_at_once(copied, home, monkeypatch):
    """In the usual case none waits for another, though one should be at opening for long."""
    monkeypatch.setattr(sqlite_file, "OPENING_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(home / f"{FILE_NAME}.opening", isolation_level=None)) as opening:
        opening.execute("BEGIN EXCLUSIVE")
        assert len(Ledger(home).recent(3000)) == 2000


def test_a_ledger_that_can_not_be_opened_is_said_to_be_so(home):
    (home / FILE_NAME).mkdir(parents=True)
    with pytest.raises(LedgerError, match="is not a plain file") as told:
        Ledger(home)
    assert str(home) in str(told.value)


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
def test_a_new_ledger_is_its_user_s_alone(home):
    Ledger(home)
    assert (home / FILE_NAME).stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_ledger_in_a_folder_others_may_write_is_not_used(home, mode):
    Ledger(home)
    home.chmod(mode)
    as_after_a_restart(home / FILE_NAME)
    with pytest.raises(LedgerError, match="Other users of this machine may write") as told:
        Ledger(home)
    assert f"chmod go-w '{home}'" in str(told.value) and f"{mode:03o}" in str(told.value)


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
def test_a_ledger_others_could_read_is_closed_to_them_and_one_they_may_write_is_not_used(home):
    file = home / FILE_NAME
    Ledger(home)
    file.chmod(0o644)
    as_after_a_restart(file)
    Ledger(home)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o666)
    as_after_a_restart(file)
    with pytest.raises(LedgerError, match="may write"):
        Ledger(home)


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
def test_a_ledger_in_the_making_is_private_from_its_first_byte(home, monkeypatch):
    modes = []
    connect = sqlite3.connect

    def seen(*how: Any, **more: Any) -> sqlite3.Connection:
        if ".new?" in str(how[0]):
            modes.append((home / f"{FILE_NAME}.new").stat().st_mode & 0o777)
        return connect(*how, **more)

    monkeypatch.setattr(sqlite3, "connect", seen)
    Ledger(home)
    assert modes and set(modes) == {0o600}


UNUSABLE = """
import os, sys, tempfile
from pathlib import Path
import importlib.util
pack, home = Path(sys.argv[1]), Path(sys.argv[2])
spec = importlib.util.spec_from_file_location("pack", pack / "__init__.py", submodule_search_locations=[str(pack)])
sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["pack"])
from pack.remote_video.errors import RemoteVideoError
from pack.remote_video.ledger.ledger import Ledger
from pack.remote_video.accounts import Accounts
with tempfile.TemporaryDirectory() as warm:  # the other user may not be able to read what Python imports later
    Ledger(Path(warm))
    Accounts(Path(warm)).save("runcomfy", "a-key-of-the-tests")
os.setgid(65534)
os.setuid(65534)
for ask in (lambda: Ledger(home), lambda: Accounts(home).save("runcomfy", "a-key-of-the-tests")):
    try:
        ask()
    except RemoteVideoError as error:
        print(error, flush=True)
        print("----")
"""


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("owner", "mode"), [(0, 0o700), (0, 0o755), (65534, 0o500)])
def test_a_home_that_can_not_be_used_is_named_with_its_owner_and_the_mode_it_needs(owner, mode):
    pack = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        home = Path(open_to_all) / "home"
        home.mkdir()
        os.chown(home, owner, owner)
        home.chmod(mode)
        command = [sys.executable, "-c", UNUSABLE, str(pack), str(home)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    ledger, account, _ = told.split("----\n")
    whose = "this user" if owner else "the user with id 0"
    for text in (ledger, account):
        assert f"The folder {home} belongs to {whose} and has mode {mode:03o}" in text
        assert f"chmod 700 '{home}'" in text


BREAKAGES: list[Callable[[Path], object]] = [
    lambda file: file.write_bytes(b""),
    lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 3]),
    lambda file: file.write_bytes(random.Random(1).randbytes(20_000)),
    lambda file: sql(file, "DROP TABLE leases"),
    lambda file: sql(file, "ALTER TABLE jobs DROP COLUMN sidecar"),
]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_is_no_ledger_is_set_aside_as_it_is_when_it_is_opened(home, breakage, caplog):
    file = checkpointed(ledger_of(home, 3))
    breakage(file)
    broken = file.read_bytes()
    as_after_a_restart(file)
    ledger = Ledger(home)
    (kept,) = aside(home)
    assert kept.read_bytes() == broken
    assert kept.name in caplog.text
    begun(ledger)
