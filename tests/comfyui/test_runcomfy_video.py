"""The node for every model in a real ComfyUI: all models run with every socket wired; misfits cost nothing."""

from __future__ import annotations

import json

import pytest

from .catalogue_prompts import MODELS, SOURCES, sockets, whole_prompt
from .comfy_server import failure
from .prompts import node

KLING, ALEPH, EDIT, HAPPYHORSE, FLUX = (
    "kling/kling-3.0/pro/image-to-video",
    "runwayml/runway-aleph-2/video-to-video",
    "wan-ai/wan-2.7/edit-video",
    "alibaba/happyhorse-1.1/reference-to-video",
    "blackforestlabs/flux-3/text-to-video",
)
SHOTS = "model.multi_prompt"


@pytest.fixture(scope="module")
def all_models(quick_comfy, quick):
    """A run of every model at once: what its node showed, and the job that was asked for."""
    prompt = {}
    for model_id in MODELS:
        one = whole_prompt(model_id)
        prompt |= {model_id if name == "clip" else name: entry for name, entry in one.items()}
    outputs = quick_comfy.run(prompt)
    return outputs, {job.model_id: job for job in quick.jobs if job.model_id in MODELS}


@pytest.mark.parametrize("model_id", MODELS)
def test_every_model_runs_with_every_socket_wired(quick_comfy, all_models, model_id):
    outputs, jobs = all_models
    assert quick_comfy.saved(outputs[model_id]["images"][0]).stat().st_size > 1000
    asked, model = jobs[model_id].inputs, MODELS[model_id]
    for field in model.own:
        wired = sockets(field)
        if len(wired) == 1:
            assert asked[field.wire], field.name
        elif wired and getattr(field, "is_numbered", False):
            assert asked[f"{field.wire}_1"] != asked[f"{field.wire}_2"]
        elif wired:
            assert len(asked[field.wire]) == 2, field.name
    assert asked["prompt"] == "A flag moves."


def untouched(server, model_id: str) -> dict[str, object]:
    """What the page sends for a model's widgets as they come."""
    info = server.get("/object_info/RunComfyVideo")["RunComfyVideo"]["input"]["optional"]["model"][1]
    (inputs,) = (option["inputs"] for option in info["options"] if option["key"] == model_id)
    sent = {**inputs.get("required", {}), **inputs.get("optional", {})}
    return {f"model.{name}": own["default"] for name, (_kind, own, *_) in sent.items() if "default" in own}


@pytest.mark.parametrize("model_id", [ALEPH, EDIT])
def test_what_its_widgets_leave_to_the_model_is_not_sent(quick_comfy, quick, model_id):
    widgets = untouched(quick_comfy, model_id)
    left = [name for name, value in widgets.items() if value == "model default"]
    assert left
    quick_comfy.run(whole_prompt(model_id, **widgets, seed=5))
    asked = next(job.inputs for job in quick.jobs if (job.model_id, job.inputs.get("seed")) == (model_id, 5))
    assert not {name.removeprefix("model.") for name in left} & asked.keys()


def refusal(server, model_id: str, **inputs) -> str:
    """What ComfyUI says to a prompt it does not queue."""
    prompt = whole_prompt(model_id, **inputs)
    prompt["clip"]["inputs"] = {name: value for name, value in prompt["clip"]["inputs"].items() if value != "absent"}
    return json.dumps(server.refusal({**SOURCES, **prompt}))


@pytest.mark.parametrize(
    ("model_id", "inputs", "words"),
    [
        (FLUX, {"model": "absent"}, "No `model` is chosen"),
        (FLUX, {"model": "acme/gone/text-to-video"}, "acme/gone/text-to-video' is not offered"),
        (FLUX, {"model": ["image", 0]}, "can't be wired"),
        (FLUX, {"model.shiny": 5}, "no input `shiny`"),
        (FLUX, {"shiny": 5}, "no input `shiny`"),
        (FLUX, {"model.image_url": ["image", 0]}, "no input `image_url`"),
        (FLUX, {"model.duration": "31"}, "the model knows only"),
        (FLUX, {"model.safety_tolerance": 5}, "0 to 4"),
        (FLUX, {"model.generate_audio": "no sound"}, "on or off"),
        (HAPPYHORSE, {"model": KLING}, "no input"),
        (HAPPYHORSE, {"model.image_url.image_url_1": "absent"}, "Required input is missing"),
        (HAPPYHORSE, {"model.image_url.image_url_10": ["image", 0]}, "no input `image_url.image_url_10`"),
        (HAPPYHORSE, {"prompt": "x" * 5001}, "at most 5,000"),
        (KLING, {SHOTS: "21 shots"}, "it can be off, 1 shot, 2 shots"),
        (KLING, {SHOTS: "absent"}, "missing, though there is `shot_1_prompt`"),
        (KLING, {SHOTS: "1 shot"}, "no input `multi_prompt.shot_2_"),
        (KLING, {f"{SHOTS}.shot_1_duration": 4}, "1 s too long"),
        (KLING, {f"{SHOTS}.shot_1_prompt": ""}, "the model needs words here"),
        (ALEPH, {"model.keyframes": "{"}, "not JSON"),
        (ALEPH, {"model.video_url": "http://127.0.0.1/clip.mp4"}, "is a text, but not an address"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_what_does_not_fit_is_refused_in_words_before_it_is_queued(waiting_comfy, queueing, model_id, inputs, words):
    before = queueing.accepted_posts
    assert words in refusal(waiting_comfy, model_id, **inputs)
    assert queueing.accepted_posts == before


def test_a_value_of_another_type_is_what_it_means(quick_comfy, quick):
    values = {"model.duration": 7, "model.generate_audio": "false", "model.safety_tolerance": "3", "seed": 77}
    quick_comfy.run(whole_prompt(FLUX, **values))
    asked = next(job.inputs for job in quick.jobs if job.inputs.get("duration") == "7")
    assert asked["generate_audio"] is False
    assert asked["safety_tolerance"] == 3


def test_a_wired_value_is_checked_when_it_is_known(waiting_comfy, queueing):
    before = queueing.accepted_posts
    address = node("PrimitiveString", value="ftp://example.com/clip.mp4")
    prompt = {**SOURCES, "address": address, **whole_prompt(ALEPH, **{"model.video_url": ["address", 0]})}
    assert "is a text, but not an address" in failure(waiting_comfy.outcome(waiting_comfy.queue(prompt)))
    assert queueing.accepted_posts == before


def test_an_address_goes_as_it_is(quick_comfy, quick):
    there = "https://example.com/clip.mp4"
    quick_comfy.run(whole_prompt(ALEPH, **{"model.video_url": there}))
    assert [job.inputs["video_url"] for job in quick.jobs if job.model_id == ALEPH][-1] == there
