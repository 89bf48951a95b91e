"""`wait` off: the node frees the queue, the engine brings the clip home, and Run again hands it on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from comfy import model_management
from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.utils import CurrentNodeContext
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.asker import NodeAsker, origin
from remote_video_pack.nodes.comfy_host import the_engine
from remote_video_pack.remote_video.errors import BalanceError
from remote_video_pack.remote_video.sandbox import Pace
from server import PromptServer

from ..faults import Sandbox
from .comfy import NODE_ID, PROMPT_ID, picture

Veo3I2V, RunwayGen3Turbo, *_ = NODES
SOON_S = 20.0


@pytest.fixture
def slow(tmp_path, small_clip, sandbox, monkeypatch):
    """A provider that takes a second for a clip."""
    with Sandbox(tmp_path / "slow provider", pace=Pace(0.5, 0.5), prebuilt=small_clip) as running:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", running.runcomfy_base_url)
        yield running


async def clips_in(folder: Path, count: int = 1) -> list[Path]:
    """The clips that come home without a Run, once their jobs have ended: they are on disk a moment before."""
    for _ in range(round(SOON_S / 0.05)):
        under_way = await asyncio.wrap_future(the_engine().live())
        if len(clips := sorted(folder.rglob("*.mp4"))) == count and not under_way:
            return clips
        await asyncio.sleep(0.05)
    raise AssertionError("the clip did not come home")


async def test_it_returns_as_soon_as_the_job_is_accepted_and_all_outputs_are_blocked(comfy, slow):
    output = await comfy.run(Veo3I2V, {1: "ShowText"}, image=picture(), prompt="a cat", wait=False)
    assert slow.accepted_posts == 1
    assert not list(comfy.output.rglob("*.mp4"))
    assert [type(value) for value in output.result] == [ExecutionBlocker] * 7
    assert all(value.message is None for value in output.result), "nothing after it fails"
    assert "collected in the background" in comfy.texts[-1]


async def test_run_again_says_how_far_it_is_and_then_hands_the_clip_on_with_one_post(comfy, slow):
    first = comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False)
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    assert comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False) != first
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    assert slow.jobs[0].request_id in comfy.texts[-1], "how far it is, or, on a slow machine, the clip"
    await clips_in(comfy.output)
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    assert Path(output[1]).is_file()
    assert "nothing was submitted" in comfy.texts[-1]
    picked_up = comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False)
    assert comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False) == picked_up, "cached from then on"
    assert slow.accepted_posts == 1


async def test_another_pending_clip_does_not_run_a_finished_one_again(comfy, slow):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    await clips_in(comfy.output)
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    cached = comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False)
    await comfy.run(Veo3I2V, image=picture(), prompt="a dog", wait=False)
    assert comfy.fingerprint(Veo3I2V, image=None, prompt="a cat", wait=False) == cached


async def test_the_clip_comes_into_the_place_of_its_node_with_its_workflow_and_the_node_is_told(comfy, slow):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False, filename_prefix="shots/one")
    (clip,) = await clips_in(comfy.output)
    assert clip.parent == comfy.output / "shots"
    assert clip.name.startswith("one")
    for _ in range(100):
        if "The clip is here" in comfy.texts[-1]:
            break
        await asyncio.sleep(0.05)
    assert comfy.texts[-1].startswith(f"The clip is here: {clip.name}")
    assert clip.with_suffix(".json").exists()


async def test_a_refusal_is_an_error_of_the_node(comfy, slow):
    slow.faults.set("runcomfy/submit", "error-400002")
    with pytest.raises(BalanceError):
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)


async def test_inside_another_packs_node_it_waits(comfy, slow):
    comfy.queue(Veo3I2V, {})
    with CurrentNodeContext(PROMPT_ID, f"{NODE_ID}.0.1", 0):
        output = await Veo3I2V.execute(image=picture(), prompt="a cat", wait=False)
    assert Path(output[1]).is_file()


async def test_stop_of_a_later_prompt_leaves_a_clip_in_the_background_alone(comfy, slow):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
    PromptServer.instance.prompt_queue.running = [(1, "a later prompt", {}, {}, [])]
    model_management.interrupt_current_processing()
    await clips_in(comfy.output)
    assert not any("cancel" in entry.path for entry in slow.requests)


# -- whether a prompt that waits asks for the same clip ----------------------------------------------------------------


def graph(seed: int = 1, image: str = "sea.png", **more: Any) -> dict[str, Any]:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        NODE_ID: {"class_type": "Veo3I2V", "inputs": {"image": ["1", 0], "prompt": "a cat", "seed": seed, **more}},
    }


def renumbered(prompt: dict[str, Any]) -> dict[str, Any]:
    """The same graph under other node ids."""
    moved = {}
    for name, node in prompt.items():
        inputs = {k: [f"5{v[0]}", v[1]] if isinstance(v, list) else v for k, v in node["inputs"].items()}
        moved[f"5{name}"] = {**node, "inputs": inputs}
    return moved


def reordered(prompt: dict[str, Any]) -> dict[str, Any]:
    """The same graph with its inputs the other way round."""
    return {name: {**node, "inputs": dict(reversed(node["inputs"].items()))} for name, node in prompt.items()}


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (graph(), True),
        (renumbered(graph()), True),
        (reordered(graph()), True),
        (graph(filename_prefix="elsewhere", max_frames=3, frames="all", wait=False), True),
        (graph(seed=2), False),
        (graph(image="land.png"), False),
        (graph(fit="crop"), False),
        ({}, False),
    ],
)
def test_a_waiting_prompt_wants_the_same_clip_when_all_that_it_comes_from_is_the_same(comfy, other, is_same):
    queue = PromptServer.instance.prompt_queue
    queue.running = [(0, PROMPT_ID, graph(), {}, [NODE_ID])]
    queue.waiting = [(1, "next", other, {}, [])]
    with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
        assert NodeAsker("Veo 3").is_waiting() is is_same


def test_a_node_inside_another_packs_node_does_not_know_what_waiting_prompts_want(comfy):
    queue = PromptServer.instance.prompt_queue
    queue.running, queue.waiting = [(0, PROMPT_ID, graph(), {}, [NODE_ID])], [(1, "next", graph(), {}, [])]
    with CurrentNodeContext(PROMPT_ID, f"{NODE_ID}.0.1", 0):
        assert not NodeAsker("Veo 3").is_waiting()


def test_a_graph_that_feeds_itself_has_an_origin():
    looped = {"1": {"class_type": "A", "inputs": {"x": ["2", 0]}}, "2": {"class_type": "B", "inputs": {"x": ["1", 0]}}}
    assert origin(looped, "1") == origin(looped, "1") != origin(looped, "2")
