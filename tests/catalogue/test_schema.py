"""What each oddity of published schemas becomes: an input with its limits, or a reason why it is left out."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.catalogue.entry import Unreadable
from remote_video_pack.remote_video.catalogue.schema import NO_PROMPT
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number, Seed, Text
from remote_video_pack.remote_video.models.kling_elements import KlingElement

from .reading import IMAGE, PARTS, of, reading
from .test_any_schema import model_of

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
        InputRefused, match=r"Acme: The request would violate the published schema: `elements`\[1\] has to have `fr"
    ):
        model.request({"elements": {"element_0": KlingElement(None, views)}})


def test_an_address_is_held_against_the_schema_too():
    model = model_of({"properties": {"image": {**IMAGE, "maxLength": 40}}})
    assert model.request({"image": torch.rand(1, 8, 8, 3)}).body
    with pytest.raises(InputRefused, match="at most 40 characters"):
        model.request({"image": "https://example.com/" + "a" * 40})
