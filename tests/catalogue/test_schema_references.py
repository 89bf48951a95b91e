"""References and alternatives in published schemas lead to an input, or leave it out alone."""

from __future__ import annotations

from typing import Any

import pytest
from remote_video_pack.remote_video.catalogue.entry import Unreadable
from remote_video_pack.remote_video.catalogue.schema import read
from remote_video_pack.remote_video.models.fields import Choice, Number, Text
from remote_video_pack.remote_video.models.groups import Json

from .reading import reading

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


CONTRADICTS = {"type": "integer", "minimum": 5, "maximum": 4}


@pytest.mark.parametrize(
    ("published", "why"),
    [
        ({}, "it is of no known type"),
        (CONTRADICTS, "its bounds contradict each other"),
        ({"type": "integer", "minimum": 2**60}, "no browser counts so far"),
        ({"type": "string", "maxLength": 0}, "its lengths contradict each other"),
        ({"enum": ["a", 5]}, "its choices are not all words, or all numbers"),
        ({"const": True}, "it is a switch that can't be switched"),
        ({"anyOf": [CONTRADICTS, {"enum": ["a", 5]}]}, "its bounds contradict each other"),
        ({"type": "array", "format": "image_uris", "minItems": 3, "maxItems": 2}, "numbers of files contradict"),
    ],
)
def test_what_can_not_be_understood_is_said_of_the_likeliest_way_to_read_it(published, why):
    assert why in reading(a=published).left_out["a"]


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
