"""Pictures, videos and sounds of published schemas: how they are known, how many they are, and their limits."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.fit import Bound
from remote_video_pack.remote_video.models.fields import Choice, Number, Text
from remote_video_pack.remote_video.models.groups import Json
from remote_video_pack.remote_video.models.media_fields import Footage, Picture, Sound

from .reading import IMAGE, of, reading
from .test_any_schema import model_of


@pytest.mark.parametrize(
    ("name", "published", "kind", "is_list"),
    [
        ("image", IMAGE, Picture, False),
        ("reference", {"format": "image_uri"}, Picture, False),
        ("images", {"type": "array", "format": "image_uris"}, Picture, True),
        ("images", {"format": "image_uris"}, Picture, True),
        ("videos", {"type": "array", "items": {"type": "string", "format": "video_uri"}}, Footage, True),
        ("audios", {"type": "array", "items": "audio_uri"}, Sound, True),
        ("audios", {"type": ["array", "null"], "format": "audio_uris"}, Sound, True),
        ("image_url", {"type": "string"}, Picture, False),
        ("start_frame_url", {"type": ["string", "null"]}, Picture, False),
        ("first_frame", {"type": "string", "format": "uri"}, Picture, False),
        ("voice_url", {"type": "string"}, Sound, False),
        ("reference_video_urls", {"type": "array", "items": {"type": "string"}}, Footage, True),
        ("video_cover_image_url", {"type": "string"}, Picture, False),
        ("image_of_video_url", {"type": "string"}, Footage, False),
        ("image_url", {"anyOf": [{"type": "null"}, {"type": "string"}]}, Picture, False),
    ],
)
def test_a_file_is_known_by_its_format_or_by_its_name(name, published, kind, is_list):
    field = of(published, name)
    assert isinstance(field, kind)
    assert field.is_list is is_list and field.takes_address and not field.required


@pytest.mark.parametrize(
    ("name", "published", "kind"),
    [
        ("callback_url", {"type": "string"}, Text),
        ("image", {"type": "string"}, Text),
        ("image_url", {"type": "string", "enum": ["a", "b"]}, Choice),
        ("images", {"type": "array", "format": "image_uris", "items": {"type": "object"}}, Json),
        ("image", {"type": "integer", "format": "image_uri"}, Number),
    ],
)
def test_what_is_no_file_is_none(name, published, kind):
    assert type(of(published, name)) is kind


@pytest.mark.parametrize(
    ("published", "required", "numbers"),
    [
        ({"maxItems": 9}, False, (0, 9)),
        ({"minItems": 0, "maxItems": 7}, True, (1, 7)),
        ({"minItems": 2}, False, (2, 16)),
        ({"maxItems": 10**9}, False, (0, 100)),
    ],
)
def test_a_list_of_files_is_counted(published, required, numbers):
    field = of({"type": "array", "format": "image_uris", **published}, required=required)
    assert (field.fewest, field.most) == numbers


def test_an_optional_list_may_be_empty_but_not_too_short():
    model = model_of({"properties": {"images": {"type": "array", "format": "image_uris", "minItems": 2}}})
    assert model.request({}).body == {}
    with pytest.raises(InputRefused, match="at least 2"):
        model.request({"images": ["https://example.com/a"]})


def test_files_with_numbers_are_one_input_as_long_as_those_that_are_needed():
    names = {f"image_url_{number}": IMAGE for number in (1, 2, 10, 9, 8, 7, 6, 5, 4, 3)}
    (field,) = reading("image_url_2", **names).own
    assert (field.name, field.is_numbered, field.fewest, field.most, field.required) == ("image_url", True, 2, 10, True)


@pytest.mark.parametrize(
    "properties",
    [
        {"image_url_1": IMAGE},
        {"image_url_1": IMAGE, "image_url_3": IMAGE},
        {"image_url_2": IMAGE, "image_url_3": IMAGE},
        {"image_url_1": IMAGE, "image_url_2": {"type": "string", "format": "video_uri"}},
        {"image_url_1": IMAGE, "image_url_2": {**IMAGE, "maxLength": 500}},
        {"image_url": IMAGE, "image_url_1": IMAGE, "image_url_2": IMAGE},
        {"a_1": {"type": "string"}, "a_2": {"type": "string"}},
        {"urls_1": {"type": "array", "format": "image_uris"}, "urls_2": {"type": "array", "format": "image_uris"}},
    ],
)
def test_what_is_not_counted_from_one_and_alike_stays_apart(properties):
    assert [field.wire for field in reading(**properties).own] == list(properties)


def test_limits_of_files_are_read_from_their_validations():
    field = of(
        {
            **IMAGE,
            "validations": [
                {"validation_rule": "file_size_mb<", "validation_value": 30, "validation_error": "Too large."},
                {"validation_rule": "width/height > ", "validation_value": 0.0625},
                {"validation_rule": "width/height<=", "validation_value": 16},
                {"validation_rule": "width_pixels>=", "validation_value": 14},
                {"validation_rule": "frame_rate<", "validation_value": 60},
                {"validation_rule": "height_pixels<", "validation_value": "many"},
                "height_pixels<5",
            ],
        },
        "image",
    )
    assert field.limits.max_bytes == 30_000_000 - 1
    assert (field.limits.ratio, field.limits.width, field.limits.height) == (
        Bound(gt=0.0625, le=16),
        Bound(ge=14),
        Bound(),
    )
    assert field.limits_text == "Width >= 14 px, width / height > 0.0625 and <= 16, file up to 30 MB."


def test_no_picture_is_blown_up_beyond_reason():
    rule = {"validation_rule": "width_pixels>", "validation_value": 10_000}
    assert of({**IMAGE, "validations": [rule]}) == "no picture is as large as it wants"


@pytest.mark.parametrize("name", ["image", "start_image_url", "end_image_url", "last_frame", "First_Frame_URL"])
def test_a_frame_of_the_clip_fills_it(name):
    assert of(IMAGE, name).fills_canvas


@pytest.mark.parametrize("name", ["reference_image_url", "blend_image_url", "images"])
def test_a_picture_of_something_keeps_its_shape(name):
    assert not of(IMAGE, name).fills_canvas
