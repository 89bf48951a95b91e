"""`prune` says what it drops, what it would drop, and what that costs."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from ..ledger import rows
from .terminal import Terminal

AGE_S = 100 * 86400.0


@pytest.fixture
def offline(tmp_path: Path) -> Terminal:
    """No provider, no key."""
    return Terminal(tmp_path)


@pytest.fixture
def keys(home) -> dict[State, str]:
    """A job of each state, begun 100 days ago."""
    ledger, keys = Ledger(home), {state: rows.key_of(number) for number, state in enumerate(State)}
    for state, key in keys.items():
        ledger.release(rows.job_in(ledger, state, key))
    rows.sql(Path(ledger.name), "UPDATE jobs SET created_at = ?", time.time() - AGE_S)
    return keys


def left(home: Path) -> set[str]:
    return {job.key for job in Ledger(home).recent()}


def counted(stdout: str) -> dict[str, int]:
    return {state: int(jobs) for state, jobs in re.findall(r"^(\w+) +(\d+)$", stdout, re.MULTILINE)}


def test_what_ended_without_a_clip_is_dropped_and_counted_by_state(offline, home, keys):
    said = offline.call("prune", "--older-than", "90d")
    assert (said.returncode, counted(said.stdout)) == (0, {"failed": 1, "cancelled": 1, "refused": 1})
    assert "Dropped: 3." in said.stdout
    assert "paid again" not in said.stdout + said.stderr
    assert left(home) == set(keys.values()) - {keys[state] for state in (State.FAILED, State.CANCELLED, State.REFUSED)}


def test_saved_clips_are_dropped_only_when_asked_for_and_what_that_costs_is_said(offline, home, keys):
    look = offline.call("prune", "--older-than", "14w", "--stored", "--dry-run")
    assert "Would be dropped: 4." in look.stdout
    assert left(home) == set(keys.values())
    done = offline.call("prune", "--older-than", "2399h", "--stored")
    assert (
        counted(done.stdout) == counted(look.stdout) == dict.fromkeys(("failed", "cancelled", "refused", "stored"), 1)
    )
    assert look.stderr == done.stderr
    assert "run again, are submitted and paid again" in done.stderr
    assert keys[State.STORED] not in left(home)


def test_what_is_younger_stays(offline, home, keys):
    said = offline.call("prune", "--older-than", "15w", "--stored")
    assert "Dropped: 0." in said.stdout
    assert left(home) == set(keys.values())


def test_the_figures_as_json(offline, keys):
    said = offline.call("prune", "--older-than", "90d", "--dry-run", "--json")
    told = [json.loads(line) for line in said.stdout.splitlines()]
    states = ("failed", "cancelled", "refused")
    assert told == [{"state": state, "jobs": 1, "dry_run": True} for state in states]


@pytest.mark.parametrize("age", ["", "5", "d", "90 days", "0d", "-1d", "nand", "infw", "90x"])
def test_what_is_no_age_is_an_error_and_drops_nothing(offline, home, keys, age):
    said = offline.call("prune", f"--older-than={age}", "--stored")
    assert (said.returncode, "write it as 36h, 90d or 8w" in said.stderr) == (2, True)
    assert left(home) == set(keys.values())


def test_an_age_must_be_given(offline, home, keys):
    assert offline.call("prune").returncode == 2
    assert left(home) == set(keys.values())


def test_without_a_ledger_none_is_made(offline, home):
    said = offline.call("prune", "--older-than", "90d")
    assert (said.returncode, "There is no ledger" in said.stderr, home.exists()) == (2, True, False)


def test_a_clip_whose_job_was_dropped_is_paid_again_and_its_file_stays(terminal, home):
    make = (
        "make",
        "Veo3I2V",
        "--prompt",
        "The flag moves.",
        "--image",
        terminal.picture(),
        "-o",
        terminal.folder / "a.mp4",
    )
    assert terminal.call(*make).returncode == 0
    rows.sql(Path(Ledger(home).name), "UPDATE jobs SET created_at = ?", time.time() - AGE_S)
    assert terminal.call("prune", "--older-than", "90d").returncode == 0
    assert (terminal.call(*make).returncode, terminal.posts) == (0, 1)
    clip = (terminal.folder / "a.mp4").read_bytes()
    assert "Dropped: 1." in terminal.call("prune", "--older-than", "90d", "--stored").stdout
    assert (terminal.folder / "a.mp4").read_bytes() == clip
    assert (terminal.call(*make).returncode, terminal.posts) == (0, 2)
