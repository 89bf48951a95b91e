"""The ledger's file among others: locked, opened by many at once, and its user's alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.errors import LedgerError
from remote_video_pack.remote_video.ledger import sqlite_connection, sqlite_file
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME

from .rows import ME, as_after_a_restart, ledger_of

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
