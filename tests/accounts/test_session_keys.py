"""Promises about a key for this session: used as any other, in no file, gone with the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.errors import AccountError
from remote_video_pack.remote_video.hosted import MARKERS, hoster

CANARY = "rv-canary-5f0c2b9e77"
ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import PACK_FOLDER
from remote_video_pack.remote_video.accounts import Accounts
print(Accounts(sys.argv[2], {}).find("runcomfy"))
"""


@pytest.fixture
def accounts(home: Path) -> Accounts:
    return Accounts(home, environ={})


def in_files(folder: Path) -> list[str]:
    """The files that hold the key."""
    return [str(file) for file in folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()]


def test_it_is_used_and_told_and_stands_in_no_file(home, tmp_path, accounts):
    accounts.save("cometapi", "another")
    accounts.keep_for_session("runcomfy", f" {CANARY}\n")
    for looked in (accounts, Accounts(home, {"RUNCOMFY_API_TOKEN": "from-the-environment"})):
        assert (looked.require("runcomfy").key, looked.require("runcomfy").source) == (CANARY, "session")
        assert looked.describe()[0]["source"] == "session"
    assert in_files(tmp_path) == []
    assert accounts.require("cometapi").key == "another"


def test_another_process_does_not_know_it(home, accounts):
    accounts.keep_for_session("runcomfy", CANARY)
    tests = Path(__file__).resolve().parents[1]
    asked = subprocess.run(
        [sys.executable, "-c", ASK, str(tests), str(home)], capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == "None"


def test_a_key_on_disk_makes_way_for_it_and_it_for_one_on_disk(home, tmp_path, accounts):
    accounts.save("runcomfy", CANARY)
    accounts.keep_for_session("runcomfy", "newer")
    assert in_files(tmp_path) == []
    assert accounts.require("runcomfy").key == "newer"
    accounts.save("runcomfy", "newest")
    assert (accounts.require("runcomfy").key, accounts.require("runcomfy").source) == ("newest", "saved")
    assert accounts.forget("runcomfy") is True
    assert accounts.find("runcomfy") is None


def test_it_is_forgotten_when_told_to_and_belongs_to_its_home_alone(tmp_path, accounts):
    accounts.keep_for_session("runcomfy", CANARY)
    assert Accounts(tmp_path / "elsewhere", {}).find("runcomfy") is None
    assert accounts.forget("runcomfy") is True
    assert accounts.forget("runcomfy") is False
    assert accounts.find("runcomfy") is None


def test_a_key_that_could_not_be_removed_from_disk_is_not_called_gone(home, accounts):
    accounts.save("runcomfy", "old")
    (home / "accounts.json").write_bytes(b"{broken")
    with pytest.raises(AccountError, match="broken"):
        accounts.keep_for_session("runcomfy", CANARY)
    (home / "accounts.json").unlink()
    assert accounts.find("runcomfy") is None


@pytest.mark.parametrize(("variable", "name"), MARKERS.items())
def test_a_hosters_machine_is_known_by_what_the_hoster_sets(variable, name):
    found = hoster({variable: "something", "RUNCOMFY_API_TOKEN": "a key alone says nothing"})
    assert found is not None
    assert (found.name, found.variable) == (name, variable)


def test_elsewhere_there_is_no_hoster():
    assert hoster({"RUNCOMFY_API_TOKEN": "x", "RUNPOD_POD_ID": " "}) is None
