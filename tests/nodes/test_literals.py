"""Literal values of a prompt as scripts write them: understood or refused, never turned round by ComfyUI's casts."""

from __future__ import annotations

import json

import pytest
from remote_video_pack.nodes import NODES, RemoteVideoExtension
from remote_video_pack.nodes.literals import literals_of, read_literals
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number
from remote_video_pack.remote_video.models.groups import Json
from server import PromptServer

from .comfy import picture

Kling3I2V = NODES[2]
CASTS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
SHOTS = {"multi_shot.shot_1_prompt": "one", "multi_shot.shot_2_prompt": "two"}


async def posted(comfy, class_type: str, **inputs):
    """The node's inputs after all that hears of a prompt before ComfyUI looks at it."""
    await RemoteVideoExtension().get_node_list()
    body = {"prompt": {"1": {"class_type": class_type, "inputs": inputs}}, "client_id": "a page"}
    for handler in PromptServer.instance.on_prompt_handlers:
        body = handler(body)
    return body["prompt"]["1"]["inputs"]


@pytest.mark.parametrize(
    ("class_type", "name", "kind", "given", "meant"),
    [
        ("Veo3I2V", "generate_audio", "BOOLEAN", "false", False),
        ("Veo3I2V", "generate_audio", "BOOLEAN", " True ", True),
        ("Veo3I2V", "generate_audio", "BOOLEAN", {"__value__": "false"}, False),
        ("CometVeo", "wait", "BOOLEAN", "FALSE", False),
        ("Kling3I2V", "duration", "INT", "5", 5),
        ("Kling3I2V", "duration", "INT", "5.0", 5),
        ("Kling3I2V", "multi_shot.shot_2_duration", "INT", 4.0, 4),
        ("Kling3I2V", "cfg_scale", "FLOAT", "0.25", 0.25),
        ("RunwayGen3Turbo", "duration", "COMBO", "10", 10),
        ("RunwayGen3Turbo", "seed", "INT", 2**63 + 1, 2**63 + 1),
        ("Veo3I2V", "max_frames", "INT", "12", 12),
        ("Veo3I2V", "prompt", "STRING", None, ""),
        ("Kling3I2V", "multi_shot.shot_1_prompt", "STRING", None, ""),
        ("Veo3I2V", "prompt", "STRING", 7, "7"),
    ],
)
async def test_a_value_of_another_type_is_what_it_means(comfy, class_type, name, kind, given, meant):
    found = CASTS.get(kind, lambda value: value)((await posted(comfy, class_type, **{name: given}))[name])
    assert (found, type(found)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("class_type", "name", "kind", "given", "words"),
    [
        ("Veo3I2V", "generate_audio", "BOOLEAN", "no sound", "on or off"),
        ("Veo3I2V", "generate_audio", "BOOLEAN", 3, "on or off"),
        ("Veo3I2V", "wait", "BOOLEAN", None, "on or off"),
        ("Kling3I2V", "duration", "INT", 5.7, "whole number from 3 to 15"),
        ("Kling3I2V", "duration", "INT", True, "whole number from 3 to 15"),
        ("Kling3I2V", "multi_shot.shot_1_duration", "INT", 3.5, "whole number from 3 to 15"),
        ("Kling3I2V", "cfg_scale", "FLOAT", False, "a number from 0 to 1"),
    ],
)
async def test_what_means_nothing_fails_comfyuis_cast_with_the_reason(comfy, class_type, name, kind, given, words):
    found = (await posted(comfy, class_type, **{name: given}))[name]
    with pytest.raises(ValueError, match=words):
        CASTS[kind](found)
    assert str(given) in json.dumps({"received_value": found})


@pytest.mark.parametrize(
    ("field", "given", "shown"),
    [
        (Choice("a", "a", "", choices=("x",)), "model default", "model default"),
        (Choice("a", "a", "", choices=("x",)), None, "model default"),
        (Flag("a", "a", "", default=None), "model default", "model default"),
        (Flag("a", "a", "", default=None), None, "model default"),
        (Flag("a", "a", "", default=None), "true", True),
        (Number("a", "a", "", default=None, whole=True), "-1", -1),
        (Number("a", "a", "", default=None, minimum=0.5), None, -0.5),
        (Number("a", "a", "", default=None), 0.5, 0.5),
    ],
)
def test_what_is_left_to_the_model_is_what_its_widget_shows(field, given, shown):
    """ComfyUI takes only what the widget offers."""
    inputs = {"a": given}
    read_literals(inputs, literals_of([field]))
    assert inputs == {"a": shown}


@pytest.mark.parametrize("value", [["4", 0], "text", {"a": 1}])
async def test_wires_and_other_nodes_are_left_alone(comfy, value):
    assert await posted(comfy, "KSampler", wait=value, duration=value) == {"wait": value, "duration": value}
    assert (await posted(comfy, "Veo3I2V", generate_audio=["4", 0]))["generate_audio"] == ["4", 0]


@pytest.mark.parametrize(
    "body", [None, [], {}, {"prompt": None}, {"prompt": {"1": None}}, {"prompt": {"1": {"class_type": ["x"]}}}]
)
async def test_what_is_no_prompt_goes_on_to_comfyui_as_it_came(comfy, body):
    await RemoteVideoExtension().get_node_list()
    for handler in PromptServer.instance.on_prompt_handlers:
        assert handler(body) is body


# -- an option that the node doesn't know: ComfyUI drops it with all below it ------------------------------------------


@pytest.mark.parametrize("choice", ["99 shots", "on", "", 7, False])
async def test_an_unknown_choice_is_refused_when_it_is_queued_and_when_it_runs(comfy, sandbox, choice):
    assert repr(choice) in Kling3I2V.validate_inputs(prompt="a cat", multi_shot=choice)
    with pytest.raises(InputRefused, match="2 shots"):
        await comfy.run(Kling3I2V, image=picture(), prompt="a cat", multi_shot=choice, **SHOTS)
    assert sandbox.accepted_posts == 0


async def test_shots_without_the_choice_are_refused(comfy, sandbox):
    with pytest.raises(InputRefused, match="`multi_shot` is missing"):
        await comfy.run(Kling3I2V, image=picture(), prompt="a cat", **SHOTS)
    assert sandbox.accepted_posts == 0


async def test_a_choice_that_comes_by_wire_keeps_its_shots(comfy, sandbox):
    await comfy.run(Kling3I2V, image=picture(), prompt="a cat", multi_shot="2 shots", **SHOTS)
    (job,) = sandbox.jobs
    assert [shot["prompt"] for shot in job.inputs["multi_prompt"]] == ["one", "two"]


async def test_an_element_beyond_the_sockets_is_refused(comfy, sandbox):
    with pytest.raises(InputRefused, match="4 elements"):
        extra = {f"elements.element_{number}": object() for number in range(4)}
        await comfy.run(Kling3I2V, image=picture(), prompt="a cat", **extra)
    assert sandbox.accepted_posts == 0


async def test_an_input_the_node_does_not_have_is_refused_and_not_lost(comfy, sandbox):
    with pytest.raises(InputRefused, match="`something_new`"):
        await comfy.run(Kling3I2V, image=picture(), prompt="a cat", something_new=1)
    assert sandbox.accepted_posts == 0


async def test_what_a_frontend_adds_of_its_own_is_not_in_the_way(comfy, sandbox):
    own = {"$$node-text-preview": "running", "control_after_generate": "fixed"}
    await comfy.run(Kling3I2V, image=picture(), prompt="a cat", **own)
    assert sandbox.accepted_posts == 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        ("[1]", "[1]"),
        ([1], "[1]"),
        ({"a": 1}, '{"a": 1}'),
        ({"__value__": [1]}, "[1]"),
        (["7", 0], ["7", 0]),
    ],
)
def test_what_no_widget_can_hold_is_text_and_a_wire_stays_one(given, meant):
    inputs = {"model.list": given, "other": [1]}
    read_literals(inputs, literals_of([Json("list", "list", "")], "model."))
    assert inputs == {"model.list": meant, "other": [1]}
