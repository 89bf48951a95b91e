"""What earlier releases left behind opens in this one: ledger, clips, keys, settings, budget, saved workflows."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.nodes import NODES
from remote_video_pack.remote_video.__main__ import main
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.budget import NO_BUDGET, Budget, Budgets
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.sqlite_file import FILE_NAME
from remote_video_pack.remote_video.saved_settings import Saved, SavedSettings
from remote_video_pack.remote_video.version import version

from ..nodes.comfy import Comfy
from .write import HOME_FILES, MACHINE, RELEASES, paid_key, requested

NODE_KINDS = {node.__name__: node for node in NODES}
WIDGETS = ("INT", "FLOAT", "STRING", "COMBO", "BOOLEAN")
VERSIONS = sorted(folder.parent for folder in RELEASES.glob("*/release.json"))
WORKFLOWS = [workflow for folder in VERSIONS for workflow in sorted((folder / "workflows").glob("*.json"))]


class Release:
    """One release's files, as they lie on its user's disk."""

    def __init__(self, folder: Path, home: Path, output: Path) -> None:
        self.home, self.output = home, output
        self.told: dict[str, Any] = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        home.mkdir()
        output.mkdir()
        for name in HOME_FILES:
            shutil.copyfile(folder / name, home / name)
            (home / name).chmod(0o600)
        for name in ("clip.mp4", "photo.png"):
            shutil.copyfile(folder / name, output / name)
        text = (folder / "ledger.sql").read_text(encoding="utf-8").replace("{output}", str(output.resolve()))
        with closing(sqlite3.connect(home / FILE_NAME)) as db:
            db.executescript(f"PRAGMA journal_mode = WAL; {text}")


@pytest.fixture(params=VERSIONS, ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    for name, value in MACHINE.items():
        monkeypatch.setenv(name, value)
    return Release(request.param, home, tmp_path / "output")


def test_there_are_files_of_this_version() -> None:
    """Written by `python tests/releases`, before its tag."""
    assert version() in {folder.name for folder in VERSIONS}


def test_jobs_that_were_paid_for_keep_their_keys_and_are_still_under_way(release: Release) -> None:
    ledger = Ledger(release.home)
    for job in release.told["paid"]:
        assert (
            paid_key(ledger, requested(job["model"], job["inputs"], release.output), release.told["keys"]) == job["key"]
        )
        record = ledger.get(job["key"])
        assert record is not None
        assert (record.state, record.request_id) == (State.SUBMITTED, job["request_id"])


def test_a_clip_that_was_made_is_found_and_not_made_again(
    release: Release, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(release.output)
    made = release.told["made"]
    given = [f"--set={name}={value}" for name, value in made["inputs"].items()]
    assert main(["make", made["model"], "--sandbox", f"--home={release.home}", *given]) == 0
    said = capfd.readouterr()
    assert "had before" in said.err
    assert said.out.splitlines()[-1] == str(release.output / "clip.mp4")


def test_the_keys_that_were_saved_are_used(release: Release) -> None:
    accounts = Accounts(release.home, {})
    for provider, key in release.told["keys"].items():
        account = accounts.require(provider)
        assert (account.key, account.source) == (key, "saved")


def test_settings_and_budget_hold(release: Release) -> None:
    assert SavedSettings(release.home).read() == Saved(**release.told["settings"])
    assert Budgets(release.home, NO_BUDGET).find() == Budget(**release.told["budget"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: f"{file.parents[1].name} {file.stem}")
def test_a_saved_workflow_means_what_it_meant(file: Path, tmp_path: Path) -> None:
    Comfy(tmp_path)
    saved = json.loads(file.read_text(encoding="utf-8"))
    ours = [node for node in saved["nodes"] if node["properties"].get("cnr_id") == "remote-video"]
    assert ours
    for node in ours:
        schema = NODE_KINDS[node["type"]].define_schema()
        was, now = dict(_as_saved(node)), dict(_as_read(schema.inputs, iter(node.get("widgets_values") or ())))
        assert {name: now.get(name) for name in was} == was, node["type"]
        sockets = {entry["name"].partition(".")[0] for entry in node["inputs"] if "widget" not in entry}
        assert sockets <= {entry.id for entry in schema.inputs}
        outputs = [(output["name"], output["type"]) for output in node["outputs"]]
        assert [(output.id, output.io_type) for output in schema.outputs][: len(outputs)] == outputs


def _as_saved(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each widget's value by its name, as the release that saved them named them."""
    values = iter(node.get("widgets_values") or ())
    for entry in node["inputs"]:
        if "widget" in entry:
            yield entry["name"], next(values)
            if entry["name"] == "seed":
                next(values)


def _as_read(inputs: list[Any], values: Iterator[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Each widget's value by the place that it has today: the page reads them one after another."""
    for entry in inputs:
        name = before + entry.id
        options = getattr(entry, "options", None) or ()
        if entry.io_type not in WIDGETS and not hasattr(options[:1] and options[0], "inputs"):
            continue
        try:
            value = next(values)
        except StopIteration:
            return
        yield name, value
        if getattr(entry, "control_after_generate", None):
            next(values)
        chosen = [option.inputs for option in options if getattr(option, "key", None) == value]
        for more in chosen:
            yield from _as_read(more, values, f"{name}.")
