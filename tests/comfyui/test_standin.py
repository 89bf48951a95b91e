"""The stand-in the other tests use, held against the real ComfyUI: name by name, signature by signature."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STANDIN_FOLDER = Path(__file__).resolve().parents[1] / "comfy_standin"
DESCRIBE = Path(__file__).with_name("describe_api.py")


def described(python: str, folder: Path | str) -> dict[str, dict]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run([python, DESCRIBE, folder], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def standin() -> dict[str, dict]:
    return described(sys.executable, STANDIN_FOLDER)


@pytest.fixture(scope="module")
def real() -> dict[str, dict]:
    return described(os.environ.get("COMFYUI_PYTHON", sys.executable), os.environ["COMFYUI_PATH"])


def test_every_name_of_the_standin_is_there_and_of_its_kind(standin, real):
    for name, ours in standin.items():
        assert real[name] is not None, f"ComfyUI has no {name}"
        assert real[name]["kind"] == ours["kind"], name


def test_every_signature_of_the_standin_is_one_the_real_name_takes(standin, real):
    for name, ours in standin.items():
        theirs = real[name]["parameters"]
        if theirs is None or ours["parameters"] is None:
            continue
        known = [parameter for parameter in theirs if parameter in ours["parameters"]]
        assert known == list(ours["parameters"]), f"{name}: names and their order"
        for parameter, default in ours["parameters"].items():
            assert theirs[parameter] == default, f"{name}({parameter}=...)"


def test_every_required_parameter_of_the_real_name_is_in_the_standin(standin, real):
    for name, ours in standin.items():
        required = [p for p, default in (real[name]["parameters"] or {}).items() if default == "required"]
        assert set(required) <= set(ours["parameters"] or required), name


def test_types_carry_the_same_words_on_the_wire(standin, real):
    for name, ours in standin.items():
        assert real[name]["words"] == ours["words"], name
