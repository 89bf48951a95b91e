"""`python -m remote_video`, run as a person runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from remote_video_pack.remote_video.jobs.ledger import Ledger
from remote_video_pack.remote_video.jobs.lifecycle import Event
from remote_video_pack.remote_video.jobs.record import NewJob
from remote_video_pack.remote_video.sandbox import Sandbox

PACK_FOLDER = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "remote_video"]
KEY = "ab" * 32


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=PACK_FOLDER,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def ledger(home) -> Ledger:
    """A ledger with one job whose answer was lost, and a saved one."""
    ledger = Ledger(home)
    job = NewJob("RunComfy", "https://model-api.runcomfy.net", "a/b", "Veo 3", 1)
    ledger.begin(KEY, job)
    ledger.record(KEY, Event.LOST, error="no answer came back")
    saved = "cd" * 32
    ledger.begin(saved, job)
    ledger.record(saved, Event.ACCEPTED, request_id="r-7")
    ledger.record(saved, Event.SUCCEEDED, cost_usd=0.5)
    ledger.record(saved, Event.STORED, path="clip.mp4")
    return ledger


def test_the_sandbox_says_how_to_point_the_pack_at_it_and_ends_with_ctrl_c(tmp_path):
    command = [*COMMAND, "sandbox", "--folder", str(tmp_path / "jobs")]
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
        addresses = dict(re.findall(r"(\w+_BASE_URL)=(\S+)", said))
        key = {"Authorization": "Bearer anything"}
        model = addresses["RUNCOMFY_API_BASE_URL"] + "/v1/models/google-deepmind/veo-3/image-to-video"
        assert requests.get(model, headers=key, timeout=10).json()["model_id"].endswith("veo-3/image-to-video")
        assert requests.get(addresses["COMETAPI_BASE_URL"] + "/models", headers=key, timeout=10).ok
        sandbox.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)
        rest, _ = sandbox.communicate(timeout=30)
        if os.name != "nt":
            assert (sandbox.returncode, rest.rstrip().endswith(": 0")) == (0, True)
    finally:
        sandbox.kill()
        sandbox.wait()


def test_jobs_are_listed_newest_first(ledger):
    shown = run("jobs")
    lines = shown.stdout.splitlines()
    assert shown.returncode == 0, shown.stderr
    assert [line[:12] for line in lines[:2]] == ["cd" * 6, "ab" * 6]
    assert all(word in lines[0] for word in ("stored", "Veo 3", "r-7", "0.50 USD", "clip.mp4"))
    assert "uncertain" in lines[1]
    assert "no answer came back" in lines[1]
    assert lines[2] == "Jobs: 2"


def test_jobs_can_be_limited(ledger):
    assert run("jobs", "--limit", "1").stdout.splitlines()[-1] == "Jobs: 1"


@pytest.mark.parametrize("key", [KEY, KEY[:12]])
def test_an_uncertain_job_can_be_forgotten_by_the_key_as_shown(ledger, key):
    assert run("forget", key).returncode == 0
    assert ledger.get(KEY) is None


@pytest.mark.parametrize(
    ("key", "reason"), [("cd" * 32, "stored"), ("ef" * 32, "not exactly one"), ("", "exactly one")]
)
def test_what_can_not_be_forgotten_stays_and_says_why(ledger, key, reason):
    said = run("forget", key)
    assert (said.returncode, reason in said.stderr) == (1, True)
    assert len(ledger.recent()) == 2


def test_no_ledger_is_made_by_looking_for_one(home, tmp_path):
    said = run("jobs", "--home", str(tmp_path / "elsewhere"))
    assert said.returncode == 1
    assert "no ledger" in said.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_folder_it_asks_for_one():
    said = run("jobs", REMOTE_VIDEO_HOME="")
    assert (said.returncode, "--home" in said.stderr) == (1, True)


def test_the_price_of_a_node_is_what_the_provider_says(tmp_path):
    with Sandbox(tmp_path / "sandbox") as sandbox:
        said = run("price", "Veo3I2V", RUNCOMFY_API_BASE_URL=sandbox.runcomfy_base_url, RUNCOMFY_API_TOKEN="a-key")
    assert said.returncode == 0, said.stderr
    assert '"base_price_usd"' in said.stdout
    assert '"model_id": "google-deepmind/veo-3/image-to-video"' in said.stdout


def test_a_price_without_a_key_names_the_ways_on():
    said = run("price", "Veo3I2V")
    assert said.returncode == 1
    assert "RUNCOMFY_API_TOKEN" in said.stderr


def test_a_model_nobody_knows_is_answered_with_those_there_are():
    said = run("price", "Veo4")
    assert said.returncode == 1
    assert "Kling3I2V" in said.stderr


def test_an_unknown_command_is_answered_with_the_known_ones():
    said = run("paint")
    assert said.returncode == 2
    assert "sandbox" in said.stderr
