"""The ledger's jobs from a terminal: looked at, collected, cancelled, forgotten; the sandbox, and a price."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.ledger.journal import Entry, Journal
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event, State
from remote_video_pack.remote_video.ledger.record import OtherFile, kept_others
from remote_video_pack.remote_video.providers.client import connect
from remote_video_pack.remote_video.providers.status import JobState
from remote_video_pack.remote_video.settings import Settings

from ..ledger import rows
from ..written_jobs import accepted, begun, happened
from .terminal import COMMAND, PACK_FOLDER, Terminal

KEY, SAVED = "ab" * 32, "cd" * 32


@pytest.fixture
def offline(tmp_path: Path) -> Terminal:
    """No provider, no key."""
    return Terminal(tmp_path)


@pytest.fixture
def ledger(home: Path) -> Ledger:
    """A ledger with one job whose answer was lost, and a saved one."""
    ledger = Ledger(home)
    happened(ledger, begun(ledger, KEY), Event.LOST, error="no answer came back")
    lease = accepted(ledger, SAVED)
    ledger.record(lease, Event.SUCCEEDED, cost_usd=0.5)
    happened(ledger, lease, Event.STORED, path="clip.mp4")
    return ledger


def test_the_sandbox_says_how_to_point_the_pack_at_it_and_ends_with_ctrl_c(tmp_path, home, monkeypatch):
    (tmp_path / "more.json").write_text('{"models": [{"model_id": "acme/new"}]}', encoding="utf-8")
    command = [*COMMAND, "sandbox", "--folder", str(tmp_path / "jobs"), "--catalogue", str(tmp_path / "more.json")]
    new_group = subprocess.CREATE_NEW_PROCESS_GROUP if os.name == "nt" else 0
    sandbox = subprocess.Popen(
        command, cwd=PACK_FOLDER, stdout=subprocess.PIPE, text=True, encoding="utf-8", creationflags=new_group
    )
    try:
        assert sandbox.stdout is not None
        said = ""
        while "COMETAPI_KEY" not in said:
            line = sandbox.stdout.readline()
            assert line, f"it ended after saying {said!r}"
            said += line
        recipe = dict(re.findall(r"^  (\w+)=(\S+)$", said, re.MULTILINE))
        for name, value in recipe.items():
            monkeypatch.setenv(name, value)
        for provider, variable in (("runcomfy", "RUNCOMFY_API_TOKEN"), ("cometapi", "COMETAPI_KEY")):
            Accounts(home).save(provider, "a-key-that-pays")
            connection = connect(provider, Settings.from_environment(home))
            assert connection.account_key == recipe[variable]
            assert connection.client.status("no-such-job").state is JobState.NOT_FOUND
        assert connect("runcomfy", Settings.from_environment(home)).client.model_info("acme/new")
        sandbox.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)
        rest, _ = sandbox.communicate(timeout=30)
        if os.name != "nt":
            assert (sandbox.returncode, rest.rstrip().endswith(": 0")) == (0, True)
    finally:
        sandbox.kill()
        sandbox.wait()


@pytest.mark.parametrize("written", ["{", "5", '{"models": 5}', "[{}]", '["acme/new"]', None])
def test_a_file_that_lists_no_models_is_an_error(offline: Terminal, tmp_path, written):
    path = tmp_path / "more.json"
    if written is not None:
        path.write_text(written, encoding="utf-8")
    said = offline.call("sandbox", "--folder", str(tmp_path / "jobs"), "--catalogue", str(path))
    assert (said.returncode, "is not a list of models" in said.stderr) == (2, True)


def test_jobs_are_listed_newest_first(offline: Terminal, ledger: Ledger):
    shown = offline.run("jobs")
    lines = shown.stdout.splitlines()
    assert shown.returncode == 0, shown.stderr
    assert [line[:12] for line in lines[:2]] == [SAVED[:12], KEY[:12]]
    assert all(word in lines[0] for word in ("stored", "Veo 3", f"id-of-{SAVED}", "0.50 USD", "clip.mp4"))
    assert "uncertain" in lines[1]
    assert "no answer came back" in lines[1]
    assert lines[2] == "Jobs: 2"


def test_jobs_can_be_limited_and_chosen_by_state(offline: Terminal, ledger: Ledger):
    assert offline.call("jobs", "--limit", "1").stdout.splitlines()[-1] == "Jobs: 1"
    lines = offline.call("jobs", "--state", "uncertain", "--limit", "1").stdout.splitlines()
    assert [line[:12] for line in lines] == [KEY[:12], "Jobs: 1"]
    assert offline.call("jobs", "--state", "lost").returncode == 2


def test_jobs_say_who_asked_where_that_was_elsewhere(offline: Terminal, ledger: Ledger):
    happened(ledger, accepted(ledger, "12" * 32, asked_by="ann", host="farm-1"), Event.FAILED)
    here, there = ({"REMOTE_VIDEO_HOST": host} for host in ("farm-1", "a-laptop"))
    assert "ann@farm-1" not in offline.call("jobs", **here).stdout
    assert "  ann@farm-1  " in offline.call("jobs", **there).stdout.splitlines()[0]
    told = json.loads(offline.call("jobs", "--json", "--limit", "1", **here).stdout)
    assert (told["asked_by"], told["host"]) == ("ann", "farm-1")


def test_jobs_tells_the_ledger_what_the_journal_has(offline: Terminal, ledger: Ledger, home: Path):
    key, job = "12" * 32, replace(rows.JOB, request_digest="")
    lease = begun(ledger, key)
    began = ledger.get(key)
    ledger.release(lease)
    Journal(home).keep(Entry(key, lease.fence, Event.ACCEPTED, 7.0, began.created_at, job, 1, "an id"))
    shown = offline.call("jobs", "--limit", "1").stdout.splitlines()[0]
    assert "submitted" in shown and "an id" in shown
    assert Journal(home).entries() == []


def test_jobs_as_json_are_one_object_a_line(offline: Terminal, ledger: Ledger):
    told = [json.loads(line) for line in offline.call("jobs", "--json").stdout.splitlines()]
    assert [(job["key"], job["state"], job["cost_usd"]) for job in told] == [
        (SAVED, "stored", 0.5),
        (KEY, "uncertain", None),
    ]


def test_what_else_a_job_made_is_listed_with_it(offline: Terminal, ledger: Ledger):
    lease = ledger.acquire(SAVED, "an engine of the tests")
    files = [OtherFile(2, "clip-2.mp4", 7, "ab"), OtherFile(3, trouble="File 3 is gone: HTTP 404.", is_gone=True)]
    ledger.note(lease, others=kept_others(files))
    said = offline.run("jobs").stdout
    assert "The same job also made: clip-2.mp4" in said and "Not all that it made is here: File 3 is gone" in said
    told = json.loads(offline.run("jobs", "--json", "--state", "stored").stdout)
    assert [(other["number"], other["path"]) for other in told["others"]] == [(2, "clip-2.mp4"), (3, None)]


@pytest.mark.parametrize("key", [KEY, KEY[:12]])
def test_an_uncertain_job_can_be_forgotten_by_the_key_as_shown(offline: Terminal, ledger: Ledger, key: str):
    assert offline.call("forget", key).returncode == 0
    assert ledger.get(KEY) is None


@pytest.mark.parametrize(
    ("key", "code", "reason"),
    [(SAVED, 1, "stored"), ("ef" * 32, 2, "exactly one"), ("", 2, "exactly one"), ("ab", 2, "exactly one")],
)
def test_what_can_not_be_forgotten_stays_and_says_why(
    offline: Terminal, ledger: Ledger, key: str, code: int, reason: str
):
    said = offline.call("forget", key)
    assert (said.returncode, reason in said.stderr) == (code, True)
    assert len(ledger.recent()) == 2


def test_a_job_that_a_run_works_on_is_not_forgotten(offline: Terminal, ledger: Ledger):
    begun(ledger, "12" * 32)
    said = offline.call("forget", "12" * 32)
    assert (said.returncode, "A run works on it" in said.stderr) == (1, True)


def died_an_hour_ago(ledger: Ledger, key: str) -> None:
    """A job whose run died in its submission."""
    begun(ledger, key)
    with closing(sqlite3.connect(ledger.name)) as db, db:
        db.execute("UPDATE engines SET heard_at = heard_at - 3600")


def test_a_job_whose_run_died_in_its_submission_can_be_forgotten_once_that_is_certain(
    offline: Terminal, ledger: Ledger
):
    died_an_hour_ago(ledger, "12" * 32)
    said = offline.call("collect")
    assert said.returncode == 0
    assert ledger.get("12" * 32).state is State.UNCERTAIN
    assert offline.call("forget", "12" * 32).returncode == 0


def test_forget_waits_for_a_sign_of_life_of_a_run_that_may_have_died(offline: Terminal, ledger: Ledger):
    happened(ledger, begun(ledger, "12" * 32), Event.LOST)
    ledger.acquire("12" * 32, "a run that died")
    with closing(sqlite3.connect(ledger.name)) as db, db:
        db.execute("UPDATE engines SET heard_at = heard_at - 3600")
    assert offline.call("forget", "12" * 32).returncode == 0


def test_no_ledger_is_made_by_looking_for_one(offline: Terminal, tmp_path: Path):
    for command in (("jobs",), ("collect",), ("forget", KEY), ("cancel", KEY)):
        said = offline.call(*command, "--home", tmp_path / "elsewhere")
        assert (said.returncode, "no ledger" in said.stderr, "--home" in said.stderr) == (2, True, True)
    assert not (tmp_path / "elsewhere").exists()


def made(terminal: Terminal, *more: str) -> subprocess.Popen[str]:
    """A clip is being made, and its job accepted."""
    order = ("make", "Veo3I2V", "--prompt", "a sea", "--image", terminal.picture(), "-o", terminal.folder / "sea.mp4")
    process = terminal.start(*order, *more)
    terminal.wait_until(lambda: any(job.request_id for job in terminal.ledger.recent()), "an id")
    return process


def test_a_queued_job_is_cancelled_though_another_process_follows_it(queueing: Terminal):
    process = made(queueing)
    job = queueing.ledger.recent()[0]
    said = queueing.run("cancel", job.key[:12])
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, "cancelled" in stderr) == (1, True), stderr
    assert (said.returncode, "was cancelled at RunComfy" in said.stdout) == (0, True), said.stderr
    assert queueing.ledger.get(job.key).state.value == "cancelled"


def test_a_running_job_goes_on_and_says_so(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/status", "never-finishes")
    process = made(terminal)
    key = terminal.ledger.recent()[0].key
    said = terminal.run("cancel", key)
    assert (said.returncode, "already running" in said.stderr) == (1, True), said.stderr
    terminal.sandbox.faults.clear()
    assert process.communicate(timeout=60)[0] == f"{terminal.folder / 'sea.mp4'}\n"
    said = terminal.run("cancel", key)
    assert (said.returncode, "nothing to cancel" in said.stderr) == (1, True)


def test_with_nothing_to_collect_it_ends(terminal: Terminal, ledger: Ledger):
    said = terminal.call("collect")
    assert (said.returncode, "Nothing to collect" in said.stderr) == (0, True)


def test_collect_gives_up_in_time_and_goes_on_another_time(terminal: Terminal):
    terminal.sandbox.faults.set("runcomfy/status", "never-finishes")
    process = made(terminal)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    said = terminal.run("collect", "--for", "2", "--json")
    assert (said.returncode, json.loads(said.stdout)["state"]) == (1, "on its way")
    terminal.sandbox.faults.clear()
    told = json.loads(terminal.run("collect", "--json").stdout)
    assert (told["state"], told["path"]) == ("collected", str(terminal.folder / "sea.mp4"))
    assert terminal.posts == 1


def test_collect_leaves_other_accounts_alone(terminal: Terminal, ledger: Ledger):
    accepted(ledger, "34" * 32, account="another's")
    said = terminal.call("collect")
    assert (said.returncode, "left alone" in said.stderr) == (0, True), said.stderr


def test_the_price_of_a_node_is_what_the_provider_says(terminal: Terminal):
    said = terminal.call("price", "Veo3I2V")
    assert said.returncode == 0, said.stderr
    assert '"base_price_usd"' in said.stdout
    assert '"model_id": "google-deepmind/veo-3/image-to-video"' in said.stdout


def test_a_price_without_a_key_names_the_ways_on(offline: Terminal):
    said = offline.call("price", "Veo3I2V")
    assert said.returncode == 1
    assert "RUNCOMFY_API_TOKEN" in said.stderr


def test_a_model_nobody_knows_is_answered_with_those_there_are(offline: Terminal):
    said = offline.call("price", "Veo4")
    assert said.returncode == 2
    assert "Kling3I2V" in said.stderr


def test_an_unknown_command_is_answered_with_the_known_ones(offline: Terminal):
    said = offline.call("paint")
    assert said.returncode == 2
    assert "sandbox" in said.stderr


def test_a_sandbox_job_is_listed_as_not_paid_for(offline, home):
    ledger = Ledger(home)
    lease = accepted(ledger, KEY, base="sandbox")
    happened(ledger, lease, Event.SUCCEEDED, cost_usd=1.8)
    listed = offline.run("jobs").stdout
    assert "nothing was paid" in listed
    assert "1.80" not in listed
