"""The examples by comfy-cli, which others wrote: it makes prompts of saved workflows from what /object_info says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .comfy_server import failure
from .prompts import EXAMPLES, prompt_of

ASKS_NOBODY_ELSE = {"DO_NOT_TRACK": "1", "COMFY_NO_UPDATE_CHECK": "1", "COMFY_CLI_NO_REMOTE_REFRESH": "1"}


@pytest.fixture(scope="module")
def comfy_run(comfy, tmp_path_factory) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Let comfy-cli run a saved workflow on the server, from a home of its own."""
    program = os.environ.get("COMFY_CLI_PATH") or shutil.which("comfy")
    if not program:
        pytest.skip("these tests need comfy-cli: install it, or say where its `comfy` is in COMFY_CLI_PATH")
    home = str(tmp_path_factory.mktemp("comfy-cli"))
    environment = {**os.environ, **ASKS_NOBODY_ELSE, "HOME": home, "COMFY_LOCAL_URL": comfy.address}

    def run(workflow: Path) -> subprocess.CompletedProcess[str]:
        command = [program, "--skip-prompt", "--where", "local", "run", "--workflow", str(workflow), "--wait"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=240)

    return run


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_comfy_cli_runs_each_example_as_the_browser_does(comfy, comfy_run, example):
    before = comfy.get("/history").keys()
    said = comfy_run(example)
    outcomes = [outcome for name, outcome in comfy.get("/history").items() if name not in before]
    assert said.returncode == 0, said.stdout + said.stderr + "".join(map(failure, outcomes))
    (outcome,) = outcomes
    assert outcome["status"]["status_str"] == "success"
    asked = outcome["prompt"][2]
    for name, one in prompt_of(example, comfy.get("/object_info")).items():
        assert asked[name]["class_type"] == one["class_type"]
        inputs = asked[name]["inputs"]
        assert {**inputs, **one["inputs"]} == inputs, "as saved; what is newer than the example has its default"
