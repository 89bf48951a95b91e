"""The example in CONTRIBUTING is a model that works."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
from remote_video_pack.remote_video import models

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
SPEC, NODE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def load(code: str, package: str, folder: Path) -> ModuleType:
    """The module that the code would be in the package."""
    file = folder / f"{package}.py"
    file.write_text(code, encoding="utf-8")
    spec = spec_from_file_location(f"{package}.acme_motion", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_of_a_model_checks_its_inputs_and_makes_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load(SPEC, "remote_video_pack.remote_video.models", tmp_path).ACME_MOTION
    request = spec.request({"image": torch.rand(1, 8, 8, 3), "prompt": "a wave", "fit": "crop"})
    assert request.body.keys() == {"image_url", "prompt", "duration"}
    assert (request.body["image_url"].shape, request.seconds) == ((720, 1280, 3), 5)
    monkeypatch.setattr(models, "ACME_MOTION", spec, raising=False)
    schema = load(NODE, "remote_video_pack.nodes", tmp_path).AcmeMotion.define_schema()
    assert [one.id for one in schema.inputs][:4] == ["image", "prompt", "duration", "seed"]
