"""Promises about keys: where they are found, how they are kept, and that they show up nowhere else."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import tempfile
import threading
import traceback
from pathlib import Path

import pytest
from remote_video_pack.remote_video.accounts import MAX_KEY_LENGTH, Accounts
from remote_video_pack.remote_video.errors import AccountError
from remote_video_pack.remote_video.providers import PROVIDERS

CANARY = "rv-canary-5f0c2b9e77"
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


@pytest.fixture
def accounts(home: Path) -> Accounts:
    return Accounts(home, environ={})


def account_file(home: Path) -> Path:
    return home / "accounts.json"


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ("runcomfy", ["RUNCOMFY_API_TOKEN", "RUNCOMFY_TOKEN", "RUNCOMFY_API_KEY", "YOUR_API_TOKEN"]),
        ("cometapi", ["COMETAPI_KEY", "COMETAPI_API_KEY", "COMET_API_KEY"]),
    ],
)
def test_variables_are_read_in_their_order(home, provider, variables):
    environ = {name: f"key-of-{name}" for name in sorted(variables)}
    for name in variables:
        account = Accounts(home, environ).find(provider)
        assert (account.key, account.source) == (f"key-of-{name}", name)
        del environ[name]
    assert Accounts(home, environ).find(provider) is None


def test_saved_wins_over_the_environment_until_it_is_forgotten(home):
    accounts = Accounts(home, {"RUNCOMFY_API_TOKEN": "from-the-environment"})
    accounts.save("runcomfy", "from-the-dialog")
    assert accounts.find("runcomfy").key == "from-the-dialog"
    assert accounts.forget("runcomfy") is True
    assert accounts.find("runcomfy").source == "RUNCOMFY_API_TOKEN"
    assert accounts.forget("runcomfy") is False


def test_a_key_outlives_the_process_and_leaves_the_other_provider_alone(home, accounts):
    accounts.save("runcomfy", "one")
    accounts.save("cometapi", "two")
    later = Accounts(home, environ={})
    assert (later.require("runcomfy").key, later.require("cometapi").key) == ("one", "two")
    later.forget("runcomfy")
    assert later.require("cometapi").key == "two"


def test_a_home_far_below_folders_that_are_not_there_is_made(tmp_path):
    home = tmp_path / "not" / "there" / "yet"
    Accounts(home, {}).save("runcomfy", "one")
    assert Accounts(home, {}).require("runcomfy").key == "one"


def test_spaces_around_a_pasted_key_are_dropped(accounts):
    accounts.save("runcomfy", f"  {CANARY}\r\n")
    assert accounts.find("runcomfy").key == CANARY


@pytest.mark.parametrize(
    "key",
    [
        "",
        "  ",
        "two words",
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\x7fb",
        "schl\u00fcssel",
        "a\u200bb",
        "k" * (MAX_KEY_LENGTH + 1),
    ],
    ids=["empty", "blank", "space", "newline", "tab", "nul", "delete", "umlaut", "zero-width", "too-long"],
)
def test_what_cannot_be_a_key_is_refused_unsaid(home, accounts, key):
    with pytest.raises(AccountError) as refused:
        accounts.save("runcomfy", key)
    assert not key.strip() or key.strip() not in str(refused.value)
    assert "Copy the key again from the provider's page" in refused.value.next_step
    assert not account_file(home).exists()


def test_the_longest_key_is_kept(accounts):
    accounts.save("runcomfy", "k" * MAX_KEY_LENGTH)
    assert len(accounts.find("runcomfy").key) == MAX_KEY_LENGTH


def test_a_bad_variable_is_named_and_not_quoted(home):
    with pytest.raises(AccountError, match="COMETAPI_KEY") as refused:
        Accounts(home, {"COMETAPI_KEY": f"{CANARY} and more"}).find("cometapi")
    assert CANARY not in str(refused.value)


def test_without_a_key_the_three_ways_on_are_named(accounts):
    with pytest.raises(AccountError) as missing:
        accounts.require("runcomfy")
    message = str(missing.value)
    assert "RunComfy" in message
    assert "accounts dialog" in message
    assert "RUNCOMFY_API_TOKEN" in message
    assert "REMOTE_VIDEO_SANDBOX=1" in message


@posix
def test_file_and_folder_are_their_owners_alone_whatever_the_umask(home, accounts):
    before = os.umask(0)
    try:
        accounts.save("runcomfy", CANARY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(account_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@posix
def test_the_key_is_never_in_a_file_others_can_read_while_saving(home, accounts):
    """Watch every file in the folder while keys are saved many times over."""
    accounts.save("runcomfy", CANARY)
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for path in home.iterdir():
                try:
                    mode = path.stat().st_mode
                    json.loads(account_file(home).read_bytes())
                except FileNotFoundError:
                    continue
                if mode & 0o077:
                    seen.append(f"{path.name} {mode:o}")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(200):
            accounts.save("runcomfy", f"{CANARY}-{number}")
    finally:
        stop.set()
        watcher.join()
    assert seen == []
    assert [path.name for path in home.iterdir()] == ["accounts.json"]


def test_a_save_that_fails_leaves_the_old_key_and_no_rest(home, accounts, monkeypatch):
    accounts.save("runcomfy", "old")

    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(AccountError, match="No space left on device"):
        accounts.save("runcomfy", CANARY)
    assert accounts.find("runcomfy").key == "old"
    assert [path.name for path in home.iterdir()] == ["accounts.json"]


def test_two_dialogs_at_once_lose_no_key(home):
    def save(provider: str) -> None:
        for _ in range(30):
            Accounts(home, {}).save(provider, f"key-of-{provider}")

    threads = [threading.Thread(target=save, args=(provider.id,)) for provider in PROVIDERS.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for provider in PROVIDERS.values():
        assert Accounts(home, {}).find(provider.id).key == f"key-of-{provider.id}"


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_folder_others_may_write_is_refused(home, accounts, mode):
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(AccountError, match="chmod go-w"):
        accounts.save("runcomfy", CANARY)
    assert list(home.iterdir()) == []
    home.chmod(0o700)
    accounts.save("runcomfy", CANARY)
    home.chmod(mode)
    with pytest.raises(AccountError, match="chmod go-w"):
        accounts.find("runcomfy")


@posix
def test_a_link_in_the_files_place_is_neither_read_nor_written(home, tmp_path, accounts):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps({"version": 1, "keys": {"runcomfy": "planted"}}), encoding="utf-8")
    home.mkdir(mode=0o700)
    account_file(home).symlink_to(elsewhere)
    for attempt in (lambda: accounts.find("runcomfy"), lambda: accounts.save("runcomfy", CANARY)):
        with pytest.raises(AccountError, match="is a link, which could lead"):
            attempt()
    assert "planted" in elsewhere.read_text(encoding="utf-8")


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_file_is_refused(home, accounts):
    accounts.save("runcomfy", "old")
    os.chown(account_file(home), 12345, -1)
    for attempt in (lambda: accounts.find("runcomfy"), lambda: accounts.save("runcomfy", CANARY)):
        with pytest.raises(AccountError, match="belongs to another user"):
            attempt()


def test_a_file_larger_than_any_the_pack_writes_is_refused(home, accounts):
    accounts.save("runcomfy", CANARY)
    written = account_file(home).read_bytes()
    account_file(home).write_bytes(written.ljust(64 * 1024))
    assert accounts.find("runcomfy").key == CANARY
    account_file(home).write_bytes(written.ljust(64 * 1024 + 1))
    with pytest.raises(AccountError, match="is larger than 65536 bytes"):
        accounts.find("runcomfy")


def test_a_key_is_saved_where_there_is_no_folder_for_temporary_files(home, accounts, tmp_path, monkeypatch):
    """The new file is made beside the old one: it can take its place in one step on every disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    accounts.save("runcomfy", CANARY)
    assert accounts.find("runcomfy").key == CANARY


@posix
def test_a_home_below_a_file_can_not_be_read(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    accounts = Accounts(tmp_path / "file" / "home", {})
    with pytest.raises(AccountError, match="can't be read: Not a directory"):
        accounts.find("runcomfy")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files can't be counted here")
def test_a_file_that_is_refused_is_not_held_open(home, accounts):
    accounts.save("runcomfy", CANARY)
    account_file(home).chmod(0o622)
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(20):
        with pytest.raises(AccountError):
            accounts.find("runcomfy")
    assert len([*Path("/proc/self/fd").iterdir()]) < before + 20


@posix
def test_a_pipe_in_the_files_place_does_not_hang(home, accounts):
    home.mkdir(mode=0o700)
    os.mkfifo(account_file(home), 0o600)
    with pytest.raises(AccountError, match="not a plain file"):
        accounts.find("runcomfy")


@posix
def test_a_readable_file_is_closed_with_a_warning(home, accounts, caplog):
    accounts.save("runcomfy", CANARY)
    account_file(home).chmod(0o644)
    assert accounts.find("runcomfy").key == CANARY
    assert stat.S_IMODE(account_file(home).stat().st_mode) == 0o600
    assert "could be read by other users" in caplog.text


@posix
def test_a_file_others_may_write_is_refused(home, accounts):
    accounts.save("runcomfy", CANARY)
    account_file(home).chmod(0o622)
    with pytest.raises(AccountError, match="may write") as refused:
        accounts.find("runcomfy")
    assert "Keys in the environment are not used while the file is in doubt" in refused.value.next_step


BROKEN_FILES = {
    "empty": b"",
    "not-json": f'{{"version": 1, "keys": {{"runcomfy": "{CANARY}'.encode(),
    "not-utf8": b"\xff\xfe" + CANARY.encode(),
    "a-list": b"[]",
    "no-version": b'{"keys": {}}',
    "keys-not-an-object": b'{"version": 1, "keys": []}',
    "key-not-text": b'{"version": 1, "keys": {"runcomfy": 5}}',
    "header-injection": b'{"version": 1, "keys": {"runcomfy": "a\\r\\nX-Evil: 1"}}',
    "deep": b"[" * 30_000,
}


@pytest.mark.parametrize("content", BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_a_broken_file_is_an_error_and_never_a_silent_fallback(home, content):
    accounts = Accounts(home, {"RUNCOMFY_API_TOKEN": "from-the-environment"})
    accounts.save("cometapi", "x")
    account_file(home).write_bytes(content)
    with pytest.raises(AccountError, match="is broken: it can't be read") as broken:
        accounts.find("runcomfy")
    assert str(account_file(home)) in str(broken.value)
    assert "Save the keys again in the accounts dialog" in broken.value.next_step
    assert accounts.describe()[0]["error"]
    with pytest.raises(AccountError):
        accounts.forget("runcomfy")
    assert account_file(home).read_bytes() == content


def test_saving_over_a_broken_file_sets_it_aside(home, accounts):
    accounts.save("runcomfy", "x")
    account_file(home).write_bytes(b"{broken")
    accounts.save("runcomfy", "new")
    assert accounts.find("runcomfy").key == "new"
    assert (home / "accounts.json.broken").read_bytes() == b"{broken"


def test_a_newer_versions_file_is_left_alone(home, accounts):
    accounts.save("runcomfy", "x")
    newer = b'{"version": 2, "vault": "something"}'
    account_file(home).write_bytes(newer)
    for attempt in (lambda: accounts.find("runcomfy"), lambda: accounts.save("runcomfy", "y")):
        with pytest.raises(AccountError, match="newer version"):
            attempt()
    assert account_file(home).read_bytes() == newer


def test_describe_names_sources_and_never_a_key(home):
    accounts = Accounts(home, {"COMET_API_KEY": CANARY})
    accounts.save("runcomfy", CANARY)
    runcomfy, cometapi, *others = accounts.describe()
    assert (runcomfy["set"], runcomfy["source"]) == (True, "saved")
    assert (cometapi["set"], cometapi["source"]) == (True, "COMET_API_KEY")
    assert not any(other["set"] for other in others)
    assert CANARY not in json.dumps([runcomfy, cometapi])


def test_an_account_never_shows_its_key(accounts):
    accounts.save("runcomfy", CANARY)
    account = accounts.find("runcomfy")
    assert CANARY not in repr(account) + str(account) + f"{account}" + repr([account]) + repr(accounts)
    with pytest.raises(TypeError):
        pickle.dumps(account)


def test_no_error_or_log_line_holds_a_key(home, caplog):
    """Every exception on the way out, with its causes, contexts and their own fields."""
    caplog.set_level(logging.DEBUG)
    accounts = Accounts(home, {"RUNCOMFY_API_TOKEN": f"{CANARY} \u00fc"})
    accounts.save("cometapi", CANARY)
    failures = [
        lambda: accounts.find("runcomfy"),
        lambda: accounts.save("runcomfy", f"{CANARY} {CANARY}"),
        lambda: accounts.save("runcomfy", f"{CANARY}\ud800"),
    ]
    for content in (b'{"version": 1, "keys": {"cometapi": "' + CANARY.encode(), CANARY.encode() + b"\xff"):
        failures.append(lambda content=content: (account_file(home).write_bytes(content), accounts.find("cometapi")))
    for failure in failures:
        with pytest.raises(AccountError) as raised:
            failure()
        error: BaseException | None = raised.value
        assert CANARY not in "".join(traceback.format_exception(error))
        while error is not None:
            assert CANARY not in repr(error) + repr(vars(error)) + repr(error.args)
            error = error.__cause__ or error.__context__
    assert CANARY not in caplog.text
