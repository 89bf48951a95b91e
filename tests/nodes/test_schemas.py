"""Ids, input names, order and outputs: saved workflows hold them for ever."""

from __future__ import annotations

import json
import re
from inspect import getfullargspec
from pathlib import Path

import pytest
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.clip_node import ClipNode
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.catalogue.model import in_place_of
from remote_video_pack.remote_video.models import MODELS
from remote_video_pack.remote_video.models.fields import UNSET, Choice, Number, Seed
from remote_video_pack.remote_video.models.groups import Repeated
from remote_video_pack.remote_video.models.runcomfy_limits import MAX_VIDEO_BYTES

COMMON = ["seed", "filename_prefix", "fit", "frames", "max_frames", "wait"]
INPUTS = {
    "Veo3I2V": ["image*", "prompt*", "generate_audio"],
    "RunwayGen3Turbo": ["image*", "prompt*", "ratio", "duration"],
    "Kling3I2V": [
        "image*",
        "prompt*",
        "negative_prompt",
        "duration",
        "generate_audio",
        "cfg_scale",
        "shot_type",
        "multi_shot",
        "elements",
    ],
    "Dreamina3Pro": ["image*", "prompt*", "num_frames"],
    "CometVeo": ["prompt*", "image", "last_image", "model", "size"],
}
OUTPUTS = [
    ("frames", "IMAGE"),
    ("video_path", "STRING"),
    ("video", "VIDEO"),
    ("audio", "AUDIO"),
    ("last_frame", "IMAGE"),
    ("fps", "FLOAT"),
    ("request_id", "STRING"),
]
MENU = [
    "Veo3I2V",
    "RunwayGen3Turbo",
    "Kling3I2V",
    "Kling3Element",
    "Dreamina3Pro",
    "CometVeo",
    "RunComfyVideo",
    "JoinClips",
]
KINDS = {node.__name__: node for node in NODES}
RUNCOMFY_VIDEO, JOIN_CLIPS = KINDS["RunComfyVideo"], KINDS["JoinClips"]
OF_ONE_MODEL = [node for node in NODES if issubclass(node, ClipNode)]
FIXED = [*OF_ONE_MODEL, KINDS["Kling3Element"]]
SCHEMAS = {node.define_schema().node_id: node.define_schema() for node in FIXED}
PACK_FOLDER = Path(__file__).resolve().parents[2]
PAGE = (PACK_FOLDER / "docs" / "nodes.md").read_text(encoding="utf-8")


def help_page(node_id: str) -> str:
    file = PACK_FOLDER / "web" / "docs" / f"{node_id}.md"
    assert file.is_file(), f"write {file.relative_to(PACK_FOLDER).as_posix()}, the help page of the node"
    return file.read_text(encoding="utf-8")


def starred(schema) -> list[str]:
    return [entry.id + ("" if entry.optional else "*") for entry in schema.inputs]


def test_the_menu_lists_the_nodes_in_order_and_new_ones_last():
    assert list(KINDS)[: len(MENU)] == MENU
    assert RUNCOMFY_VIDEO.SPEC.node_id == "RunComfyVideo"
    assert {node.define_schema().category for node in [*FIXED, JOIN_CLIPS]} == {"Remote Video"}
    assert JOIN_CLIPS.define_schema().display_name == "Join Clips"


SOUGHT_AS = {
    "Veo3I2V": {"veo", "veo3", "google veo", "runcomfy"},
    "RunwayGen3Turbo": {"runway", "gen3", "gen-3", "runcomfy"},
    "Kling3I2V": {"kling", "kling 3", "multi shot", "\u53ef\u7075", "runcomfy"},
    "Kling3Element": {"kling element", "character", "reference", "subject", "remote video"},
    "Dreamina3Pro": {"dreamina", "seedance", "bytedance", "\u5373\u68a6", "runcomfy"},
    "CometVeo": {"comet", "cometapi", "veo", "text to video", "first last frame"},
}


@pytest.mark.parametrize("node_id", SOUGHT_AS)
def test_a_node_is_found_by_what_people_call_it(node_id):
    assert SOUGHT_AS[node_id] <= set(SCHEMAS[node_id].search_aliases)


LOOKED_AT = {
    "Veo3I2V": ["prompt"],
    "RunwayGen3Turbo": ["prompt", "seed"],
    "Kling3I2V": ["prompt", "duration", "multi_shot"],
    "Dreamina3Pro": ["prompt", "seed"],
    "CometVeo": ["prompt", "model"],
}


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_every_model_has_its_node_in_the_menu(spec):
    assert spec.node_id in KINDS, f"nodes/__init__.py: import {spec.node_id}, and write `{spec.node_id},` last in NODES"


@pytest.mark.parametrize("node", OF_ONE_MODEL, ids=lambda node: node.__name__)
def test_the_names_of_a_nodes_inputs_are_written_down_for_ever(node):
    own = starred(SCHEMAS[node.__name__])[: -len(COMMON)]
    line = f'"{node.__name__}": {json.dumps(own)},'
    assert node.__name__ in INPUTS, f"tests/nodes/test_schemas.py: write into INPUTS the line {line}"


@pytest.mark.parametrize("node", OF_ONE_MODEL, ids=lambda node: node.__name__)
def test_a_node_has_the_id_that_its_model_says(node):
    assert node.SPEC.node_id == node.__name__


@pytest.mark.parametrize("node_id", LOOKED_AT)
def test_what_is_looked_at_when_a_prompt_is_queued_is_named(node_id):
    """ComfyUI gives it nothing else, and leaves these alone; of groups it gives the choice only where that is named."""
    (node,) = [node for node in OF_ONE_MODEL if node.__name__ == node_id]
    told = getfullargspec(node.validate_inputs)
    assert (told.args[1:], told.varkw) == (LOOKED_AT[node_id], None)


@pytest.mark.parametrize("node_id", INPUTS)
def test_inputs_keep_their_names_and_order(node_id):
    where = "tests/nodes/test_schemas.py, INPUTS: what a saved workflow holds is never renamed, moved or taken away"
    assert starred(SCHEMAS[node_id]) == INPUTS[node_id] + COMMON, where


@pytest.mark.parametrize("node_id", SCHEMAS)
def test_what_has_to_be_wired_or_written_comes_first(node_id):
    optional = [entry.optional for entry in SCHEMAS[node_id].inputs]
    assert optional == sorted(optional), (
        "the spec's fields: ComfyUI lists the required ones first, whatever their order"
    )


@pytest.mark.parametrize("node_id", INPUTS)
def test_outputs_keep_their_names_and_order(node_id):
    assert [(output.id, output.io_type) for output in SCHEMAS[node_id].outputs] == OUTPUTS


@pytest.mark.parametrize("node_id", INPUTS)
def test_a_node_is_found_runs_alone_and_asks_for_no_comfy_account(node_id):
    schema = SCHEMAS[node_id]
    assert (schema.display_name, schema.description) == (KINDS[node_id].TITLE, KINDS[node_id].ABOUT)
    assert schema.is_output_node
    assert not schema.is_api_node
    assert not schema.not_idempotent
    assert {"image to video", *KINDS[node_id].ALIASES} <= set(schema.search_aliases)


@pytest.mark.parametrize("node_id", INPUTS)
def test_the_seed_starts_fixed_and_files_are_named_after_the_node(node_id):
    inputs = {entry.id: entry for entry in SCHEMAS[node_id].inputs}
    assert inputs["seed"].control_after_generate == "fixed"
    assert (inputs["filename_prefix"].default, inputs["filename_prefix"].multiline) == (f"video/{node_id}", False)
    assert [inputs[name].advanced for name in ("fit", "frames", "max_frames", "wait")] == [True] * 4
    assert [inputs[name].default for name in COMMON[2:]] == ["auto", "auto", 0, True]
    assert (inputs["max_frames"].min, inputs["max_frames"].max) == (0, 100_000)
    assert [inputs[name].io_type for name in COMMON] == ["INT", "STRING", "COMBO", "COMBO", "INT", "BOOLEAN"]


def test_join_clips_keeps_its_inputs_and_gives_what_a_clip_does_but_no_id():
    schema = JOIN_CLIPS.define_schema()
    settings = ["transition", "transition_s", "size", "width", "height", "fit", "fps", "own_fps", "audio"]
    assert starred(schema) == ["clips", *settings, "filename_prefix"]
    assert [(output.id, output.io_type) for output in schema.outputs] == OUTPUTS[:-1]
    assert [entry.io_type for entry in schema.inputs[1:]] == (
        ["COMBO", "FLOAT", "COMBO", "INT", "INT", "COMBO", "COMBO", "FLOAT", "COMBO", "STRING"]
    )
    assert [entry.id for entry in schema.inputs if entry.advanced] == ["width", "height", "own_fps"]
    assert {entry.id: entry.options for entry in schema.inputs if entry.io_type == "COMBO"} == {
        "transition": ["cut", "crossfade"],
        "size": ["first", "largest", "own"],
        "fit": ["crop", "pad"],
        "fps": ["first", "own"],
        "audio": ["keep", "fade at joins", "none"],
    }
    assert not schema.inputs[-1].multiline
    steps = {entry.id: entry.step for entry in schema.inputs if entry.io_type == "FLOAT"}
    assert steps == {"transition_s": 0.1, "own_fps": 0.001}
    clips = schema.inputs[0].template
    assert (clips.prefix, clips.min, clips.max, clips.input.optional) == ("clip_", 2, 50, True)
    assert (schema.node_id, schema.is_input_list, schema.is_output_node) == ("JoinClips", True, True)
    assert {"concat", "merge", "film", "cut", "join videos", "\u62fc\u63a5"} <= set(schema.search_aliases)


def test_the_element_node_gives_what_kling_takes():
    element, kling = SCHEMAS["Kling3Element"], SCHEMAS["Kling3I2V"]
    assert starred(element) == ["frontal_image", "reference_images", "video"]
    socket = next(entry for entry in kling.inputs if entry.id == "elements").template
    assert [output.id for output in element.outputs] == ["element"]
    assert element.outputs[0].io_type == socket.input.io_type == "KLING_ELEMENT"
    assert (socket.prefix, socket.max, socket.input.optional) == ("element_", 3, True)


def test_what_only_a_few_need_is_collapsed():
    advanced = {node_id: [entry.id for entry in schema.inputs if entry.advanced] for node_id, schema in SCHEMAS.items()}
    assert {node_id: names[: -len(COMMON[2:])] for node_id, names in advanced.items() if names} == {
        **{node_id: [] for node_id in INPUTS},
        "Kling3I2V": ["shot_type"],
    }


def test_kling_offers_two_to_five_shots_each_with_prompt_and_length():
    multi_shot = next(entry for entry in SCHEMAS["Kling3I2V"].inputs if entry.id == "multi_shot")
    assert [option.key for option in multi_shot.options] == ["off", "2 shots", "3 shots", "4 shots", "5 shots"]
    assert [entry.id for entry in multi_shot.options[1].inputs] == [
        "shot_1_prompt",
        "shot_1_duration",
        "shot_2_prompt",
        "shot_2_duration",
    ]
    assert [len(option.inputs) for option in multi_shot.options] == [0, 4, 6, 8, 10]


@pytest.mark.parametrize("spec", [node.SPEC for node in OF_ONE_MODEL], ids=lambda spec: spec.node_id)
def test_every_field_of_a_model_is_an_input_with_its_limits(spec):
    inputs = {entry.id: entry for entry in SCHEMAS[spec.node_id].inputs}
    for field in spec.fields:
        entry = inputs[field.name]
        assert entry.tooltip == f"{field.help} (`{field.name}`)"
        if isinstance(field, Number) and not field.whole:
            assert (entry.io_type, entry.step) == ("FLOAT", field.step), field.name
        for ours, theirs in (("default", "default"), ("minimum", "min"), ("maximum", "max")):
            if getattr(field, ours, None) is not None and hasattr(entry, theirs):
                assert getattr(entry, theirs) == getattr(field, ours), field.name
        if hasattr(field, "choices") and not isinstance(field, Repeated):
            assert entry.options == [*([UNSET] if field.default is None else []), *field.choices]


@pytest.mark.parametrize("node", [*FIXED, JOIN_CLIPS], ids=lambda node: node.__name__)
def test_every_input_and_output_says_what_it_is(node):
    schema = node.define_schema()
    assert schema.description
    for socket in (*schema.inputs, *schema.outputs):
        assert socket.tooltip, socket.id


@pytest.mark.parametrize("node_id", SCHEMAS)
def test_every_node_has_a_help_page_that_names_its_inputs(node_id):
    page = help_page(node_id)
    for entry in SCHEMAS[node_id].inputs:
        assert f"| `{entry.id}`" in page, f"web/docs/{node_id}.md: write the row of the input `{entry.id}`"


def test_an_elements_video_is_said_to_be_a_motion_reference():
    (video,) = (entry for entry in SCHEMAS["Kling3Element"].inputs if entry.id == "video")
    page = help_page("Kling3Element")
    assert "motion reference" in video.tooltip.lower() and "| `video` | A motion reference" in page


def limits_of(field) -> list[str]:
    """What a help page has to say of an input's limits."""
    if isinstance(field, Seed):
        return [f"{field.maximum:,}"] if field.wire else []
    if isinstance(field, Number):
        return [f"{field.minimum:,}", f"{field.maximum:,}"]
    if isinstance(field, Choice):
        first, last = field.choices[0], field.choices[-1]
        is_range = isinstance(first, int) and list(field.choices) == list(range(first, last + 1))
        return [str(choice) for choice in ((first, last) if is_range else field.choices)]
    if isinstance(field, Repeated):
        return [str(field.fewest), str(field.most), *(limit for part in field.of for limit in limits_of(part))]
    return [field.limits_text]


@pytest.mark.parametrize("spec", [node.SPEC for node in OF_ONE_MODEL], ids=lambda spec: spec.node_id)
def test_the_help_page_says_the_limits_that_are_kept(spec):
    page = help_page(spec.node_id)
    for field in spec.fields:
        row = next((line for line in page.splitlines() if line.startswith(f"| `{field.name}`")), "")
        for limit in limits_of(field):
            is_said = re.search(rf"(?<![\d.,]){re.escape(limit)}(?![\d])", row)
            assert is_said, f"web/docs/{spec.node_id}.md: say {limit} in the row of `{field.name}`"


@pytest.mark.parametrize("spec", [node.SPEC for node in OF_ONE_MODEL], ids=lambda spec: spec.node_id)
def test_the_help_page_names_what_to_use_when_the_model_is_gone(spec):
    page = help_page(spec.node_id)
    _, _, way = page.partition("## When the model is no longer offered")
    named, instead = re.findall(r"`([\w.-]+/[\w./-]+)`", way), in_place_of(snapshot(), spec.model_id)
    wanted = f"`RunComfyVideo`, and of the catalogue {' and '.join(f'`{one}`' for one in instead) or 'no model'}"
    where = f'web/docs/{spec.node_id}.md: "When the model is no longer offered"'
    assert "`RunComfyVideo`" in way and named == instead, f"{where} has to name {wanted}"


def test_the_elements_help_page_says_how_large_a_video_may_be():
    page = help_page("Kling3Element")
    assert f"at most {MAX_VIDEO_BYTES / 1e6:g} MB" in page


def test_every_node_that_is_told_of_is_shown_in_an_example_with_a_picture():
    folder = PACK_FOLDER / "example_workflows"
    shown = set()
    for example in folder.glob("*.json"):
        shown |= {node["type"] for node in json.loads(example.read_text(encoding="utf-8"))["nodes"]}
        assert example.with_suffix(".jpg").is_file(), f"{example.name}: make its picture with `make pictures`"
    told = set(re.findall(r"\*\* \(`(\w+)`\)", PAGE))
    missing = sorted(told - shown)
    assert not missing, "example_workflows/: save one with each of these, which docs/nodes.md describes"
    assert shown & KINDS.keys() == told
