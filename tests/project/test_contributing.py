"""The example in CONTRIBUTING is a model that works, and so is one with the other kinds of input that it names."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import torch
from comfy_api.latest import io
from remote_video_pack.nodes.clip_node import ClipNode
from remote_video_pack.remote_video.command_line.check import _requests, _small_mp4
from remote_video_pack.remote_video.models.fields import UNSET, Choice, Flag, Number, Text, Values, seed_field
from remote_video_pack.remote_video.models.media_fields import Footage, Picture
from remote_video_pack.remote_video.models.spec import ModelSpec

from ..models.field_of import needed

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


class AcmeEdit(ModelSpec):
    node_id = "AcmeEdit"
    name = "Acme Edit"
    provider = "runcomfy"
    model_id = "acme/edit"
    fields = (
        Footage("video", "video_url", "The video to change.", max_bytes=100_000_000),
        Text("prompt", "prompt", "What to change.", required=True),
        Picture("look", "look_url", "What it should look like.", required=False, fills_canvas=False),
        Choice("ratio", "aspect_ratio", "Shape of the clip.", choices=("16:9", "9:16")),
        Number("strength", "strength", "How much changes.", default=None),
        Flag("sound", "sound", "Keep the sound.", default=None),
        seed_field("seed"),
    )

    def clip_seconds(self, values: Values) -> float:
        return 5.0


def test_a_model_of_a_video_and_of_what_is_left_to_it_is_asked_and_checked(tmp_path: Path) -> None:
    spec = AcmeEdit()
    about = {"SPEC": spec, "TITLE": "Edit Video with Acme", "ABOUT": "Changes a video.", "ALIASES": ("acme",)}
    node = type("AcmeEditNode", (ClipNode, io.ComfyNode), about)  # a class statement would be taken for one that ships
    assert spec.request(needed(spec)).body.keys() == {"video_url", "prompt", "seed"}
    widgets = {one.id: one.default for one in node.define_schema().inputs if hasattr(one, "default")}
    assert (widgets["ratio"], widgets["strength"], widgets["sound"]) == (UNSET, -1, UNSET)
    posted = dict(widgets)
    node.read_posted(posted)
    assert posted == widgets, "ComfyUI takes only what a widget offers"
    _small_mp4(tmp_path)
    sent = [request.body for request in _requests(spec, tmp_path)]
    assert all({"video_url", "look_url"} <= body.keys() for body in sent)
    assert {body.get("aspect_ratio") for body in sent} == {None, "16:9", "9:16"}
