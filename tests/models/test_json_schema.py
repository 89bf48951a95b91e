"""What a value breaks of a published schema, in words."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.models.json_schema import mismatch

NESTED = {"properties": {"a": {"type": "array", "items": {"properties": {"b": {"type": "int"}}, "required": ["b"]}}}}
TREE = {"properties": {"left": {"$ref": "#"}, "value": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        (5, {"type": "string"}, "it has to be of the type string"),
        (True, {"type": ["int", "float"]}, "of the type integer or number"),
        (float("nan"), {"type": "number"}, "of the type number"),
        (1, {"enum": [True, "1"]}, "one of True, 1"),
        ("b", {"const": "a"}, "one of a"),
        (0, {"minimum": 1}, "at least 1"),
        (1, {"exclusiveMinimum": 1}, "more than 1"),
        (10**400, {"maximum": 5}, "at most 5"),
        (5, {"exclusiveMaximum": 5}, "less than 5"),
        (0.35, {"multipleOf": 0.1}, "a multiple of 0.1"),
        ("ab", {"minLength": 3}, "at least 3 characters"),
        ([1, 2], {"maxItems": 1}, "at most 1 entries"),
        ({"c": 1}, NESTED, "it has `c`, which the model doesn't know"),
        ({"a": [{"b": 1}, {}]}, NESTED, "`a`[2] has to have `b`"),
        ({"a": [{"b": "x"}]}, NESTED, "`a`[1].b has to be of the type integer"),
        ({"left": {"left": {"value": "x"}}}, TREE, "`left`.left.value has to be of the type integer"),
        ("x", {"anyOf": [{"type": "integer"}, {"enum": ["a"]}]}, "of the type integer"),
        ("x", {"oneOf": [{"type": "integer"}]}, "of the type integer"),
        ("x", {"allOf": [{"type": "string"}, {"minLength": 2}]}, "at least 2 characters"),
        ("x", {"$ref": "#"}, "too deep or too large"),
        ("x", {"anyOf": [{"anyOf": [{"$ref": "#"}]}]}, "too deep or too large"),
        ({"a": 1}, {"allOf": [{"properties": {"b": {}}}], "additionalProperties": False, "properties": {}}, "has `a`"),
    ],
)
def test_what_is_wrong_is_said(value, schema, words):
    assert words in mismatch(value, schema)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (5.0, {"type": "integer"}),
        (0.3, {"multipleOf": 0.1}),
        ({"c": 1}, {**NESTED, "additionalProperties": True}),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}]}),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}}]}),
        (5, {"anyOf": [{"type": "integer"}, {"type": "number"}]}),
        (5, {"oneOf": [{"type": "integer"}, {"type": "number"}]}),
        ({"left": {"left": {}}}, TREE),
        (5, {"minimum": "6", "maximum": None, "multipleOf": 0, "enum": "no", "required": 5, "pattern": "["}),
        (5, {"type": "date", "$ref": "elsewhere.json"}),
        (5, None),
        (5, True),
    ],
)
def test_what_a_schema_does_not_forbid_is_nothing_wrong(value, schema):
    assert mismatch(value, schema) is None
