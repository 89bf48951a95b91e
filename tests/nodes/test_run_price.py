"""What a Run will cost is known before it: each clip's estimate, and which were made before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from PIL import Image
from remote_video_pack.nodes import NODES, comfy_host
from remote_video_pack.nodes.run_price import run_price
from remote_video_pack.remote_video.catalogue.store import file_of, keep
from remote_video_pack.remote_video.errors import RequestRefused
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.veo3 import VEO3

from ..catalogue.listing import model
from ..faults import Sandbox
from .comfy import Comfy, picture
from .test_loaded_files import loads, put

Veo3I2V, RunwayGen3Turbo, Kling3I2V, _, Dreamina3Pro, CometVeo, RunComfyVideo, *_ = NODES
WORDS = {"prompt": "a wave"}
ACME = "acme/m-1/text-to-video"


@pytest.fixture
def prices(sandbox: Sandbox) -> None:
    """What the provider lists: two models of the nodes, and another one that is priced by the second."""
    known = comfy_host.settings()
    seconds = {"duration": {"type": "integer", "default": 5, "minimum": 1, "maximum": 10}}
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}, **seconds}, "required": ["prompt"]}
    listed = [
        model(VEO3.model_id, base_price_usd=1.12, price_unit="output"),
        model(KLING3.model_id, base_price_usd=0.084, price_unit="second"),
        model(ACME, input_schema=schema, base_price_usd=0.1, price_unit="second"),
    ]
    keep(file_of(known.home, known.endpoint("runcomfy")), listed)
    sandbox.listing.put(listed[-1])


@pytest.fixture(autouse=True)
def sea(comfy: Comfy) -> None:
    put(comfy, "sea.png", b"the sea")
    put(comfy, "lake.png", b"a lake")


def price(prompt: dict[str, Any]) -> dict[str, Any]:
    return run_price(comfy_host.settings(), {"prompt": prompt})


def clip(node: type, image: str | None = "image", **inputs: Any) -> dict[str, Any]:
    """A node of a prompt, its image wired to the first output of the node of that name."""
    wire = {"image": [image, 0]} if image else {}
    return {"class_type": node.__name__, "inputs": {**WORDS, **wire, **inputs}}


async def run(comfy: Comfy, node: type, pixels: Any = None, name: str = "sea.png", **inputs: Any) -> None:
    given = {"image": picture() if pixels is None else pixels, **WORDS, **inputs}
    await comfy.run(node, more={"image": loads(name)}, **given)


MODELS = {
    "veo": (Veo3I2V, {}, {}),
    "runway": (RunwayGen3Turbo, {"duration": 10}, {"duration": 5}),
    "kling": (Kling3I2V, {"duration": 6, "multi_shot": "off"}, {"cfg_scale": 0.25}),
    "dreamina": (Dreamina3Pro, {"num_frames": 241}, {"num_frames": 121}),
    "comet": (CometVeo, {}, {"model": "veo3"}),
}


@pytest.mark.parametrize("name", MODELS)
async def test_a_clip_is_known_as_made_before_it_runs_again(comfy, sandbox, name):
    node, inputs, otherwise = MODELS[name]
    prompt = {"image": loads("sea.png"), "7": clip(node, **inputs)}
    assert price(prompt)["nodes"]["7"]["made_before"] is False
    await run(comfy, node, **inputs)
    assert price(prompt)["nodes"]["7"]["made_before"] is True
    for changed in (
        {"image": loads("lake.png"), "7": clip(node, **inputs)},
        {"image": loads("sea.png"), "7": clip(node, **{**inputs, "seed": 5})},
        {"image": loads("sea.png"), "7": clip(node, **{**inputs, "prompt": "another wave"})},
        {"image": loads("sea.png"), "7": clip(node, **{**inputs, "fit": "crop"})},
        {"image": loads("sea.png"), "7": clip(node, **{**inputs, **(otherwise or {"generate_audio": True})})},
    ):
        assert price(changed)["nodes"]["7"]["made_before"] is False
    await run(comfy, node, **inputs)
    assert sandbox.accepted_posts == 1, "what is said of it is so"


async def test_shots_are_part_of_what_is_asked(comfy, sandbox):
    shots = {"shot_1_prompt": "she waits", "shot_1_duration": 3, "shot_2_prompt": "she goes", "shot_2_duration": 3}
    flat = {"multi_shot": "2 shots", **{f"multi_shot.{name}": value for name, value in shots.items()}, "duration": 6}
    prompt = {"image": loads("sea.png"), "7": clip(Kling3I2V, **flat)}
    await run(comfy, Kling3I2V, multi_shot={"multi_shot": "2 shots", **shots}, duration=6)
    assert price(prompt)["nodes"]["7"]["made_before"] is True
    prompt["7"]["inputs"]["multi_shot.shot_2_prompt"] = "she stays"
    assert price(prompt)["nodes"]["7"]["made_before"] is False


async def test_words_alone_are_enough(comfy, sandbox):
    prompt = {"7": clip(CometVeo, None)}
    assert price(prompt)["made"] == 0
    await comfy.run(CometVeo, **WORDS)
    assert (price(prompt)["clips"], price(prompt)["made"]) == (1, 1)


async def test_auto_size_follows_the_file_s_own_picture(comfy, sandbox):
    tall = comfy.output.parent / "input" / "tall.png"
    Image.new("RGB", (360, 640)).save(tall)
    await run(comfy, CometVeo, picture(360, 640), "tall.png")
    assert price({"image": loads("tall.png"), "7": clip(CometVeo)})["made"] == 1


def graph_of_five() -> dict[str, Any]:
    return {
        "image": loads("sea.png"),
        "scaled": {"class_type": "ImageScale", "inputs": {"image": ["image", 0]}},
        "text": {"class_type": "PrimitiveString", "inputs": {"value": "a wave"}},
        "1": clip(Veo3I2V),
        "2": clip(Veo3I2V, seed=2),
        "3:1": clip(Veo3I2V, "scaled"),
        "4": clip(Veo3I2V, prompt=["text", 0]),
        "5": clip(Kling3I2V, duration=["text", 0]),
        "6": {"class_type": "SaveVideo", "inputs": {"video": ["1", 2]}},
    }


async def test_the_price_of_a_graph_is_that_of_what_is_not_there_yet(comfy, prices):
    before = price(graph_of_five())
    one = before["nodes"]["1"]["estimate_usd"]
    assert (before["clips"], before["made"], before["unknown"]) == (5, 0, 1)
    assert (one, before["usd"]) == (1.12, 4.48)

    await run(comfy, Veo3I2V)
    after = price(graph_of_five())
    assert (after["made"], after["usd"]) == (1, 3.36)
    assert Ledger(comfy_host.settings().home).recent()[0].estimate_usd == one, "as the Run itself estimates it"
    assert "comes from another node" in after["nodes"]["3:1"]["why"]
    assert "comes from another node" in after["nodes"]["4"]["why"]
    assert after["nodes"]["5"]["estimate_usd"] is None


def test_the_same_clip_twice_is_paid_for_once(comfy, prices):
    told = price({"image": loads("sea.png"), "1": clip(Veo3I2V), "2": clip(Veo3I2V, filename_prefix="other")})
    assert (told["clips"], told["made"], told["usd"]) == (2, 1, 1.12)


def test_a_price_by_the_second_follows_the_length_that_is_set(comfy, prices):
    kling = {"image": loads("sea.png"), "7": clip(Kling3I2V, duration=6)}
    assert price(kling)["nodes"]["7"]["estimate_usd"] == 0.504
    node = {"class_type": "RunComfyVideo", "inputs": {"model": ACME, "prompt": "a sea", "model.duration": 8}}
    assert price({"7": node})["nodes"]["7"]["estimate_usd"] == 0.8
    node["inputs"]["model"] = "gone/away"
    assert "not offered" in price({"7": node})["nodes"]["7"]["why"]


async def test_any_model_of_the_catalogue_is_known_as_made_before(comfy, prices):
    nested = {"model": {"model": ACME, "duration": 8}}
    await comfy.run(RunComfyVideo, prompt="a sea", seed=1, **nested)
    flat = {"model": ACME, "prompt": "a sea", "model.duration": 8, "seed": 1}
    told = [price({"7": {"class_type": "RunComfyVideo", "inputs": {**flat, **more}}}) for more in ({}, {"seed": 2})]
    assert [one["made"] for one in told] == [1, 0]


async def test_a_job_that_brought_no_clip_is_to_be_paid_for(comfy, sandbox):
    prompt = {"7": clip(CometVeo, None)}
    await comfy.run(CometVeo, **WORDS)
    ledger = Ledger(comfy_host.settings().home)
    while (lease := ledger.acquire(ledger.recent()[0].key, "a test's")) is None:
        await asyncio.sleep(0.02)  # the engine lets go of it a moment after the clip is handed on
    ledger.record(lease, Event.FILE_MISSING)
    assert price(prompt)["made"] == 1, "it is only fetched again"
    ledger.record(lease, Event.NOT_FOUND)
    assert price(prompt)["made"] == 0


def test_in_the_sandbox_nothing_is_money(comfy, monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    told = price({"image": loads("sea.png"), "1": clip(Veo3I2V)})
    assert (told["sandbox"], told["usd"], told["nodes"]["1"]["estimate_usd"]) == (True, 0, None)
    assert told["nodes"]["1"]["line"].endswith("free in the sandbox")


def test_a_file_outside_of_comfyui_s_folders_is_not_looked_at(comfy, sandbox, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"the sea")
    told = price({"image": loads("../../secret"), "1": clip(Veo3I2V)})
    assert "comes from another node" in told["nodes"]["1"]["why"]


@pytest.mark.parametrize("prompt", [None, [], {"1": 5}, "x"])
def test_what_is_no_graph_is_refused(comfy, prompt):
    with pytest.raises(RequestRefused):
        run_price(comfy_host.settings(), {"prompt": prompt})


ODD: dict[str, Any] = {
    "nothing": {},
    "no words": {"prompt": ""},
    "nested": {"prompt": {"a": [1]}, "image": {"b": 3}},
    "seed": {"prompt": "x", "seed": "eleven"},
    "duration": {"prompt": "x", "duration": 1e999},
    "shots": {"prompt": "x", "multi_shot": {"multi_shot": "9 shots"}, "multi_shot.shot_1_prompt": 3},
    "list": {"prompt": ["x", "y", "z"], "elements": [1, 2, 3]},
}


@pytest.mark.parametrize("node", [node.__name__ for node in NODES])
@pytest.mark.parametrize("inputs", [*ODD.values(), None, []], ids=[*ODD, "none", "empty list"])
def test_inputs_that_mean_nothing_are_said_and_cost_nothing(comfy, sandbox, node, inputs):
    told = price({"1": {"class_type": node, "inputs": inputs}})
    assert told["clips"] == (node not in ("Kling3Element", "JoinClips"))
    assert all(isinstance(one["why"], str) or one["estimate_usd"] is not None for one in told["nodes"].values())


def photo(comfy: Comfy, size: tuple[int, int], name: str = "photo.png") -> dict[str, Any]:
    Image.new("RGB", size).save(comfy.output.parent / "input" / name)
    return loads(name)


async def test_the_line_before_run_is_known_from_files_and_widgets(comfy, prices):
    graph = {"image": photo(comfy, (900, 900)), "7": clip(Veo3I2V, fit="crop")}
    told = price(graph)["nodes"]["7"]
    assert told["line"] == "8 s, 16:9 | your 1:1 picture loses top and bottom (44%) | about $1.12"
    assert [round(side, 3) for side in told["kept"]["image"]] == [0, 0.219, 1, 0.781]
    photo(comfy, (900, 1600))
    assert price(graph)["nodes"]["7"]["line"] == "8 s, 9:16 | about $1.12"
    await run(comfy, Veo3I2V, picture(900, 1600), "photo.png", fit="crop")
    told = price(graph)["nodes"]["7"]
    assert (told["line"], told["kept"]) == ("Already made: free", {"image": (0, 0, 1, 1)})


def test_what_comes_by_a_wire_is_not_guessed_at(comfy, prices):
    def line(node: type, image: str = "scaled", **inputs: Any) -> str:
        scaled = {"class_type": "ImageScale", "inputs": {"image": ["image", 0]}}
        graph = {"image": photo(comfy, (900, 900)), "scaled": scaled, "7": clip(node, image, **inputs)}
        return price(graph)["nodes"]["7"]["line"]

    wire = ["scaled", 0]
    assert line(Veo3I2V) == "8 s | about $1.12", "its picture says the shape"
    assert line(CometVeo) == "8 s"
    assert line(CometVeo, size="9x16") == "8 s, 9:16", "a widget says it"
    assert line(RunwayGen3Turbo) == "5 s, 5:3"
    assert line(RunwayGen3Turbo, "image", ratio=wire, fit="crop") == "5 s"
    assert line(Veo3I2V, "image", fit=wire) == "8 s | about $1.12"
    assert line(Kling3I2V, "image", duration=wire) == "1:1"
    assert line(Dreamina3Pro, fit="strict") == "5.04 s", "nothing is refused of a picture that nobody has seen"
    node = {"class_type": "RunComfyVideo", "inputs": {"model": ACME, "prompt": "a sea", "model.duration": wire}}
    assert price({"7": node})["nodes"]["7"]["line"] == ""


def test_a_node_without_words_tells_what_is_known_without_them(comfy, prices):
    told = price({"image": photo(comfy, (900, 900)), "7": clip(Veo3I2V, prompt="", fit="crop")})["nodes"]["7"]
    assert told["line"].startswith("8 s, 16:9 | your 1:1 picture loses")
    assert told["kept"]["image"][1] > 0.2
    assert (told["estimate_usd"], "`prompt`" in told["why"]) == (None, True)
    assert price({"7": clip(Veo3I2V, None, prompt="")})["nodes"]["7"]["line"] == ""
