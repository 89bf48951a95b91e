"""The node for every model: its schema is the catalogue, and what a prompt says of a model is checked before money."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from comfy_api.latest import InputImpl, Types
from remote_video_pack.nodes import RemoteVideoExtension, RunComfyVideo
from remote_video_pack.remote_video.catalogue.catalogue import published_snapshot, snapshot
from remote_video_pack.remote_video.catalogue.model import video_models
from remote_video_pack.remote_video.catalogue.store import file_of, keep
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.fields import Choice, Flag
from remote_video_pack.remote_video.models.groups import Json
from remote_video_pack.remote_video.models.media_fields import MediaField
from server import PromptServer

from .comfy import picture

COMMON = ["prompt", "seed", "filename_prefix", "fit", "frames", "max_frames", "wait"]
FLUX = "blackforestlabs/flux-3/text-to-video"
KLING = "kling/kling-3.0/pro/image-to-video"
ALEPH = "runwayml/runway-aleph-2/video-to-video"
SEEDANCE = "bytedance/seedance-2.5/reference-to-video/1080p"
PACK_FOLDER = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch, sandbox) -> Path:
    monkeypatch.setenv("REMOTE_VIDEO_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def put_catalogue(home: Path, sandbox, models: list) -> None:
    """A catalogue as it was asked for last."""
    keep(file_of(home, sandbox.runcomfy_base_url), models)


def options() -> dict[str, list]:
    """The inputs of each model of the node, by its id."""
    model = RunComfyVideo.define_schema().inputs[-1]
    return {option.key: option.inputs for option in model.options}


async def posted(**inputs):
    """The node's inputs as ComfyUI gets to see them, and what it is told of them."""
    await RemoteVideoExtension().get_node_list()
    body = {"prompt": {"1": {"class_type": "RunComfyVideo", "inputs": inputs}}}
    for handler in PromptServer.instance.on_prompt_handlers:
        body = handler(body)
    inputs = body["prompt"]["1"]["inputs"]
    return inputs, RunComfyVideo.validate_inputs(model=inputs.get("model"))


# -- schema ------------------------------------------------------------------------------------------------------------


def test_common_inputs_come_first_and_the_model_last(comfy, home):
    schema = RunComfyVideo.define_schema()
    assert [entry.id for entry in schema.inputs] == [*COMMON, "model"]
    assert all(entry.optional for entry in schema.inputs), "required ones would be listed before the others"
    assert all(entry.tooltip for entry in schema.inputs)
    assert schema.accept_all_inputs
    assert schema.is_output_node
    assert {"kling", "Kling 3.0 Pro I2V", "text to video", "t2v", "v2v", "runcomfy"} <= set(schema.search_aliases)


def test_every_video_model_is_an_option_with_its_own_inputs(comfy, home):
    models = video_models(snapshot())
    assert set(options()) == set(models)
    for model_id, inputs in options().items():
        own = {entry.id: entry for entry in inputs}
        assert list(own) == [field.name for field in models[model_id].own]
        for field in models[model_id].own:
            if isinstance(field, MediaField):
                socket = own[field.name].template.input if field.takes_several else own[field.name]
                assert socket.io_type in ("IMAGE,STRING", "VIDEO,STRING", "AUDIO,STRING")
                assert socket.optional is not field.required
            elif isinstance(field, Json):
                assert own[field.name].advanced
            elif isinstance(field, (Choice, Flag)) and field.default is None:
                assert own[field.name].default == own[field.name].options[0] == "model default"
            elif isinstance(field, Choice):
                assert own[field.name].default == field.default


def test_lists_and_numbered_names_grow(comfy, home):
    images = next(entry for entry in options()[SEEDANCE] if entry.id == "images")
    assert images.template.names == [f"image_{number}" for number in range(1, 10)]
    numbered = next(e for e in options()["alibaba/happyhorse-1.1/reference-to-video"] if e.id == "image_url")
    assert numbered.template.names[0] == "image_url_1"


def test_the_first_option_has_a_widget_whatever_the_catalogue_says(comfy, home, sandbox):
    socket = {"type": "string", "format": "image_uri"}
    bare = {
        "model_id": "a/a/image-to-video",
        "kind": "image-to-video",
        "input_schema": {"properties": {"image": socket}},
    }
    put_catalogue(home, sandbox, [bare, *published_snapshot()])
    first, *others = options()
    assert first != "a/a/image-to-video"
    assert "a/a/image-to-video" in others


def test_the_schema_is_made_anew_only_for_another_catalogue(comfy, home, sandbox):
    first = RunComfyVideo.define_schema()
    assert RunComfyVideo.define_schema() is first
    new = {**published_snapshot()[0], "model_id": "acme/shiny-1/image-to-video"}
    put_catalogue(home, sandbox, [new])
    assert next(iter(options())) == "acme/shiny-1/image-to-video"
    assert set(options()) > set(video_models(snapshot())), "what is no longer listed stays an option"
    put_catalogue(home, sandbox, published_snapshot())
    assert list(options())[-1] == "acme/shiny-1/image-to-video", "what is retired stays an option"


def test_a_setting_that_is_wrong_breaks_no_node(comfy, home, monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_TIMEOUT_S", "soon")
    assert set(options()) == set(video_models(snapshot()))


def test_the_help_page_names_the_inputs():
    page = (PACK_FOLDER / "web" / "docs" / "RunComfyVideo.md").read_text(encoding="utf-8")
    for name in [*COMMON, "model"]:
        assert f"| `{name}`" in page, name


# -- what is posted ----------------------------------------------------------------------------------------------------


SHOTS = {
    "model.multi_prompt": "2 shots",
    "model.multi_prompt.shot_1_prompt": "one",
    "model.multi_prompt.shot_1_duration": 5,
    "model.multi_prompt.shot_2_prompt": "two",
    "model.multi_prompt.shot_2_duration": 5,
}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "No `model` is chosen. Choose one of the list in `model`."),
        ({"model": 7}, "can't be wired: its inputs depend on it. Unwire it. Choose one of the list"),
        ({"model": ["3", 0]}, "can't be wired"),
        (
            {"model": "kling/kling-9/pro/image-to-video"},
            "not offered, or not any more. In its place there is kling/",
        ),
        ({"model": "acme/x/y"}, "Choose another one"),
        ({"model": FLUX, "model.image": ["3", 0]}, "has no input `image`"),
        ({"model": FLUX, "shiny": 1}, "has no input `shiny`"),
        ({"model": FLUX, **SHOTS}, "has no input `multi_prompt`"),
        ({"model": FLUX, "model.resolution": "8K"}, "the model knows only 720p, 1080p"),
        ({"model": FLUX, "model.safety_tolerance": "x"}, "a whole number from 0 to 4"),
        ({"model": KLING, **SHOTS, "model.multi_prompt": "99 shots"}, "it can be off, 1 shot"),
        ({"model": KLING, **SHOTS, "model.multi_prompt": "1 shot"}, "has no input `multi_prompt.shot_2_"),
        ({"model": KLING, **SHOTS, "model.multi_prompt": None}, "missing, though there is `shot_1_prompt`"),
        ({"model": KLING, **SHOTS, "model.multi_prompt.shot_1_duration": 6}, "1 s too long"),
        ({"model": KLING, "model.elements.element_9": ["3", 0]}, "has no input `elements.element_9`"),
        ({"model": KLING, "model.elements": ["3", 0]}, "has no input `elements`"),
        ({"model": SEEDANCE, "model.images.image_10": ["3", 0]}, "has no input `images.image_10`"),
        ({"model": SEEDANCE, "model.images.image_1": "ftp://x"}, "not an address that the provider can read"),
        ({"model": ALEPH, "model.keyframes": "{"}, "is not JSON"),
        ({"model": ALEPH, "model.keyframes": "{}"}, "is not what the model takes"),
    ],
)
async def test_what_does_not_fit_is_refused_when_it_is_queued(comfy, home, inputs, words):
    assert words in (await posted(prompt="A flag moves.", **inputs))[1]


async def test_what_fits_is_left_as_it_is(comfy, home):
    given = {"model": KLING, **SHOTS, "model.elements.element_1": ["3", 0], "model.start_image_url": ["4", 0]}
    frontends_own = {"$$node-text-preview": "what stood on it", "control_after_generate": "fixed"}
    inputs, told = await posted(prompt="A flag moves.", seed=3, wait=True, **given, **frontends_own)
    assert told is True
    assert inputs == {"prompt": "A flag moves.", "seed": 3, "wait": True, **given, **frontends_own}


@pytest.mark.parametrize("name", ["model.multi_prompt.shot_1_prompt", "model.multi_prompt.shot_2_duration"])
async def test_a_part_of_a_shot_may_be_wired(comfy, home, name):
    wired = {"model": KLING, **SHOTS, name: ["3", 0], "model.start_image_url": ["4", 0]}
    inputs, told = await posted(prompt="A flag moves.", **wired)
    assert (told, inputs[name]) == (True, ["3", 0])


async def test_literals_are_read_by_what_the_chosen_model_says(comfy, home):
    inputs, told = await posted(
        **{"model": FLUX, "model.duration": 7, "model.generate_audio": "false", "model.safety_tolerance": "3"},
        prompt="A flag moves.",
        wait="false",
    )
    assert told is True
    assert inputs["model.duration"] == "7"
    assert (inputs["model.generate_audio"], inputs["wait"]) == (False, False)
    assert inputs["model.safety_tolerance"] == 3
    inputs, told = await posted(**{"model": ALEPH, "model.keyframes": [{"at": 1}]}, prompt="A flag moves.")
    assert (told, inputs["model.keyframes"]) == (True, '[{"at": 1}]')


# -- running -----------------------------------------------------------------------------------------------------------


def video(tmp_path: Path) -> InputImpl.VideoFromComponents:
    frames = picture(64, 48).repeat(8, 1, 1, 1)
    return InputImpl.VideoFromComponents(Types.VideoComponents(images=frames, frame_rate=8, audio=None))


async def test_files_go_in_the_order_of_their_sockets(comfy, home, sandbox, tmp_path):
    sound = {"waveform": picture(64, 8)[..., 0].reshape(1, 1, -1), "sample_rate": 8000}
    nested = {
        "model": SEEDANCE,
        "duration": 6,
        "images": {"image_1": picture(320, 320), "image_2": None, "image_3": picture(640, 320)},
        "videos": {"video_1": video(tmp_path), "video_2": "https://example.com/clip.mp4"},
        "audios": {"audio_1": sound},
    }
    await comfy.run(RunComfyVideo, prompt="A flag moves.", model=nested)
    (job,) = sandbox.jobs
    assert job.model_id == SEEDANCE
    assert (len(job.inputs["images"]), len(job.inputs["videos"]), len(job.inputs["audios"])) == (2, 2, 1)
    assert job.inputs["videos"][1] == "https://example.com/clip.mp4"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "No `model` is chosen"),
        ({"model": "gone/model", "model.image": picture()}, "is not offered"),
        ({"model": {"model": FLUX}, "model.image": picture()}, "has no input `image`"),
        ({"model": {"model": KLING, "start_image_url": picture()}, "model.multi_prompt": "7 shots"}, "it can be off"),
        ({"model": {"model": KLING}}, "not connected"),
        ({"model": {"model": ALEPH, "video_url": picture()}}, "is a Tensor; it takes a video"),
        (
            {"model": {"model": ALEPH, "video_url": "http://x.example/a.mp4"}},
            "not an address that the provider can read",
        ),
    ],
)
async def test_the_node_itself_trusts_nothing(comfy, home, sandbox, given, words):
    with pytest.raises(InputRefused, match=words):
        await comfy.run(RunComfyVideo, prompt="A flag moves.", **given)
    assert sandbox.accepted_posts == 0


async def test_images_of_nested_sockets_are_known_by_their_files(comfy, home, sandbox):
    import folder_paths

    for number in (1, 2):
        file = Path(folder_paths.get_annotated_filepath(f"{number}.png"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a picture %d" % number)
    time.sleep(0.02)
    loaders = {f"model.images.image_{n}": {"class_type": "LoadImage", "inputs": {"image": f"{n}.png"}} for n in (1, 2)}
    sockets = {"image_1": picture(320, 320), "image_2": picture(640, 320)}
    for brightness in (1.0, 0.5):  # another version of the host reads other pixels from the same files
        images = {name: pixels * brightness for name, pixels in sockets.items()}
        await comfy.run(
            RunComfyVideo, more=loaders, prompt="A flag moves.", model={"model": SEEDANCE, "images": images}
        )
    assert sandbox.accepted_posts == 1
    await comfy.run(
        RunComfyVideo, prompt="A flag moves.", model={"model": SEEDANCE, "images": dict(sockets, image_1=None)}
    )
    assert sandbox.accepted_posts == 2
