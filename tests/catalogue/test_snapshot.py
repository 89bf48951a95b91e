"""The models that ship with the pack, one by one; listings that are large, double or of something else."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from remote_video_pack.nodes.inputs import model_input
from remote_video_pack.remote_video.catalogue.catalogue import SNAPSHOT, Catalogue, snapshot
from remote_video_pack.remote_video.catalogue.entry import Entry
from remote_video_pack.remote_video.catalogue.model import CatalogueModel, video_models
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number, Seed, Text
from remote_video_pack.remote_video.models.groups import Json, Repeated
from remote_video_pack.remote_video.models.kling_elements import Elements, KlingElement
from remote_video_pack.remote_video.models.media_fields import Footage, Picture, Sound

from ..models.field_of import field_of
from .strict import broken, sent
from .test_any_schema import ends, needed

MODELS = video_models(snapshot())
PUBLISHED = {one["model_id"]: one for one in json.loads(SNAPSHOT.read_text(encoding="utf-8"))}
PICTURES_ONLY = "bytedance/seedream-5.0-pro/image-to-image"
PICTURE = torch.rand(1, 48, 64, 3)
SOUND = {"waveform": torch.zeros(1, 2, 100), "sample_rate": 8000}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def usual(model: CatalogueModel) -> dict[str, Any]:
    return {"prompt": "a wave", **{field.name: needed(field) for field in model.fields if field.name != "prompt"}}


def test_each_video_model_is_offered_and_nothing_of_it_is_left_out():
    assert len(MODELS) == 13
    assert MODELS.keys() == PUBLISHED.keys() - {PICTURES_ONLY}
    assert MODELS.left_out == {}
    assert all(model.left_out == {} for model in MODELS.values())


def test_a_model_that_makes_pictures_is_known_and_not_offered():
    assert PICTURES_ONLY in snapshot().entries and PICTURES_ONLY not in MODELS


@every_model
def test_each_property_is_reached_by_one_input(model):
    published = PUBLISHED[model.model_id]["input_schema"]["properties"]
    reached = []
    for field in model.fields:
        numbered = isinstance(field, Picture) and field.is_numbered
        names = (
            [f"{field.wire}_{n}" for n in range(1, field.most + 1)] if numbered else [field.wire] if field.wire else []
        )
        reached += names
        assert all(name in published for name in names)
    assert sorted(reached) == sorted(published)


@every_model
def test_what_a_new_node_sends_keeps_the_schema(model):
    body = model.request(usual(model)).body
    published = PUBLISHED[model.model_id]["input_schema"]
    assert broken(body, published) is None
    for name, says in published["properties"].items():
        if "default" in says and name not in ("prompt", "negative_prompt"):
            assert body[name] == says["default"], name


@every_model
def test_whatever_is_set_to_its_ends_keeps_the_schema(model):
    published = PUBLISHED[model.model_id]["input_schema"]
    for field in model.own:
        for value in ends(field):
            assert broken(model.request({**usual(model), field.name: value}).body, published) is None


@every_model
def test_everything_wired_at_once_keeps_the_schema(model):
    values = usual(model)
    for field in model.own:
        one: Any = {Picture: PICTURE, Footage: b"mp4", Sound: SOUND}.get(type(field))
        if one is not None:
            values[field.name] = {f"{field.name}_{n}": one for n in range(field.most)} if field.takes_several else one
        elif isinstance(field, Repeated):
            values |= {"duration": 10, field.name: [{"prompt": "a"}, {"prompt": "b", "duration": 5}]}
        elif isinstance(field, Elements):
            values[field.name] = {f"element_{n}": KlingElement(PICTURE, PICTURE, b"mp4") for n in range(field.most)}
        elif isinstance(field, Json):
            values[field.name] = '[{"image": "https://example.com/a.png", "at": 1.5}]'
    body = model.request(values).body
    assert broken(body, PUBLISHED[model.model_id]["input_schema"]) is None
    assert sent(body).keys() == PUBLISHED[model.model_id]["input_schema"]["properties"].keys() - {
        *(field.wire for field in model.own if field.wire and isinstance(field, (Choice, Text)) and not field.default)
    }


KINDS = {
    ("bytedance/seedance-2.5/reference-to-video/1080p", "images"): (Picture, {"is_list": True, "most": 9}),
    ("bytedance/seedance-2.5/reference-to-video/1080p", "videos"): (Footage, {"is_list": True, "most": 3}),
    ("bytedance/seedance-2.5/reference-to-video/1080p", "audios"): (Sound, {"is_list": True, "required": False}),
    ("bytedance/seedance-2.5/image-to-video/1080p", "seed"): (Seed, {"wire": None}),
    ("wan-ai/wan-3.0/image-to-video", "end_image_url"): (Picture, {"required": False, "fills_canvas": True}),
    ("wan-ai/wan-2.7/edit-video", "aspect_ratio"): (Choice, {"default": None}),
    ("wan-ai/wan-2.7/edit-video", "seed"): (Seed, {"wire": "seed", "maximum": 2**31 - 1}),
    ("blackforestlabs/flux-3/text-to-video", "duration"): (Choice, {"default": "auto"}),
    ("alibaba/happyhorse-1.1/image-to-video", "duration"): (Choice, {"default": 5, "choices": tuple(range(3, 16))}),
    ("alibaba/happyhorse-1.1/reference-to-video", "image_url"): (
        Picture,
        {"is_numbered": True, "fewest": 1, "most": 9},
    ),
    ("kling/kling-3.0/pro/image-to-video", "elements"): (Elements, {"most": 3}),
    ("kling/kling-3.0/pro/image-to-video", "multi_prompt"): (Repeated, {"fewest": 1, "most": 5, "one": "shot"}),
    ("kling/kling-3.0/4k/text-to-video", "sound"): (Flag, {"default": True}),
    ("kling/kling-video-o3/pro/reference-to-video", "images"): (Picture, {"required": False, "most": 7}),
    ("runwayml/runway-aleph-2/video-to-video", "video_url"): (Footage, {"max_bytes": 15_999_999, "required": True}),
    ("runwayml/runway-aleph-2/video-to-video", "seed"): (Seed, {"default": 0, "maximum": 2**32 - 1}),
    ("runwayml/runway-aleph-2/video-to-video", "target_aspect_ratio"): (Choice, {"default": None}),
    ("runwayml/runway-aleph-2/video-to-video", "keyframes"): (Json, {"required": False}),
    ("kling/kling-3.0/pro/image-to-video", "cfg_scale"): (
        Number,
        {"minimum": 0, "maximum": 1, "default": 0.5, "step": 0.01},
    ),
}


@pytest.mark.parametrize(("model_id", "name"), KINDS)
def test_what_is_odd_about_a_published_input_is_understood(model_id, name):
    kind, expected = KINDS[model_id, name]
    field = field_of(MODELS[model_id], name)
    assert type(field) is kind
    assert {part: getattr(field, part) for part in expected} == expected


@pytest.mark.parametrize(
    ("model_id", "values", "seconds"),
    [
        ("kling/kling-3.0/4k/text-to-video", {"duration": 7}, 7),
        ("blackforestlabs/flux-3/text-to-video", {"duration": "12"}, 12),
        ("blackforestlabs/flux-3/text-to-video", {"duration": "auto"}, None),
        ("alibaba/happyhorse-1.1/image-to-video", {"image_url": "https://a.b/c", "duration": 3}, 3),
        ("kling/kling-video-o3/pro/video-to-video", {"video": "https://a.b/c"}, None),
    ],
)
def test_how_long_a_clip_will_be_is_known_where_the_inputs_say_so(model_id, values, seconds):
    assert MODELS[model_id].request({"prompt": "a", **values}).seconds == seconds


@pytest.mark.parametrize(
    ("values", "canvas"),
    [
        ({"aspect_ratio": "16:9", "resolution": "1080p"}, (1920, 1080)),
        ({"aspect_ratio": "9:16", "resolution": "720P"}, (720, 1280)),
        ({"aspect_ratio": "21:9", "resolution": "4k"}, (5040, 2160)),
        ({"ratio": "1:1"}, (720, 720)),
        ({"size": "1280x768"}, (1280, 768)),
        ({"size": "1280*720", "aspect_ratio": "1:1"}, (1280, 720)),
        ({"aspect_ratio": "adaptive", "resolution": "1080p"}, None),
        ({"aspect_ratio": "99:1"}, None),
        ({"aspect_ratio": "0:0"}, None),
        ({"size": "000x000"}, None),
        ({"resolution": 5}, None),
        ({}, None),
    ],
)
def test_a_picture_is_cut_to_the_shape_that_is_chosen(values, canvas):
    assert MODELS["wan-ai/wan-3.0/image-to-video"].canvas(values, (640, 480)) == canvas


def test_crop_fills_the_shape_that_is_chosen():
    model = MODELS["wan-ai/wan-3.0/image-to-video"]
    body = model.request({**usual(model), "fit": "crop", "aspect_ratio": "9:16", "resolution": "480p"}).body
    assert body["image_url"].shape == (854, 480, 3)


def test_related_models_stand_together_the_newest_first_and_retired_ones_last():
    ids = ["b/x-1.5/image-to-video", "b/x-2.10/image-to-video", "a/z", "b/x-2.9/text-to-video", "b/w"]
    good = {"kind": "image-to-video", "input_schema": {"properties": {}}}
    listing = Catalogue.of([{**good, "model_id": model_id} for model_id in ids])
    assert list(video_models(listing)) == ["a/z", "b/w", ids[1], ids[3], ids[0]]


# -- listings ------------------------------------------------------------------------------------------------------


def listed(model_id: str, **more: Any) -> dict[str, Any]:
    schema = {"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    return {"model_id": model_id, "kind": "text-to-video", "input_schema": schema, **more}


def test_of_two_models_of_one_id_there_is_the_first():
    catalogue = Catalogue.of([listed("a/b", display_name="First"), listed("a/b", display_name="Second"), listed("a/c")])
    assert [model.name for model in video_models(catalogue).values()] == ["First", "a/c"]
    assert catalogue.left_out == ("a/b: it is listed twice; the first one counts",)


@pytest.mark.parametrize(
    "model_id",
    [
        None,
        5,
        "",
        "..",
        "a/../b",
        "../v2/balance",
        ".a",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a?b",
        "a#b",
        "a%2fb",
        "a" * 201,
        "\u00e4",
    ],
)
def test_an_id_that_would_lead_elsewhere_is_no_models(model_id):
    catalogue = Catalogue.of([listed(model_id), listed("a/b")])
    assert list(catalogue.entries) == ["a/b"] and len(catalogue.left_out) == 1


@pytest.mark.parametrize("price", [None, "0.5", -1, 0, True, float("nan"), float("inf"), 10**400, 1e9, [], {}])
def test_a_price_that_is_none_is_unknown(price):
    assert Entry.read(listed("a/b", base_price_usd=price)).price_usd is None


def test_a_price_is_taken_as_it_is():
    entry = Entry.read(listed("a/b", base_price_usd=0.112, price_unit="Second"))
    assert (entry.price_usd, entry.price_unit) == (0.112, "second")


@pytest.mark.parametrize(
    ("more", "is_offered"),
    [
        ({"kind": "image-to-video"}, True),
        ({"kind": "model", "categories": ["Reference_to_Video"]}, True),
        ({"kind": "model", "categories": "video to video"}, True),
        ({"kind": "edit", "input_schema": {"properties": {"video_url": {"type": "string"}}}}, True),
        ({"kind": "edit", "input_schema": {"properties": {"image_url": {"type": "string"}}}}, False),
        ({"kind": "image-to-image"}, False),
        ({"kind": "image-to-video-frames"}, False),
        ({"kind": None, "categories": [None, 5, {}, []]}, False),
    ],
)
def test_a_video_model_is_known_by_what_it_makes(more, is_offered):
    assert ("a/b" in video_models(Catalogue.of([listed("a/b", **more)]))) is is_offered


def test_a_listing_of_five_megabytes_with_words_of_ten_kilobytes_is_read():
    many = {f"p{number}": {"type": "string", "description": "long " * 50} for number in range(40)}
    schema = {"properties": {**many, "x" * 10_000: {"type": "string"}}}
    listing = [
        listed(
            f"acme/m-{number}/text-to-video", display_name="x" * 10_000, description="y" * 10_000, input_schema=schema
        )
        for number in range(160)
    ]
    assert len(json.dumps(listing)) > 5_000_000
    models = video_models(Catalogue.of(listing))
    assert len(models) == 160
    model = models["acme/m-7/text-to-video"]
    assert len(model.name) <= 200 and len(model.entry.description) <= 2000
    assert len(model.own) == 40 and [len(name) for name in model.left_out] == [80]
    assert all(len(model_input(field).tooltip) <= 400 for field in model.own)


@pytest.mark.parametrize(
    ("ids", "more"),
    [
        (["constructor", "__proto__/x", "-rf/a"], {}),
        (["a/b"], {"display_name": "<script>alert(1)</script>\x1b[2J\u202e half \ud800"}),
        (["a/b"], {"pricing_note": {"a": 1}, "price_unit": ["second"], "description": 5, "display_name": None}),
    ],
)
def test_hostile_words_are_made_harmless(ids, more):
    catalogue = Catalogue.of([listed(model_id, **more) for model_id in ids])
    for model in video_models(catalogue).values():
        model.name.encode()
        assert "\x1b" not in model.name and "\u202e" not in model.name and model.name
        assert isinstance(model.entry.pricing_note, str)


def deep(word: str) -> dict[str, Any]:
    """A schema so deep that two of it can't be compared."""
    schema: Any = {"type": "object"}
    for _ in range(5000):
        schema = {word: [schema] if word == "anyOf" else {"a": schema} if word == "properties" else schema}
    return schema


@pytest.mark.parametrize("word", ["anyOf", "items", "properties", "default"])
def test_a_schema_however_deep_breaks_nothing(word):
    names = ("image_url_1", "image_url_2", "a")
    schema = {"properties": {name: {"type": "string", **deep(word)} for name in names}}
    models = video_models(Catalogue.of([listed("a/deep", input_schema=schema), listed("a/good")]))
    assert "a/good" in models
    if "a/deep" in models:
        assert broken(models["a/deep"].request({}).body, {"properties": {}}) is None


def test_a_model_that_can_not_be_understood_is_left_out_alone_and_says_why(caplog):
    bad = listed("a/bad", input_schema={"properties": {"a": {"enum": [None]}}, "required": ["a"]})
    with caplog.at_level("INFO", "remote_video"):
        models = video_models(Catalogue.of([bad, listed("a/none", input_schema="no"), listed("a/good")]))
    assert list(models) == ["a/good"]
    assert models.left_out.keys() == {"a/bad", "a/none"}
    assert "The model a/bad can't be offered: its input a can't be understood" in caplog.text
