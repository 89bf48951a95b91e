"""The clips of a list: numbered in the list's order, whichever is done first."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.list_order import ListItem
from remote_video_pack.remote_video.sandbox import service

from .comfy import picture

Veo3I2V = NODES[0]


@pytest.fixture(autouse=True)
def first_is_done_last(monkeypatch):
    """A clip with [slow] in its prompt takes a second and a half longer."""
    monkeypatch.setattr(service, "SLOW_S", 1.5)


def prompts(*words: str) -> list[dict[str, str]]:
    return [{"prompt": text} for text in words]


async def names(comfy, items, **inputs) -> list[str]:
    outputs = await comfy.run_list(Veo3I2V, items, image=picture(), **inputs)
    return [Path(output[1]).name for output in outputs]


async def test_the_numbers_are_in_the_lists_order_though_the_first_is_done_last(comfy, sandbox):
    items = prompts("one [slow]", "two", "three [slow]", "four")
    assert await names(comfy, items) == [f"Veo3I2V_0000{number}_.mp4" for number in (1, 2, 3, 4)]
    assert (await comfy.run(Veo3I2V, image=picture(), prompt="another"))[1].endswith("Veo3I2V_00005_.mp4")
    assert await names(comfy, prompts("five [slow]", "six")) == ["Veo3I2V_00006_.mp4", "Veo3I2V_00007_.mp4"]


async def test_run_again_finds_each_under_its_number(comfy, sandbox):
    items = prompts("one [slow]", "two", "three")
    first = await names(comfy, items)
    assert await names(comfy, items) == first
    assert sandbox.accepted_posts == 3


async def test_the_numbers_follow_those_that_are_there(comfy, sandbox):
    (comfy.output / "video").mkdir(parents=True)
    (comfy.output / "video" / "shot_00004_.mp4").write_bytes(b"somebody's")
    items = prompts("one [slow]", "two")
    assert await names(comfy, items, filename_prefix="video/shot") == ["shot_00005_.mp4", "shot_00006_.mp4"]


async def test_a_list_of_prefixes_is_numbered_under_each(comfy, sandbox):
    items = [
        {"prompt": "one [slow]", "filename_prefix": "a/x"},
        {"prompt": "two", "filename_prefix": "b/y"},
        {"prompt": "three", "filename_prefix": "a/x"},
    ]
    assert await names(comfy, items) == ["x_00001_.mp4", "y_00001_.mp4", "x_00002_.mp4"]


async def test_a_whole_name_is_the_first_ones(comfy, sandbox):
    items = prompts("one [slow]", "two")
    assert await names(comfy, items, filename_prefix="shots/clip.mp4") == ["clip.mp4", "clip_00002_.mp4"]


async def test_the_first_item_knows_that_it_is_in_a_list_before_it_asks_for_its_name(tmp_path):
    async def name() -> str:
        with ListItem("a prompt", "7", "clip") as item:
            await item.others_begun()
            return item.filename_prefix(tmp_path)

    tasks = []
    for _ in range(3):
        tasks.append(asyncio.create_task(name()))
        await asyncio.sleep(0)
    assert await asyncio.gather(*tasks) == [f"clip_0000{number}_.mp4" for number in (1, 2, 3)]
    assert await name() == "clip", "alone it has the prefix as it is"


def test_two_lists_of_one_name_at_the_same_time_take_no_number_of_each_other(tmp_path):
    with ExitStack() as running:
        first = [running.enter_context(ListItem("a prompt", "7", "clip")) for _ in range(3)]
        assert [item.filename_prefix(tmp_path) for item in first] == [f"clip_0000{n}_.mp4" for n in (1, 2, 3)]
        other = [running.enter_context(ListItem("a prompt", "8", "clip")) for _ in range(2)]
        assert [item.filename_prefix(tmp_path) for item in other] == [f"clip_0000{n}_.mp4" for n in (4, 5)]
