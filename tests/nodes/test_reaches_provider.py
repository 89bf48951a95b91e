"""What an artist sets on a node is what the provider gets, input by input."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from comfy_api.latest import InputImpl
from PIL import Image
from remote_video_pack.nodes import NODES
from remote_video_pack.remote_video.errors import InputRefused

from .comfy import picture

KINDS = {node.__name__: node for node in NODES}
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def plain(colour: tuple[int, int, int], width: int = 640, height: int = 480) -> torch.Tensor:
    """An IMAGE of one colour."""
    return (torch.tensor(colour, dtype=torch.float32) / 255).expand(1, height, width, 3).clone()


def got(sandbox, tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """What came of the newest job: its inputs by the provider's names, and the folder of its files."""
    job = max(sandbox.jobs, key=lambda job: job.submitted_at)
    return dict(job.inputs), next(path for path in (tmp_path / "provider").rglob(job.request_id) if path.is_dir())


def colour_of(file: Path) -> tuple[int, int, int]:
    with Image.open(file) as image:
        return image.convert("RGB").getpixel((image.width // 2, image.height // 2))


@pytest.mark.parametrize(
    ("node", "set_to", "wire", "sent"),
    [
        ("Veo3I2V", {"generate_audio": True}, "generateAudio", True),
        ("Veo3I2V", {"generate_audio": False}, "generateAudio", False),
        ("RunwayGen3Turbo", {"seed": 77}, "seed", 77),
        ("RunwayGen3Turbo", {"ratio": "768:1280"}, "ratio", "768:1280"),
        ("RunwayGen3Turbo", {"duration": 10}, "duration", 10),
        ("Kling3I2V", {"negative_prompt": "rain"}, "negative_prompt", "rain"),
        ("Kling3I2V", {"generate_audio": False}, "generate_audio", False),
        ("Kling3I2V", {"cfg_scale": 0.85}, "cfg_scale", 0.85),
        ("Kling3I2V", {"duration": 4}, "duration", 4),
        ("Dreamina3Pro", {"num_frames": 241}, "frames", 241),
        ("Dreamina3Pro", {"seed": 78}, "seed", 78),
        ("CometVeo", {"size": "9x16"}, "size", "9x16"),
        ("CometVeo", {"model": "veo3.1-pro"}, "model", "veo3.1-pro"),
    ],
)
async def test_what_is_set_is_sent(comfy, sandbox, tmp_path, node, set_to, wire, sent):
    await comfy.run(KINDS[node], image=picture(), prompt="a cat", **set_to)
    inputs, _ = got(sandbox, tmp_path)
    assert inputs[wire] == sent and "a cat" in inputs.values()


async def test_a_seed_that_the_model_does_not_have_asks_for_another_clip(comfy, sandbox):
    for seed in (1, 1, 2):
        await comfy.run(KINDS["Veo3I2V"], image=picture(), prompt="a cat", seed=seed)
    assert sandbox.accepted_posts == 2


@pytest.mark.parametrize(("fit", "size"), [("auto", (640, 480)), ("crop", (1280, 720)), ("strict", (640, 480))])
async def test_the_picture_is_made_to_fit_as_is_chosen(comfy, sandbox, tmp_path, fit, size):
    await comfy.run(KINDS["Veo3I2V"], image=picture(), prompt="a cat", fit=fit)
    _, folder = got(sandbox, tmp_path)
    with Image.open(folder / "image.png") as sent:
        assert sent.size == size


async def test_padding_leaves_the_bars_black(comfy, sandbox, tmp_path):
    await comfy.run(KINDS["Veo3I2V"], image=plain(RED), prompt="a cat", fit="pad")
    _, folder = got(sandbox, tmp_path)
    with Image.open(folder / "image.png") as sent:
        assert (sent.size, sent.getpixel((2, 360)), sent.getpixel((640, 360))) == ((1280, 720), (0, 0, 0), RED)


async def test_the_clip_is_named_as_the_prefix_says(comfy, sandbox):
    output = await comfy.run(KINDS["Veo3I2V"], image=picture(), prompt="a cat", filename_prefix="cats/one")
    assert Path(output[1]).relative_to(comfy.output).as_posix() == "cats/one_00001_.mp4"


async def test_the_first_frame_comes_before_the_last(comfy, sandbox, tmp_path):
    await comfy.run(KINDS["CometVeo"], prompt="a cat", image=plain(RED), last_image=plain(BLUE))
    inputs, folder = got(sandbox, tmp_path)
    assert [colour_of(folder / name) for name in inputs["input_reference"]] == [RED, BLUE]


async def test_every_part_of_an_element_is_sent_and_each_view_is_its_own(comfy, sandbox, tmp_path, small_clip):
    parts = {
        "frontal_image": plain(RED),
        "reference_images": torch.cat([plain(GREEN), plain(BLUE)]),
        "video": InputImpl.VideoFromFile(BytesIO(small_clip)),
    }
    element = (await KINDS["Kling3Element"].execute(**parts)).result[0]
    await comfy.run(KINDS["Kling3I2V"], image=picture(), prompt="a cat", elements={"element_0": element})
    inputs, folder = got(sandbox, tmp_path)
    (sent,) = inputs["elements"]
    assert colour_of(folder / sent["frontal_image_url"]) == RED
    assert [colour_of(folder / name) for name in sent["reference_image_urls"]] == [GREEN, BLUE]
    with av.open(folder / sent["video_url"]) as video, av.open(BytesIO(small_clip)) as given:
        assert video.streams.video[0].frames == given.streams.video[0].frames > 0


async def test_three_elements_are_sent_in_order_and_a_fourth_is_refused(comfy, sandbox, tmp_path):
    colours = [RED, GREEN, BLUE]
    elements = [(await KINDS["Kling3Element"].execute(frontal_image=plain(one))).result[0] for one in (*colours, RED)]
    named = {f"element_{place}": one for place, one in enumerate(elements)}
    with pytest.raises(InputRefused, match="at most 3"):
        await comfy.run(KINDS["Kling3I2V"], image=picture(), prompt="a cat", elements=named)
    assert sandbox.accepted_posts == 0
    del named["element_3"]
    await comfy.run(KINDS["Kling3I2V"], image=picture(), prompt="a cat", elements=named)
    inputs, folder = got(sandbox, tmp_path)
    assert [colour_of(folder / sent["frontal_image_url"]) for sent in inputs["elements"]] == colours


async def test_elements_and_shots_arrive_also_where_comfyui_leaves_their_names_dotted(comfy, sandbox, tmp_path):
    element = (await KINDS["Kling3Element"].execute(frontal_image=plain(RED))).result[0]
    shots = {"shot_1_prompt": "runs", "shot_1_duration": 3, "shot_2_prompt": "sits", "shot_2_duration": 4}
    dotted = {f"multi_shot.{name}": value for name, value in shots.items()}
    given = {"multi_shot": "2 shots", **dotted, "elements.element_0": element, "duration": 7}
    await comfy.run(KINDS["Kling3I2V"], image=picture(), prompt="a cat", **given)
    inputs, _ = got(sandbox, tmp_path)
    assert inputs["multi_prompt"] == [{"prompt": "runs", "duration": 3}, {"prompt": "sits", "duration": 4}]
    assert len(inputs["elements"]) == 1


async def test_what_the_model_has_no_input_for_is_refused_before_anything_is_paid(comfy, sandbox):
    with pytest.raises(InputRefused, match="colour"):
        await comfy.run(KINDS["Kling3I2V"], image=picture(), prompt="a cat", colour="red")
    assert sandbox.accepted_posts == 0
