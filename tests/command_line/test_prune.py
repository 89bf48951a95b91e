"""`prune` says what it drops, what it would drop, and what that costs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.record import OtherFile, kept_others

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
    assert "paid for again" not in said.stdout + said.stderr
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
    assert "run again, are submitted and paid for again" in done.stderr
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


# -- with a clip store: a clip that it lacks may be the only copy ------------------------------------------------------

PRUNES = ("prune", "--older-than", "90d", "--stored")


def in_the_store(nas: Path, digest: str, size: int) -> None:
    (nas / digest[:2]).mkdir(parents=True, exist_ok=True)
    (nas / digest[:2] / digest).write_bytes(bytes(size))


@pytest.fixture
def nas(tmp_path) -> Path:
    folder = tmp_path / "nas"
    folder.mkdir()
    return folder


@pytest.fixture
def clip(home, tmp_path) -> Callable[..., str]:
    """Makes the job of a clip saved 100 days ago, with what the ledger says of its files; its key."""

    def clip(number: int, **facts: object) -> str:
        ledger, key = Ledger(home), rows.key_of(number)
        lease = rows.job_in(ledger, State.STORED, key, replace(rows.JOB, request_digest=key))
        ledger.note(lease, **{"sha256": f"{number:x}" * 64, "bytes": 70, **facts})
        ledger.release(lease)
        rows.sql(Path(ledger.name), "UPDATE jobs SET created_at = ? WHERE key = ?", time.time() - AGE_S, key)
        return key

    return clip


def test_a_clip_that_the_store_lacks_is_spared_and_that_is_said(offline, home, nas, clip):
    others = kept_others([OtherFile(1, "video/clip-1.png", 9, "f" * 64)])
    there = clip(1, shared_in=nas.as_uri())
    stay = {
        clip(2),
        clip(3, shared_in=nas.as_uri()),
        clip(4, shared_in=nas.as_uri()),
        clip(5, shared_in=nas.as_uri(), others=others),
        clip(6, shared_in=nas.as_uri(), sha256=None),
    }
    for number in (1, 2, 5):  # never said to be there; gone; of another size; what came with it is not there
        in_the_store(nas, f"{number}" * 64, 70)
    in_the_store(nas, "4" * 64, 69)
    with_store = {"REMOTE_VIDEO_CLIPS_URL": nas.as_uri()}
    look = offline.call(*PRUNES, "--dry-run", **with_store)
    assert (look.returncode, counted(look.stdout)["stored"]) == (0, 1)
    assert left(home) == {there} | stay
    done = offline.call(*PRUNES, **with_store)
    assert (done.returncode, counted(done.stdout)["stored"], left(home)) == (0, 1, stay)
    for said in (look, done):
        assert f"Spared: 5 of saved clips that are not in the clip store {nas.as_uri()} (it lacks them)" in said.stderr


def test_where_the_store_can_t_be_asked_every_clip_is_spared(offline, home, nas, clip):
    keys = {clip(number, shared_in=nas.as_uri()) for number in (1, 2)}
    nas.rmdir()
    said = offline.call(*PRUNES, REMOTE_VIDEO_CLIPS_URL=nas.as_uri())
    assert (said.returncode, counted(said.stdout)["stored"], left(home)) == (1, 0, keys)
    assert "Spared: 2 " in said.stderr and "it can't be asked: the folder is not there" in said.stderr


def test_a_store_that_can_t_be_is_an_error_before_anything_is_dropped(offline, home, clip):
    key = clip(1, shared_in="file:///nas")
    said = offline.call(*PRUNES, REMOTE_VIDEO_CLIPS_URL="ftp://nas")
    assert (said.returncode, left(home)) == (2, {key})
    assert "REMOTE_VIDEO_CLIPS_URL" in said.stderr
