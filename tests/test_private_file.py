"""A private file that can't be used is said in the same words, whichever it is: the file, why, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.budget import NO_BUDGET, Budgets
from remote_video_pack.remote_video.errors import RemoteVideoError
from remote_video_pack.remote_video.saved_settings import SavedSettings

FILES: dict[str, tuple[str, Callable[[Path], object], Callable[[Path], object]]] = {
    "account": (
        "accounts.json",
        lambda home: Accounts(home, {}).find("runcomfy"),
        lambda home: Accounts(home, {}).save("runcomfy", "a-key-of-the-tests"),
    ),
    "budget": (
        "budget.json",
        lambda home: Budgets(home, NO_BUDGET).find(),
        lambda home: Budgets(home, NO_BUDGET).save(5, None),
    ),
    "settings": (
        "settings.json",
        lambda home: SavedSettings(home).read(),
        lambda home: SavedSettings(home).change(collect=True),
    ),
}
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="POSIX permissions"),
    pytest.mark.parametrize("kind", FILES),
]


def refused(ask: Callable[[Path], object], home: Path) -> RemoteVideoError:
    with pytest.raises(RemoteVideoError) as told:
        ask(home)
    return told.value


def test_one_that_others_may_write_is_not_believed_until_that_is_changed(home: Path, kind: str):
    name, read, keep = FILES[kind]
    keep(home)
    (home / name).chmod(0o666)
    told = refused(read, home)
    assert f"Other users of this machine may write {home / name}" in told.what
    assert told.next_step.startswith("Change what is named above, then run again.")


def test_one_in_a_folder_others_may_write_is_not_kept_and_is_to_be_saved_again(home: Path, kind: str):
    name, _, keep = FILES[kind]
    home.mkdir()
    home.chmod(0o777)
    told = refused(keep, home)
    assert f"may write into the folder {home}" in told.what
    assert told.next_step.startswith("Change what is named above, then save again.")
    assert not (home / name).exists()


@pytest.mark.parametrize("done", ["read", "written"])
def test_one_below_what_is_no_folder_is_named_with_its_trouble(tmp_path: Path, kind: str, done: str):
    name, read, keep = FILES[kind]
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    told = refused(read if done == "read" else keep, home)
    assert told.what.startswith(f"The {kind} file {home / name} can't be ")
    assert any(why in told.what for why in (": Not a directory.", ": File exists."))
