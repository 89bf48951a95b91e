"""What stands on a node: told to the page that asked, and to any page that comes later; never a key."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy_execution.utils import CurrentNodeContext
from remote_video_pack.nodes import NODES, clip_node, comfy_host, node_status
from remote_video_pack.nodes.asker import NodeAsker
from remote_video_pack.nodes.node_status import MOST, nodes_view, show
from remote_video_pack.nodes.routes import READS
from remote_video_pack.remote_video.errors import AccountError, BudgetReached, InputRefused, JobUncertain
from remote_video_pack.remote_video.sandbox import Pace
from server import PromptServer

from ..faults import Sandbox
from .comfy import NODE_ID, PROMPT_ID, WORKFLOW_ID, Comfy, picture

Veo3I2V, *_ = NODES
SOON_S = 20.0


@pytest.fixture(autouse=True)
def as_after_a_start(monkeypatch):
    """No node of another test is remembered: all of them are of one workflow."""
    monkeypatch.setattr(node_status, "_shown", {})


@pytest.fixture
def slow(tmp_path, small_clip, monkeypatch):
    """A provider whose jobs wait in its queue."""
    with Sandbox(tmp_path / "slow provider", pace=Pace(60, 60), prebuilt=small_clip) as running:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", running.runcomfy_base_url)
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", "a-key")
        yield running


async def soon(found: Callable[[], Any]) -> Any:
    for _ in range(round(SOON_S / 0.05)):
        if result := found():
            return result
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def later_page() -> list[dict[str, Any]]:
    """What a page that comes now is told of the workflow."""
    nodes = READS["/remote_video/nodes"](comfy_host.settings(), {})["nodes"]
    return [node for node in nodes if node["workflow_id"] == WORKFLOW_ID]


async def test_the_page_that_asked_is_told_each_step_and_the_end(comfy, sandbox):
    output = await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    pages = {page for event, _, page in PromptServer.instance.sent if event == "remote_video.node"}
    assert pages == {PromptServer.instance.client_id}
    words = [told["words"] for told in comfy.told]
    assert words[0] == "preparing the request"
    assert "accepted" in words
    assert not any("|" in said or output[6] in said for said in words[:-1]), "times and ids are fields of their own"
    for told in comfy.told:
        assert (told["prompt_id"], told["node_id"], told["workflow_id"]) == (PROMPT_ID, NODE_ID, WORKFLOW_ID)
    end = comfy.told[-1]
    assert (end["phase"], end["is_over"], end["request_id"]) == ("made", True, output[6])
    assert (end["file"], end["sandbox"], end["cost_usd"]) == (output[1].rpartition("/")[2], False, 1.2)
    assert end["text"] == comfy.texts[-1], "the same words as the line that programs read"


def test_what_is_said_on_the_way_is_work(comfy):
    comfy.queue(Veo3I2V, {})
    with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
        NodeAsker("Veo 3", "runcomfy").says("scaled up")
    (told,) = comfy.told
    assert (told["phase"], told["words"], told["text"], told["is_over"]) == ("working", "scaled up", "scaled up", False)


async def test_a_second_run_was_paid_for_before(comfy, sandbox):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert comfy.told[-1]["phase"] == "made again"


async def test_a_page_that_comes_in_the_middle_sees_the_place_in_the_queue_and_the_time(comfy, slow):
    running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
    await soon(lambda: any(told["place"] for told in comfy.told))
    (node,) = later_page()
    assert (node["phase"], node["state"], node["is_over"]) == ("working", "submitted", False)
    assert node["words"] == f"in the queue (place {node['place']})"
    assert 0 <= node["elapsed_s"] < 600
    model_management.interrupt_current_processing()
    with pytest.raises(model_management.InterruptProcessingException):
        await running
    await soon(lambda: comfy.told[-1]["is_over"])
    assert comfy.told[-1]["phase"] == "over"
    assert "was cancelled" in comfy.told[-1]["words"]


async def test_a_clip_that_nobody_waits_for_is_being_made_and_then_here(
    comfy, sandbox, small_clip, tmp_path, monkeypatch
):
    with Sandbox(tmp_path / "quick provider", pace=Pace(0.2, 0.6), prebuilt=small_clip) as quick:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", quick.runcomfy_base_url)
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat", wait=False)
        assert all(told["is_background"] for told in comfy.told if told["phase"] == "left")
        end = await soon(lambda: comfy.told[-1] if comfy.told[-1]["phase"] == "here" else None)
        assert (end["is_background"], end["is_over"], end["state"]) == (True, True, "stored")
        assert later_page() == [{**end, "elapsed_s": later_page()[0]["elapsed_s"]}]


async def test_a_node_that_another_ones_error_left_is_told_that_its_job_goes_on(comfy, slow):
    running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
    await soon(lambda: any(told["place"] for told in comfy.told))
    PromptServer.instance.prompt_queue.running = []
    running.cancel()
    await asyncio.wait({running})
    told = await soon(lambda: comfy.told[-1] if comfy.told[-1]["phase"] == "left" else None)
    assert "the job goes on and is collected" in told["words"]


async def test_a_node_whose_prompt_turns_out_to_be_stopped_is_told_that_its_job_was_cancelled(comfy, slow):
    """Another node took the interrupt; ComfyUI's history tells of it."""
    running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
    await soon(lambda: any(told["place"] for told in comfy.told))
    queue, messages = PromptServer.instance.prompt_queue, [["execution_start", {}], ["execution_interrupted", {}]]
    queue.running, queue.history = [], {PROMPT_ID: {"status": {"messages": messages}}}
    running.cancel()
    await asyncio.wait({running})
    told = await soon(lambda: comfy.told[-1] if comfy.told[-1]["is_over"] else None)
    assert "was cancelled at RunComfy" in told["words"]


@pytest.mark.parametrize("by", ["stop", "an error elsewhere"])
async def test_a_node_that_had_asked_for_nothing_when_its_run_ended_says_so_to_later_pages_too(
    comfy, sandbox, monkeypatch, by
):
    begun, go_on = threading.Event(), threading.Event()

    def preparing(*_):
        begun.set()
        go_on.wait(SOON_S)

    monkeypatch.setattr(clip_node, "loaded_files", preparing)
    running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
    await soon(begun.is_set)
    if by == "stop":
        model_management.interrupt_current_processing()
    else:
        running.cancel()
    await asyncio.wait({running})
    go_on.set()
    assert [(node["phase"], node["is_over"]) for node in later_page()] == [("over", True)]
    assert later_page()[0]["words"] == "The run ended before this clip was asked for. Nothing was billed."
    assert comfy.texts[-1] == later_page()[0]["words"]
    assert sandbox.accepted_posts == 0


async def test_a_clip_that_was_here_when_its_run_ended_is_offered_to_later_pages_too(comfy, sandbox, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def reading(*_):
        begun.set()
        go_on.wait(SOON_S)

    monkeypatch.setattr(clip_node, "read_outputs", reading)
    running = asyncio.create_task(comfy.run(Veo3I2V, image=picture(), prompt="a cat"))
    await soon(begun.is_set)
    running.cancel()
    await asyncio.wait({running})
    go_on.set()
    (node,) = await soon(lambda: [node for node in later_page() if node["is_over"]])
    assert (node["phase"], node["state"]) == ("here", "stored")


async def test_an_error_is_told_in_its_parts_with_the_buttons_of_its_kind(comfy, sandbox):
    sandbox.faults.set("runcomfy/submit", "reset-before-answer:accepted")
    with pytest.raises(JobUncertain) as raised:
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    told = comfy.told[-1]
    assert told["phase"] == "error"
    assert told["error"]["what"] == raised.value.what
    assert told["error"]["billed"] == raised.value.billed.sentence
    assert told["error"]["next_step"] == raised.value.next_step
    assert told["error"]["actions"] == ["seed", "job"]
    assert told["key"]


async def test_without_a_key_the_node_offers_to_enter_one_and_the_sandbox(comfy, monkeypatch):
    for variable in ("RUNCOMFY_API_TOKEN", "RUNCOMFY_API_KEY", "RUNCOMFY_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(AccountError):
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    told = comfy.told[-1]
    assert (told["error"]["actions"], told["provider"]) == (["accounts", "sandbox"], "runcomfy")
    assert told["model"] == "Veo 3"


async def test_a_run_over_the_budget_says_both_figures_on_its_node(comfy, sandbox, monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_BUDGET_USD_DAY", "0.50")
    with pytest.raises(BudgetReached):
        await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    error = comfy.told[-1]["error"]
    assert "$0.50" in error["what"]
    assert "$0.896" in error["what"]
    assert error["actions"] == ["budget"]
    assert sandbox.accepted_posts == 0


async def test_each_item_of_a_list_is_told_by_itself(comfy, sandbox):
    await comfy.run_list(Veo3I2V, [{"image": picture(640, 360 + 2 * index)} for index in range(3)], prompt="a cat")
    assert [node["item"] for node in sorted(later_page(), key=lambda node: node["item"])] == [0, 1, 2]
    show(None, {**later_page()[0], "item": 0, "prompt_id": "the next prompt", "asked_at": time.time()})
    assert [node["item"] for node in later_page()] == [0], "the next prompt has one"


async def test_a_prompt_without_a_page_tells_no_page(comfy, sandbox):
    PromptServer.instance.client_id = None
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    assert [event for event, _, _ in PromptServer.instance.sent if event == "remote_video.node"] == []
    assert later_page()[-1]["phase"] == "made"


async def test_no_key_is_in_what_is_told(comfy, sandbox):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    text = json.dumps([PromptServer.instance.sent, later_page()])
    assert "a-key" not in text
    assert "another-key" not in text


async def test_all_pages_are_told_of_the_job_with_the_same_facts(comfy, sandbox):
    await comfy.run(Veo3I2V, image=picture(), prompt="a cat")
    jobs = [data for event, data, page in PromptServer.instance.sent if event == "remote_video.job" and page is None]
    assert jobs[-1]["is_over"]
    assert jobs[-1]["file"] == comfy.told[-1]["file"]
    assert jobs[-1].keys() < comfy.told[-1].keys()


def test_no_more_than_so_many_nodes_are_remembered_and_those_under_way_last_longest(comfy):
    def status(number: int, is_over: bool) -> dict[str, Any]:
        where = {"workflow_id": f"many-{number}", "prompt_id": "p", "node_id": "1", "item": 0}
        return {**where, "asked_at": 0.0, "since": None, "is_over": is_over}

    show(None, status(0, is_over=False))
    for number in range(1, MOST + 50):
        show(None, status(number, is_over=True))
    kept = nodes_view(comfy_host.settings())["nodes"]
    assert len(kept) == MOST
    assert "many-0" in {node["workflow_id"] for node in kept}


def test_news_of_an_earlier_prompt_do_not_take_the_place_of_a_later_ones(comfy: Comfy):
    where = {"workflow_id": "twice", "node_id": "1", "item": 0, "since": None, "is_over": False}
    show("a page", {**where, "prompt_id": "second", "asked_at": 2.0})
    show("a page", {**where, "prompt_id": "first", "asked_at": 1.0})
    show("a page", {**where, "prompt_id": "second", "asked_at": 1.5, "item": 1})
    kept = [node for node in nodes_view(comfy_host.settings())["nodes"] if node["workflow_id"] == "twice"]
    assert [(node["prompt_id"], node["item"]) for node in kept] == [("second", 0), ("second", 1)]
    assert len(comfy.told) == 2


async def test_a_batch_on_an_input_for_one_image_offers_to_make_a_list_of_it(comfy, sandbox):
    with pytest.raises(InputRefused):
        await comfy.run(Veo3I2V, image=torch.cat([picture(), picture()]), prompt="a cat")
    error = comfy.told[-1]["error"]
    assert error["actions"] == ["list"]
    assert " image holds 2 images" in error["what"], "the page finds the input by it"
