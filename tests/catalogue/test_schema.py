"""What each oddity of published schemas becomes: an input with its limits, or a reason why it is left out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from remote_video_pack.remote_video.catalogue.entry import Unreadable
from remote_video_pack.remote_video.catalogue.schema import NO_PROMPT, Reading, read
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.fit import Bound
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number, Seed, Text
from remote_video_pack.remote_video.models.groups import Json, Repeated
from remote_video_pack.remote_video.models.kling_elements import Elements, KlingElement
from remote_video_pack.remote_video.models.media_fields import Footage, Picture, Sound

from .test_any_schema import model_of

IMAGE = {"type": "string", "format": "image_uri"}
SHOT = {"prompt": {"type": "string"}, "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5}}


def reading(*required: str, more: dict | None = None, **properties: Any) -> Reading:
    return read({"type": "object", "properties": properties, "required": list(required), **(more or {})})


def of(published: Any, name: str = "thing", *, required: bool = False) -> Any:
    """The field that one property becomes, whatever its name is then; the reason why it is none."""
    try:
        found = read({"properties": {name: published}, "required": [name] if required else []})
    except Unreadable as why:
        return str(why)
    wired = [field for field in found.fields if field.wire == name]
    return wired[0] if wired else found.left_out.get(name)


# -- numbers, choices, switches, words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "low", "high", "default", "whole"),
    [
        ({"type": "float", "minimum": 0, "maximum": 1, "default": 0.5}, 0, 1, 0.5, False),
        ({"type": "int", "minimum": 4, "maximum": 30, "default": 5}, 4, 30, 5, True),
        ({"type": ["integer", "null"], "minimum": 4, "maximum": 30, "default": None}, 4, 30, None, True),
        ({"anyOf": [{"type": "integer", "minimum": 4}, {"type": "null"}], "maximum": 30}, 4, 30, None, True),
        ({"minimum": 4, "maximum": 30, "default": 5}, 4, 30, 5, True),
        ({"type": "integer", "minimum": 4, "maximum": 30, "default": 99}, 4, 30, None, True),
        ({"type": "integer", "minimum": 4, "maximum": 30, "default": "7"}, 4, 30, 7, True),
        ({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 8}, 5, 7, None, True),
        ({"type": "integer", "minimum": 4, "exclusiveMinimum": True, "maximum": 8}, 5, 8, None, True),
        ({"type": "integer", "minimum": 4.5, "maximum": 8.5}, 5, 8, None, True),
        ({"type": "integer", "default": 6}, -(2**31 - 1), 2**31 - 1, 6, True),
        ({"type": "integer"}, 0, 2**31 - 1, None, True),
        ({"type": "integer", "maximum": 1e299}, 0, 2**53 - 1, None, True),
    ],
)
def test_a_number_keeps_its_bounds_and_a_default_that_is_true(published, low, high, default, whole):
    field = of(published)
    assert isinstance(field, Number)
    assert (field.minimum, field.maximum, field.default, field.whole) == (low, high, default, whole)


@pytest.mark.parametrize(
    ("published", "default"),
    [
        ({"type": "integer", "minimum": 4, "maximum": 30}, 4),
        ({"type": "integer", "minimum": 4, "maximum": 30, "default": 99}, 4),
        ({"type": "integer", "minimum": 5, "maximum": 30, "multipleOf": 8}, 8),
        ({"type": "number"}, 0),
        ({"type": "number", "maximum": -2}, -2),
    ],
)
def test_a_number_that_is_needed_and_has_no_default_begins_at_its_lowest(published, default):
    assert of(published, required=True).default == default


def test_an_open_end_is_not_taken():
    field = of({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
    assert field.minimum > 0
    with pytest.raises(InputRefused):
        field.check(0)


@pytest.mark.parametrize(
    ("published", "choices", "default"),
    [
        ({"type": "string", "enum": ["720p", "1080p"], "default": "1080p"}, ("720p", "1080p"), "1080p"),
        ({"type": "integer", "enum": [5, 10], "default": 10}, (5, 10), 10),
        ({"enum": [0.5, 1]}, (0.5, 1), None),
        ({"type": "string", "enum": ["auto", "5"], "default": 5}, ("auto", "5"), None),
        ({"type": ["string", "null"], "enum": ["a", None], "default": None}, ("a",), None),
        ({"type": "string", "enum": ["a", "a", "b", 5, True]}, ("a", "b"), None),
        ({"type": "integer", "enum": [1, 2, 30], "maximum": 10}, (1, 2), None),
        ({"const": "customize"}, ("customize",), None),
        ({"anyOf": [{"const": "auto"}, {"enum": ["a", "b"]}]}, ("a", "b"), None),
    ],
)
def test_an_enum_becomes_the_choices_that_can_be_sent(published, choices, default):
    field = of(published)
    assert isinstance(field, Choice)
    assert (field.choices, field.default) == (choices, default)


def test_a_choice_that_is_needed_begins_with_its_first():
    assert of({"enum": ["a", "b"], "default": "c"}, required=True).default == "a"


@pytest.mark.parametrize(
    ("published", "default"),
    [
        ({"type": "boolean", "default": True}, True),
        ({"type": "bool", "default": "false"}, False),
        ({"type": "boolean"}, None),
        ({"type": "boolean", "default": None}, None),
        ({"enum": [True, False]}, None),
        ({"default": True}, True),
    ],
)
def test_a_switch_that_is_neither_on_nor_off_is_left_to_the_model(published, default):
    field = of(published)
    assert isinstance(field, Flag) and field.default is default
    assert of(published, required=True).default is bool(default)


@pytest.mark.parametrize(
    ("published", "required", "expected"),
    [
        ({"type": "string"}, False, {"required": False, "default": "", "max_length": None, "blank_is_sent": False}),
        ({"type": "string"}, True, {"required": True}),
        ({"type": "string", "default": ""}, True, {"required": False, "blank_is_sent": True}),
        ({"type": "string", "default": "", "minLength": 1}, True, {"required": True}),
        ({"type": "string", "default": "fog"}, False, {"default": "fog", "blank_is_sent": True}),
        ({"type": "string", "default": "long", "maxLength": 3}, False, {"default": "", "max_length": 3}),
        ({"type": "string", "default": 5}, False, {"default": ""}),
        ({"type": ["null", "string"], "minLength": 2}, False, {"min_length": 2}),
    ],
)
def test_words(published, required, expected):
    field = of(published, required=required)
    assert isinstance(field, Text)
    assert {name: getattr(field, name) for name in expected} == expected


def test_words_that_are_emptied_are_sent_where_the_model_has_its_own():
    model = model_of({"properties": {"negative_prompt": {"type": "string", "default": "fog"}}})
    assert model.request({"negative_prompt": ""}).body == {"negative_prompt": ""}
    assert model.request({}).body == {"negative_prompt": "fog"}


# -- prompt and seed -----------------------------------------------------------------------------------------------


def test_the_prompt_and_the_seed_of_a_schema_are_the_nodes_own():
    found = reading(
        "prompt",
        seed={"type": "integer", "minimum": 0, "maximum": 2147483647},
        scale={"type": "number"},
        prompt={"type": "string", "default": "", "maxLength": 50},
    )
    assert [field.name for field in found.fields] == ["prompt", "scale", "seed"]
    assert [field.name for field in found.own] == ["scale"]
    assert found.fields[0].required and found.fields[0].max_length == 50
    assert (found.fields[2].wire, found.fields[2].maximum) == ("seed", 2147483647)


def test_a_model_without_them_has_a_prompt_that_takes_nothing_and_a_seed_that_names_the_take():
    words, seed = reading().fields
    assert words == NO_PROMPT
    assert isinstance(seed, Seed) and seed.wire is None


def test_what_is_called_prompt_or_seed_and_is_none_is_an_input_of_its_own():
    found = reading(prompt={"enum": ["a", "b"]}, seed={"type": "string"})
    assert [(field.name, field.wire) for field in found.own] == [("prompt_", "prompt"), ("seed_", "seed")]
    assert found.fields[0] == NO_PROMPT and found.fields[-1].wire is None


@pytest.mark.parametrize(
    ("published", "bounds"),
    [
        ({"type": "integer", "default": 0}, (0, 2**31 - 1, 0)),
        ({"type": "integer", "minimum": -1, "maximum": 2**64 - 1, "default": -1}, (-1, 2**53 - 1, 0)),
        ({"type": "integer", "minimum": 1, "maximum": 99, "default": None}, (1, 99, 1)),
    ],
)
def test_a_seed_counts_as_far_as_its_schema(published, bounds):
    seed = of(published, "seed")
    assert isinstance(seed, Seed)
    assert (seed.minimum, seed.maximum, seed.default) == bounds


def test_names_that_mean_something_else_get_a_sign_and_keep_their_wire():
    text = {"type": "string"}
    found = reading(model=text, fit=text, files=text, frames=text, wait=text, model_=text)
    assert [(field.name, field.wire) for field in found.own] == [
        ("model__", "model"),
        ("fit_", "fit"),
        ("files_", "files"),
        ("frames", "frames"),
        ("wait", "wait"),
        ("model_", "model_"),
    ]


# -- files ---------------------------------------------------------------------------------------------------------


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


# -- more than one value -------------------------------------------------------------------------------------------


def test_shots_are_groups_that_fill_the_clip():
    shots = {"type": "array", "minItems": 0, "maxItems": 20, "items": {"type": "object", "properties": SHOT}}
    found = reading(duration={"type": "integer", "minimum": 3, "maximum": 15, "default": 10}, multi_prompt=shots)
    field = found.own[1]
    assert isinstance(field, Repeated)
    assert tuple(field.counts) == ("off", "1 shot", "2 shots", "3 shots", "4 shots", "5 shots")
    assert [part.name for part in field.of] == ["prompt", "duration"] and field.of[0].required
    model = model_of({"properties": {"duration": {"type": "integer", "maximum": 15}, "multi_prompt": shots}})
    with pytest.raises(InputRefused, match="5 \\+ 5 = 10 s together, but `duration` is 9 s"):
        model.request({"duration": 9, "multi_prompt": [{"prompt": "a"}, {"prompt": "b"}]})


def test_shots_whose_length_is_the_models_own_affair_add_up_to_nothing():
    length = {"type": "integer", "minimum": 3, "maximum": 15}
    shot = {"type": "object", "properties": {"prompt": {"type": "string"}, "duration": length}}
    model = model_of({"properties": {"duration": length, "shots": {"type": "array", "items": shot}}})
    assert model.request({"duration": 9, "shots": [{"prompt": "a"}]}).body["shots"] == [{"prompt": "a"}]


@pytest.mark.parametrize(
    "items",
    [
        {"type": "object"},
        {},
        {"type": "string"},
        {"type": "object", "properties": {name: {"type": "string"} for name in "abcdefg"}},
        {"type": "object", "properties": {"image": IMAGE, "at": {"type": "number"}}},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"$ref": "#/nowhere"},
    ],
)
def test_a_list_of_what_no_widget_holds_is_json(items):
    field = of({"type": "array", "items": items}, "keyframes")
    assert isinstance(field, Json)
    assert field.tooltip == "Keyframes. JSON, a list."


def test_json_is_held_against_its_schema_before_it_is_sent():
    frames = {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/frame"}}
    frame = {"type": "object", "properties": {"image": IMAGE, "at": {"type": "number", "exclusiveMinimum": 0}}}
    model = model_of({"properties": {"keyframes": frames}, "$defs": {"frame": {**frame, "required": ["at"]}}})
    assert model.request({"keyframes": '[{"at": 1}]'}).body == {"keyframes": [{"at": 1}]}
    for value, words in (
        ('[{"at": 0}]', r"it\[1\].at has to be more than 0"),
        ('[{"at": 1}, {}]', r"it\[2\] has to have `at`"),
        ('[{"at": 1, "to": 2}]', "has `to`, which the model doesn't know"),
        ("[1, 2, 3]", "at most 2 entries"),
        ('{"at": 1}', "has to be of the type array"),
    ):
        with pytest.raises(InputRefused, match=words):
            model.request({"keyframes": value})
        assert "`keyframes` is not what the model takes" in model.problem({"keyframes": value})


PARTS = {
    "frontal_image_url": IMAGE,
    "reference_image_urls": {"type": "array", "items": IMAGE},
    "video_url": {"type": "string", "format": "video_uri"},
}


@pytest.mark.parametrize("names", [list(PARTS), ["frontal_image_url"], ["reference_image_urls", "frontal_image_url"]])
def test_elements_are_sockets_for_the_element_node(names):
    items = {"type": "object", "properties": {name: PARTS[name] for name in names}}
    field = of({"type": "array", "maxItems": 2, "items": items}, "elements")
    assert isinstance(field, Elements)
    assert (field.most, field.parts) == (2, tuple(names))
    at_least_one = of({"type": "array", "minItems": 1, "items": items}, "elements")
    assert isinstance(at_least_one, Elements) and at_least_one.most == 8
    assert isinstance(of({"type": "array", "minItems": 2, "items": items}, "elements"), Json)


@pytest.mark.parametrize("parts", [{"video_url": PARTS["video_url"]}, {**PARTS, "voice_id": {"type": "string"}}])
def test_what_is_like_elements_but_is_not_is_json(parts):
    assert isinstance(of({"type": "array", "items": {"type": "object", "properties": parts}}), Json)


# -- references and alternatives -----------------------------------------------------------------------------------

DEFINED = {
    "size": {"enum": ["720p", "1080p"]},
    "again": {"$ref": "#/$defs/size"},
    "loop": {"$ref": "#/$defs/loop"},
    "ring": {"anyOf": [{"$ref": "#/$defs/ring"}, {"allOf": [{"$ref": "#/$defs/ring"}]}]},
    "tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}}},
    "a/b": {"type": "integer"},
    **{f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 30} for n in range(9)},
    "l9": {"type": "integer"},
}


def referring(published: Any) -> Any:
    found = reading(more={"$defs": DEFINED}, a=published)
    return found.own[0] if found.own else found.left_out["a"]


@pytest.mark.parametrize(
    ("published", "kind"),
    [
        ({"$ref": "#/$defs/size"}, Choice),
        ({"$ref": "#/$defs/again", "default": "720p", "description": "Lines."}, Choice),
        ({"allOf": [{"$ref": "#/$defs/size"}], "default": "720p"}, Choice),
        ({"$ref": "#/$defs/a~1b"}, Number),
        ({"$ref": "#/$defs/tree"}, Json),
        ({"type": "array", "items": {"$ref": "#/$defs/tree"}}, Json),
        ({"anyOf": [{"$ref": "#/$defs/loop"}, {"type": "string"}]}, Text),
        ({"anyOf": [{"type": "date"}, {"type": "integer"}]}, Number),
        ({"oneOf": [{"type": "integer", "minimum": 3}, {"type": "number", "minimum": 0}]}, Number),
    ],
)
def test_references_and_alternatives_lead_to_an_input(published, kind):
    assert isinstance(referring(published), kind)


@pytest.mark.parametrize(
    "published",
    [
        {"$ref": "#/$defs/loop"},
        {"$ref": "#/$defs/ring"},
        {"$ref": "#/properties/a"},
        {"$ref": "#/$defs/l0"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/nowhere"},
        {"anyOf": []},
        {"anyOf": [{"type": "null"}]},
        {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]},
        {"type": "null"},
        {"type": "date"},
        {},
        True,
        5,
        None,
        "string",
        {"enum": []},
        {"enum": [None]},
        {"enum": ["a", 5]},
        {"enum": [True]},
        {"enum": [{}, []]},
        {"enum": ["a\x1b"]},
        {"enum": ["a" * 201]},
        {"enum": [str(number) for number in range(201)]},
        {"const": True},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "integer", "minimum": 2**60},
        {"type": "string", "minLength": 5, "maxLength": 4},
        {"type": "string", "maxLength": 0},
        {"type": "array", "format": "image_uris", "minItems": 3, "maxItems": 2},
        {"type": "array", "format": "image_uris", "maxItems": 0},
    ],
)
def test_what_can_not_be_understood_is_left_out_alone_unless_it_is_needed(published):
    found = reading(more={"$defs": DEFINED}, a=published, b={"type": "string"})
    assert [field.name for field in found.own] == ["b"]
    assert found.left_out["a"]
    with pytest.raises(Unreadable, match="its input a can't be understood: "):
        reading("a", more={"$defs": DEFINED}, a=published)


def test_what_has_to_hold_together_holds_together():
    field = referring({"type": "number", "minimum": 1, "allOf": [{"minimum": 3, "maximum": 9}, {"maximum": 7}]})
    assert (field.minimum, field.maximum) == (3, 7)


def test_a_schema_that_is_a_reference_itself_is_followed():
    found = read({"$ref": "#/$defs/input", "$defs": {"input": {"properties": {"a": {"type": "boolean"}}}}})
    assert [field.name for field in found.own] == ["a"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (None, "no object"),
        ([], "no object"),
        ({}, "no properties"),
        ({"properties": []}, "no properties"),
        ({"properties": {"a": {}}, "required": ["b"]}, "it needs b, which its schema does not describe"),
        ({"$ref": "#"}, "refers to itself"),
    ],
)
def test_a_model_without_a_schema_that_means_anything_is_left_out(schema, words):
    with pytest.raises(Unreadable, match=words):
        read(schema)


# -- names and words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["__proto__", "", "a.b", "a b", "<b>", "1st", "\u00e4", "a\n", "x" * 65, "half \ud800"]
)
def test_a_name_that_no_input_can_have_is_left_out(name):
    found = reading(**{name: {"type": "string"}})
    assert found.own == ()
    assert list(found.left_out.values()) == ["its name can't be an input's"]
    assert all(len(said) <= 80 and said.isprintable() for said in found.left_out)


def test_a_description_is_one_line_of_visible_characters():
    said = of({"type": "string", "description": "<b>Bold</b>\n{number} \x1b[2J \ud800 " + "long " * 2000}).help
    assert said.startswith("<b>Bold</b> (number) \\x1b[2J \\ud800 long long")
    assert len(said) <= 400
    assert of({"type": "string", "description": 5, "title": "A title."}).help == "A title."
    assert of({"type": "string"}, "guidance_scale").help == "Guidance scale."


def test_more_inputs_than_a_node_can_show_are_left_out_but_none_that_is_needed():
    many = {f"a{number}": {"type": "string"} for number in range(100)}
    found = reading(**many)
    assert len(found.own) == 80 and len(found.left_out) == 20
    with pytest.raises(Unreadable, match="its input a99 can't"):
        reading("a99", **many)


def test_a_body_that_the_schema_forbids_as_a_whole_is_refused():
    items = {"type": "object", "properties": PARTS, "required": ["frontal_image_url"]}
    model = model_of({"properties": {"elements": {"type": "array", "items": items}}})
    front, views = torch.rand(1, 8, 8, 3), torch.rand(2, 8, 8, 3)
    assert model.request({"elements": {"element_0": KlingElement(front, views)}}).body
    with pytest.raises(
        InputRefused, match=r"Acme: Its published schema would be broken: `elements`\[1\] has to have `fr"
    ):
        model.request({"elements": {"element_0": KlingElement(None, views)}})


def test_an_address_is_held_against_the_schema_too():
    model = model_of({"properties": {"image": {**IMAGE, "maxLength": 40}}})
    assert model.request({"image": torch.rand(1, 8, 8, 3)}).body
    with pytest.raises(InputRefused, match="at most 40 characters"):
        model.request({"image": "https://example.com/" + "a" * 40})
