"""A model's inputs from words and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from remote_video_pack.remote_video.command_line.inputs import model_named, values_of
from remote_video_pack.remote_video.errors import InputRefused, RequestRefused
from remote_video_pack.remote_video.media.fit import pixels_of
from remote_video_pack.remote_video.models import MODELS, KlingElement, ModelSpec
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.veo3 import VEO3

ORIENTATION = 0x0112
UPRIGHT, TURNED = 1, 6
"""6: the camera was held upright, and the stored picture lies on its side."""


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_a_model_has_three_names_however_they_are_written(spec: ModelSpec):
    for name in (spec.node_id, spec.name, spec.model_id):
        assert model_named(f" {name.upper()} ") == (spec, {})


def test_cometapis_own_models_are_named_below_it():
    assert model_named("CometAPI/veo3-pro") == (COMET_VEO, {"model": "veo3-pro"})


def test_a_model_of_the_catalogue_is_named_by_its_id_and_takes_files_lists_and_addresses(tmp_path: Path):
    spec, told = model_named("bytedance/seedance-2.5/reference-to-video/1080p")
    assert (spec.node_id, told) == ("RunComfyVideo", {})
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    (tmp_path / "b.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    given = {"prompt": "a sea", "images": '["a.png", "https://example.com/b.png"]', "videos": "b.mp4", "duration": "6"}
    body = spec.request(values_of(spec, given, tmp_path)).body
    assert [type(one).__name__ for one in body["images"]] == ["Image", "str"]
    assert body["videos"][0].data.endswith(b"ftypmp42")
    assert body["duration"] == 6
    with pytest.raises(InputRefused, match=r"`audios`.*https"):
        values_of(spec, {"audios": "a.wav"}, tmp_path)


@pytest.mark.parametrize("name", ["", "veo", "cometapi/", "runcomfy/veo3"])
def test_anything_else_is_answered_with_the_list(name: str):
    with pytest.raises(RequestRefused) as refused:
        model_named(name)
    assert all(spec.node_id in refused.value.next_step for spec in MODELS)


def test_words_become_what_the_node_would_get():
    given = {"prompt": "a sea", "generate_audio": "Yes", "fit": "crop", "seed": "7"}
    assert values_of(VEO3, given, Path()) == {"prompt": "a sea", "generate_audio": True, "fit": "crop", "seed": "7"}
    assert values_of(VEO3, {"prompt": "", "seed": None}, Path()) == {}


def test_what_the_node_says_and_what_the_words_say_is_one_request(tmp_path: Path):
    Image.linear_gradient("L").resize((64, 48)).save(tmp_path / "a.png")
    words = {
        "image": "a.png",
        "prompt": "x",
        "duration": "6",
        "cfg_scale": "0.25",
        "generate_audio": "off",
        "seed": "3",
    }
    shots = '[{"prompt": "one", "duration": 3}, {"prompt": "two", "duration": 3}]'
    element = f'[{{"frontal_image": "{(tmp_path / "a.png").as_posix()}", "reference_images": ["a.png", "a.png"]}}]'
    from_words = KLING3.request(values_of(KLING3, {**words, "multi_shot": shots, "elements": element}, tmp_path))
    image = torch.tensor(values_of(KLING3, {"image": "a.png"}, tmp_path)["image"]) / 255
    from_node = KLING3.request(
        {
            "image": image,
            "prompt": "x",
            "duration": 6,
            "cfg_scale": 0.25,
            "generate_audio": False,
            "seed": 3,
            "fit": "auto",
            "multi_shot": [{"prompt": "one", "duration": 3}, {"prompt": "two", "duration": 3}],
            "elements": {"element_1": KlingElement(image, image.repeat(2, 1, 1, 1))},
        }
    )
    assert from_words.key("base", "account") == from_node.key("base", "account")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("multi_shot", "2 shots"),
        ("multi_shot", '[{"prompt": "a", "seconds": 3}]'),
        ("multi_shot", '{"prompt": "a"}'),
        ("elements", '[{"video": "a.mp4"}]'),
        ("elements", '["a.png"]'),
        ("elements", '[{"frontal_image": "nowhere.png"}]'),
        ("elements", '[{"frontal_image": "a.png", "video": "a.png"}]'),
        ("elements", '[{"frontal_image": "a.png", "reference_images": ["a.png", "b.png"]}]'),
        ("image", 7),
        ("prompt", ["a"]),
    ],
)
def test_what_no_input_can_mean_is_refused_in_words(tmp_path: Path, name: str, value: object):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "b.png")
    with pytest.raises(InputRefused, match=r"`\w+`"):
        values_of(KLING3, {name: value}, tmp_path)


def pixels(path: Path) -> np.ndarray:
    return pixels_of(values_of(VEO3, {"image": str(path)}, Path())["image"])


def test_a_photograph_is_turned_upright(tmp_path: Path):
    stored = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    Image.fromarray(stored).save(tmp_path / "photo.png", exif=exif)
    assert (pixels(tmp_path / "photo.png") == np.rot90(stored, -1)).all()


def test_every_value_of_a_pixel_comes_through(tmp_path: Path):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    for name in ("grey.png", "grey16.png"):
        assert (pixels(tmp_path / name) == ramp[..., None]).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(tmp_path: Path, mode: str):
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((0, 1), (10, 100, 200, 128))
    image.convert(mode).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as file:
        wired = torch.from_numpy(np.array(file.convert("RGBA"), np.float32) / 255)
    assert (pixels(tmp_path / "a.png") == pixels_of(wired)).all()
    assert pixels(tmp_path / "a.png")[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "RGB"])
def test_an_image_of_any_kind_is_read(tmp_path: Path, mode: str):
    file = tmp_path / "a.tif"
    Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode).save(file)
    assert pixels(file).min() >= 254


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_a_file_that_is_none_is_refused_by_its_name(tmp_path: Path, content: bytes):
    file = tmp_path / "photo.png"
    file.write_bytes(content)
    with pytest.raises(InputRefused, match=r"photo\.png can't be read as an image"):
        pixels(file)


def test_half_an_image_is_refused(tmp_path: Path):
    file = tmp_path / "photo.png"
    Image.effect_noise((64, 64), 90).save(file)
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(InputRefused, match="can't be read"):
        pixels(file)
