"""The example in CONTRIBUTING is a model that works."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
SPEC, NODE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def load(code: str, package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that the code would be in the package."""
    file, name = folder / f"{package}.py", f"{package}.acme_motion"
    file.write_text(code, encoding="utf-8")
    spec = spec_from_file_location(name, file)
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_the_example_of_a_model_checks_its_inputs_and_makes_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load(SPEC, "remote_video_pack.remote_video.models", tmp_path, monkeypatch).ACME_MOTION
    request = spec.request({"image": torch.rand(1, 8, 8, 3), "prompt": "a wave", "fit": "crop"})
    assert request.body.keys() == {"image_url", "prompt", "duration"}
    assert (request.body["image_url"].shape, request.seconds) == ((720, 1280, 3), 5)
    node = load(NODE, "remote_video_pack.nodes", tmp_path, monkeypatch).AcmeMotion
    assert [one.id for one in node.define_schema().inputs][:4] == ["image", "prompt", "duration", "seed"]
    assert "500" in node.validate_inputs(prompt="a" * 501)
    assert node.validate_inputs(prompt="a wave") is True
