"""What goes on the wire for what an artist set: names, order, and what is left out."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.models import MODELS, KlingElement
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.request import Image, Video
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3

from .field_of import PICTURE, needed

IMAGE = PICTURE
OTHER = torch.rand(1, 400, 600, 3)


def values(spec, **more):
    return {**needed(spec), **more}


def words(body):
    """The body with its pictures named by kind."""
    if isinstance(body, (Image, Video)):
        return type(body).__name__
    if isinstance(body, dict):
        return {name: words(value) for name, value in body.items()}
    return [words(value) for value in body] if isinstance(body, list) else body


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (VEO3, {"image": "Image", "prompt": "a wave", "generateAudio": False}),
        (
            RUNWAY_GEN3_TURBO,
            {"promptImage": "Image", "promptText": "a wave", "ratio": "1280:768", "duration": 5, "seed": 0},
        ),
        (
            KLING3,
            {
                "start_image_url": "Image",
                "prompt": "a wave",
                "duration": 10,
                "generate_audio": True,
                "cfg_scale": 0.5,
                "shot_type": "customize",
            },
        ),
        (DREAMINA3_PRO, {"image_urls": ["Image"], "prompt": "a wave", "frames": 121, "seed": -1}),
        (COMET_VEO, {"prompt": "a wave", "model": "veo3-fast", "size": "16x9", "input_reference": []}),
    ],
    ids=lambda value: getattr(value, "node_id", ""),
)
def test_the_defaults_make_the_contracts_defaults(spec, expected):
    assert words(spec.request(values(spec)).body) == expected


@pytest.mark.parametrize(
    ("spec", "sent"),
    [(VEO3, None), (RUNWAY_GEN3_TURBO, 77), (KLING3, None), (DREAMINA3_PRO, 77), (COMET_VEO, None)],
    ids=lambda value: getattr(value, "node_id", ""),
)
def test_the_seed_is_sent_where_the_model_has_one_and_else_names_the_take(spec, sent):
    request = spec.request(values(spec, seed=77))
    assert request.seed == 77
    assert request.body.get("seed") == sent


@pytest.mark.parametrize(
    ("spec", "seed", "sent"),
    [
        (RUNWAY_GEN3_TURBO, 2**32, 0),
        (RUNWAY_GEN3_TURBO, 2**64 - 1, 2**32 - 1),
        (RUNWAY_GEN3_TURBO, 2**53 + 1, 1),
        (DREAMINA3_PRO, 2**32 + 4, 4),
    ],
)
def test_a_seed_past_the_models_range_is_folded_into_it_and_said(spec, seed, sent):
    request = spec.request(values(spec, seed=seed))
    assert request.body["seed"] == request.seed == sent
    (notice,) = request.notices
    assert f"{seed} is sent as {sent}" in notice
    assert request.key("b", "a") == spec.request(values(spec, seed=sent)).key("b", "a")


@pytest.mark.parametrize("spec", [VEO3, KLING3, COMET_VEO], ids=lambda spec: spec.node_id)
@pytest.mark.parametrize("seed", [2**53 + 1, 2**64 - 1])
def test_where_a_model_has_no_seed_any_seed_names_the_take_as_it_is(spec, seed):
    request = spec.request(values(spec, seed=seed))
    assert (request.seed, request.notices) == (seed, ())


def test_values_of_another_type_go_as_what_they_mean():
    request = RUNWAY_GEN3_TURBO.request(values(RUNWAY_GEN3_TURBO, duration="10", seed="5.0"))
    assert (request.body["duration"], request.body["seed"]) == (10, 5)
    assert type(request.body["seed"]) is int
    kling = KLING3.request(values(KLING3, generate_audio="False", cfg_scale="1", duration=5.0)).body
    assert (kling["generate_audio"], kling["cfg_scale"], kling["duration"]) == (False, 1.0, 5)


def test_kling_shots_go_in_their_order_with_their_lengths():
    shots = [{"prompt": "first", "duration": 3}, {"prompt": "second", "duration": 7}]
    body = KLING3.request(values(KLING3, multi_shot=shots, negative_prompt="fog")).body
    assert body["multi_prompt"] == [{"prompt": "first", "duration": 3}, {"prompt": "second", "duration": 7}]
    assert body["negative_prompt"] == "fog"


def test_kling_elements_go_with_all_their_views():
    whole = KlingElement(IMAGE, torch.rand(2, 64, 64, 3), b"mp4")
    body = KLING3.request(values(KLING3, elements={"element_0": whole, "element_1": KlingElement(OTHER)})).body
    assert words(body["elements"]) == [
        {"frontal_image_url": "Image", "reference_image_urls": ["Image", "Image"], "video_url": "Video"},
        {"frontal_image_url": "Image"},
    ]
    assert body["elements"][0]["video_url"].data == b"mp4"


def test_the_views_of_an_element_are_files_of_50_mb_at_most():
    views = KlingElement(IMAGE, torch.rand(1, 64, 64, 3))
    (sent,) = KLING3.request(values(KLING3, elements={"element_0": views})).body["elements"]
    images = [sent["frontal_image_url"], *sent["reference_image_urls"]]
    assert [image.limits.max_bytes for image in images] == [50_000_000] * 2


@pytest.mark.parametrize(
    ("element", "sent"),
    [
        (KlingElement(video_mp4=b"mp4"), {"video_url": "Video"}),
        (KlingElement(reference_images=torch.rand(2, 64, 64, 3)), {"reference_image_urls": ["Image", "Image"]}),
    ],
)
def test_a_kling_element_may_be_of_one_part_whichever(element, sent):
    assert words(KLING3.request(values(KLING3, elements={"element_0": element})).body["elements"]) == [sent]


def test_kling_elements_go_in_the_order_of_their_sockets():
    first, second = KlingElement(IMAGE), KlingElement(OTHER)
    one_way = KLING3.request(values(KLING3, elements={"element_0": first, "element_1": second}))
    other_way = KLING3.request(values(KLING3, elements={"element_1": second, "element_0": first, "element_2": None}))
    assert one_way.key("b", "a") == other_way.key("b", "a")


def test_a_single_reference_image_without_a_batch_is_one_image():
    body = KLING3.request(values(KLING3, elements={"element_0": KlingElement(IMAGE, torch.rand(64, 48, 3))})).body
    assert [image.shape for image in body["elements"][0]["reference_image_urls"]] == [(64, 48, 3)]


def test_the_views_of_an_element_keep_their_shape_when_the_first_frame_is_cropped():
    element = KlingElement(torch.rand(1, 300, 200, 3))
    request = KLING3.request(values(KLING3, fit="crop", elements={"element_0": element}))
    assert request.body["start_image_url"].shape == (720, 1280, 3)
    assert request.body["elements"][0]["frontal_image_url"].shape == (300, 200, 3)


@pytest.mark.parametrize(
    ("images", "size", "expected"),
    [
        ({}, "auto", "16x9"),
        ({"image": torch.rand(1, 300, 200, 3)}, "auto", "9x16"),
        ({"image": torch.rand(1, 200, 300, 3)}, "auto", "16x9"),
        ({"image": torch.rand(1, 200, 200, 3)}, "auto", "16x9"),
        ({"image": torch.rand(1, 300, 200, 3)}, "16x9", "16x9"),
        ({"image": torch.rand(1, 300, 200, 3), "last_image": torch.rand(1, 200, 300, 3)}, "auto", "9x16"),
    ],
)
def test_cometveos_auto_size_follows_the_first_image(images, size, expected):
    assert COMET_VEO.request(values(COMET_VEO, size=size, **images)).body["size"] == expected


def test_cometveo_sends_the_first_frame_before_the_last():
    body = COMET_VEO.request(values(COMET_VEO, image=IMAGE, last_image=OTHER)).body
    first, last = (COMET_VEO.request(values(COMET_VEO, image=i)).body["input_reference"][0] for i in (IMAGE, OTHER))
    assert [image.digest for image in body["input_reference"]] == [first.digest, last.digest]


def test_cometveos_model_loses_the_blanks_around_it():
    assert COMET_VEO.request(values(COMET_VEO, model=" veo3.1 \n")).body["model"] == "veo3.1"


def test_what_is_changed_about_an_image_is_said():
    wide = torch.rand(1, 400, 2400, 3)
    (notice,) = DREAMINA3_PRO.request(values(DREAMINA3_PRO, image=wide)).notices
    assert "2400x400" in notice
    assert DREAMINA3_PRO.request(values(DREAMINA3_PRO)).notices == ()


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
def test_how_long_the_clip_will_be_is_known(spec):
    known = spec.request(values(spec))
    assert known.seconds == spec.clip_seconds({f.name: getattr(f, "default", None) for f in spec.fields})
    assert known.seconds is not None, f"{spec.node_id}.clip_seconds: say how long the clip will be"
    assert 0 < known.seconds <= 60
