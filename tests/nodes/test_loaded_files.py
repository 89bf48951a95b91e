"""A file that another version of ComfyUI reads as other pixels is the same image: it is not paid for again."""

from __future__ import annotations

import os
import time

import pytest
from remote_video_pack.nodes import NODES, comfy_host
from remote_video_pack.nodes.loaded_files import files_behind, loaded_files
from remote_video_pack.remote_video.ledger.ledger import Ledger

from .comfy import Comfy, picture

Veo3I2V, RunwayGen3Turbo, Kling3I2V, Kling3Element, _, CometVeo, *_ = NODES
READ_BY_ONE = picture()
READ_BY_ANOTHER = (READ_BY_ONE + 2 / 255).clamp(0, 1)


@pytest.fixture(autouse=True)
def sea(comfy) -> None:
    put(comfy, "sea.png", b"the sea")


def put(comfy: Comfy, name: str, content: bytes) -> None:
    """An image in the input folder, there for a while."""
    file = comfy.output.parent / "input" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    time.sleep(0.02)


def loads(name: str) -> dict[str, object]:
    return {"class_type": "LoadImage", "inputs": {"image": name}}


async def run(comfy, pixels, name: str = "sea.png", node=Veo3I2V, **inputs):
    return (await comfy.run(node, more={"image": loads(name)}, image=pixels, prompt="a wave", **inputs)).result


@pytest.mark.parametrize("node", [Veo3I2V, RunwayGen3Turbo, Kling3I2V, CometVeo])
async def test_the_same_file_read_as_other_pixels_is_the_clip_that_was_paid_for(comfy, sandbox, node):
    first = await run(comfy, READ_BY_ONE, node=node)
    again = await run(comfy, READ_BY_ANOTHER, node=node)
    assert again[1] == first[1]
    assert "nothing was submitted" in comfy.texts[-1]
    assert (await run(comfy, READ_BY_ONE, node=node))[1] == first[1], "and back to the version before"
    assert sandbox.accepted_posts == 1


async def test_it_is_found_under_its_new_pixels_wherever_they_come_from_then(comfy, sandbox):
    await run(comfy, READ_BY_ONE)
    await run(comfy, READ_BY_ANOTHER)
    await comfy.run(Veo3I2V, image=READ_BY_ANOTHER, prompt="a wave")
    assert sandbox.accepted_posts == 1


@pytest.mark.parametrize(
    ("content", "inputs"),
    [
        (b"another sea", {}),
        (b"the sea", {"seed": 2}),
        (b"the sea", {"generate_audio": True}),
        (b"the sea", {"fit": "crop"}),
    ],
)
async def test_another_file_or_another_wish_is_another_clip(comfy, sandbox, content, inputs):
    await run(comfy, READ_BY_ONE)
    put(comfy, "other.png", content)
    await run(comfy, READ_BY_ANOTHER, "other.png", **inputs)
    assert sandbox.accepted_posts == 2


async def test_a_file_under_another_name_is_the_same_file(comfy, sandbox):
    await run(comfy, READ_BY_ONE)
    put(comfy, "folder/copy.jpg", b"the sea")
    await run(comfy, READ_BY_ANOTHER, "folder/copy.jpg", fit="strict")
    assert sandbox.accepted_posts == 1


async def test_what_went_through_another_node_is_known_by_its_pixels_alone(comfy, sandbox):
    scaled = {"image": {"class_type": "ImageScale", "inputs": {"image": ["load", 0]}}, "load": loads("sea.png")}
    for pixels in (READ_BY_ONE, READ_BY_ANOTHER):
        await comfy.run(Veo3I2V, more=scaled, image=pixels, prompt="a wave")
    assert sandbox.accepted_posts == 2


async def test_one_image_that_is_no_file_is_enough_to_go_by_pixels(comfy, sandbox):
    for pixels in (READ_BY_ONE, READ_BY_ANOTHER):
        await run(comfy, pixels, node=CometVeo, last_image=pixels)
    assert sandbox.accepted_posts == 2


async def test_a_file_that_was_changed_after_the_prompt_was_queued_is_known_by_its_pixels_alone(comfy, sandbox):
    await run(comfy, READ_BY_ONE)
    file = comfy.output.parent / "input" / "sea.png"
    os.utime(file, (time.time() + 60,) * 2)
    await run(comfy, READ_BY_ANOTHER)
    assert sandbox.accepted_posts == 2


async def test_a_file_that_is_gone_by_then_is_no_error(comfy, sandbox):
    (comfy.output.parent / "input" / "sea.png").unlink()
    await run(comfy, READ_BY_ONE)
    assert Ledger(comfy_host.settings().home).recent()[0].file_digest is None


@pytest.mark.parametrize(
    ("loader", "slot", "is_known"),
    [
        (loads("sea.png"), 0, True),
        (loads("sea.png"), 1, False),
        ({"class_type": "LoadImageMask", "inputs": {"image": "sea.png", "channel": "red"}}, 0, False),
        ({"class_type": "LoadImage", "inputs": {"image": ["another", 0]}}, 0, False),
        ({"class_type": "LoadImage", "inputs": {}}, 0, False),
        ({}, 0, False),
    ],
)
def test_a_file_stands_for_an_image_only_where_it_is_what_was_loaded(comfy, loader, slot, is_known):
    prompt = {"7": {"inputs": {"image": ["load", slot], "mask": ["load", slot]}}, "load": loader}
    found = dict(files_behind(prompt, "7", {"image": "the image"}))
    assert found == ({"the image": comfy.output.parent / "input" / "sea.png"} if is_known else {})


def test_outside_of_a_prompt_no_file_is_known(comfy):
    comfy.queue(Veo3I2V, {})
    assert loaded_files("the-prompt", "of another pack", {"image": "image"}) == {}
    assert loaded_files("no prompt", "7", {"image": "image"}) == {}
