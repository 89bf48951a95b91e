"""What of published schemas is more than one value: shots, lists, elements, JSON."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.groups import Json, Repeated
from remote_video_pack.remote_video.models.kling_elements import Elements

from .reading import IMAGE, PARTS, SHOT, of, reading
from .test_any_schema import model_of


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
