"""What would be refused, or ignored and billed, is seen; what does no harm, or can't be understood, stops nobody."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import torch
from remote_video_pack.remote_video.catalogue.catalogue import snapshot, successors
from remote_video_pack.remote_video.catalogue.drift import differences, drift
from remote_video_pack.remote_video.media.fit import ImageLimits
from remote_video_pack.remote_video.models.request import Image, Video

from .listing import sandbox_schemas

IMAGE = Image.of(torch.zeros(8, 8, 3, dtype=torch.uint8).numpy(), ImageLimits())
BODY = {"prompt": "a sea", "image": IMAGE, "duration": 5, "ratio": "16:9", "sound": True, "cfg": 0.5}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["prompt", "image"],
    "properties": {
        "prompt": {"type": "string", "maxLength": 500},
        "image": {"type": "string", "format": "image_uri"},
        "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5},
        "ratio": {"type": "string", "enum": ["16:9", "9:16"]},
        "sound": {"type": "boolean", "default": True},
        "cfg": {"type": "float", "minimum": 0, "maximum": 1},
        "seed": {"type": "integer", "default": 0},
    },
}


def changed(**properties: Any) -> dict[str, Any]:
    """The schema with properties in place of its own; None takes one away."""
    schema = copy.deepcopy(SCHEMA)
    for name, one in properties.items():
        if one is None:
            schema["properties"].pop(name)
            schema["required"] = [other for other in schema["required"] if other != name]
        else:
            schema["properties"][name] = one
    return schema


def every(one: Any) -> dict[str, Any]:
    """That for each of the inputs."""
    return {name: one for name in BODY}  # noqa: C420


def requiring(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**schema, "required": [*schema["required"], *names]}


@pytest.mark.parametrize("known", [None, SCHEMA], ids=["by hand", "by schema"])
@pytest.mark.parametrize(
    ("live", "words"),
    [
        (changed(cfg=None), ["`cfg` is no longer an input"]),
        (requiring(changed(image=None, image_url=SCHEMA["properties"]["image"]), "image_url"), ["`image_url` now"]),
        (changed(image=None, start_image_url=SCHEMA["properties"]["image"]), ["seems to be `start_image_url` now"]),
        (changed(prompt=None, promptText={"type": "string"}), ["`prompt` is no longer", "`promptText`"]),
        (requiring(changed(duration=None, seconds={"type": "integer"}), "seconds"), ["`duration`", "`seconds`"]),
        (requiring(changed(voice={"type": "string"}), "voice"), ["`voice` is required now"]),
        (changed(ratio={"type": "string", "enum": ["1:1", "9:16"]}), ["`ratio` takes only 1:1, 9:16 now", "16:9"]),
        (changed(duration={"type": "integer", "minimum": 6}), ["`duration` takes at least 6 now, and not 5"]),
        (changed(duration={"type": "integer", "maximum": 4}), ["`duration` takes at most 4 now, and not 5"]),
        (changed(duration={"type": "integer", "exclusiveMaximum": 4}), ["at most 4"]),
        (changed(prompt={"type": "string", "maxLength": 4}), ["at most 4 characters now, and not 5"]),
        (changed(duration={"type": "string", "enum": ["5", "10"]}), ["`duration` takes text now, and not 5"]),
        (changed(sound={"type": "string"}), ["`sound` takes text now, and not True"]),
        (changed(duration={"type": "boolean"}), ["true or false"]),
        (changed(image={"type": "array", "format": "image_uris"}), ["`image` takes a list now, and not a file"]),
        (changed(image={"type": "object"}), ["an object now, and not a file"]),
        (changed(duration={"anyOf": [{"type": "string"}, {"type": "null"}]}), ["text"]),
        (changed(duration={"$ref": "#/$defs/d"}) | {"$defs": {"d": {"maximum": 4}}}, ["at most 4"]),
        (changed(duration={"allOf": [{"type": "integer"}, {"maximum": 4}]}), ["at most 4"]),
    ],
)
def test_what_breaks_is_said(live, known, words):
    breaking = drift(BODY, live, known).breaking
    assert len(breaking) == 1, breaking
    assert all(word in breaking[0] for word in words), breaking


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (changed(style={"type": "string"}), ["`style` is new"]),
        (changed(seed=None), ["`seed` is no longer an input"]),
        (changed(duration={"type": "integer", "minimum": 3, "maximum": 30, "default": 5}), ["`duration`", "30"]),
        (changed(ratio={"type": "string", "enum": ["16:9", "9:16", "1:1"]}), ["also takes 1:1"]),
        (changed(ratio={"type": "string", "enum": ["16:9"]}), ["no longer takes 9:16"]),
        (requiring(changed(mode={"type": "string", "default": "fast"}), "mode"), ["`mode` is new, and required"]),
    ],
)
def test_what_does_no_harm_is_told_apart(live, words):
    found = drift(BODY, live, SCHEMA)
    assert found.breaking == []
    assert all(word in "; ".join(found.additions) for word in words), found.additions
    assert drift(BODY, live).breaking == []
    assert differences(live, SCHEMA) == found.additions


def test_nothing_has_changed_where_nothing_has():
    assert drift(BODY, SCHEMA, SCHEMA) == drift(BODY, SCHEMA) == drift(BODY, {})
    assert differences(SCHEMA, copy.deepcopy(SCHEMA)) == []


@pytest.mark.parametrize(
    "live",
    [
        None, 7, "schema", [], {}, {"properties": []}, {"properties": {}}, {"type": "object"}, {"$ref": "#"},
        {"properties": every(7)},
        {"properties": every({"type": "colour", "enum": "red", "minimum": "3", "maximum": None})},
        {"properties": every({"type": ["string", 7, None], "items": 3, "properties": 4})},
        {"properties": every({"$ref": "#/nowhere"}), "required": "prompt"},
        {"properties": every({"$ref": "https://example.com/x"}), "required": [None, {}, "absent"]},
        {"properties": every({"anyOf": [{"$ref": "#/properties/prompt"}]}), "anyOf": [{"$ref": "#"}]},
        changed(duration={"type": "integer", "default": "auto", "enum": []}, ratio={"type": "integer", "default": "a"}),
        changed(duration={"type": "string", "enum": [5, 10]}),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_stops_nobody(live):
    assert drift(BODY, live).breaking == []
    assert drift(BODY, live, SCHEMA).breaking == []
    assert drift(BODY, SCHEMA, live).breaking == []
    assert isinstance(differences(live, SCHEMA), list)


def test_what_the_model_said_before_is_no_change():
    odd = changed(ratio={"type": "string", "enum": ["9:16"]}, cfg=None)
    assert drift(BODY, odd).breaking
    assert drift(BODY, odd, odd).breaking == []


def test_inputs_are_compared_inside_lists_and_objects_too():
    shots = {"type": "array", "maxItems": 20, "items": {"properties": {"prompt": {}, "duration": {"minimum": 3}}}}
    body = {"multi_prompt": [{"prompt": "a", "duration": 3}, {"prompt": "b", "duration": 5}]}
    assert drift(body, {"properties": {"multi_prompt": shots}}).breaking == []
    shots["items"]["properties"]["duration"] = {"minimum": 4}
    (told,) = drift(body, {"properties": {"multi_prompt": shots}}).breaking
    assert "`multi_prompt[1].duration` takes at least 4 now" in told
    shots["items"]["properties"].pop("duration")
    assert len(drift(body, {"properties": {"multi_prompt": shots}}).breaking) == 2
    assert "at most 1 items" in drift(body, {"properties": {"multi_prompt": {"maxItems": 1}}}).breaking[0]


def test_files_count_as_their_addresses():
    body = {"images": [IMAGE, IMAGE], "video": Video(b"mp4")}
    live = {"properties": {"images": {"type": "array", "items": "image_uri"}, "video": {"type": "string"}}}
    assert drift(body, live).breaking == []
    live["properties"]["images"]["items"] = {"type": "string", "maxLength": 5, "enum": ["a"]}
    assert drift(body, live).breaking == []


def test_a_body_is_made_for_what_it_is_made_for_whatever_else_the_model_takes():
    """A model that says it takes more than it names may be sent what it doesn't name; not what it once named."""
    live = {**changed(cfg=None), "additionalProperties": True}
    assert drift(BODY, live).breaking == []
    assert "`cfg` is no longer an input" in drift(BODY, live, SCHEMA).breaking[0]


def test_names_and_values_from_outside_are_safe_to_show():
    live = requiring(changed(ratio={"enum": ["\x1b[2J" + "x" * 1000]}, **{"a\x07<b>": {}}), "a\x07<b>")
    for told in drift(BODY, live).breaking:
        assert told.isprintable()
        assert len(told) < 500


def test_random_schemas_never_raise():
    rng = random.Random(17)
    atoms = [None, True, 0, -1, 1.5, "", "string", "array", "#", "#/properties/a", 10**400, float("inf"), [], {}]
    words = ["type", "properties", "required", "enum", "const", "$ref", "anyOf", "oneOf", "allOf", "items", "minimum"]
    words += ["maxLength", "minItems", "additionalProperties", "default", "a", "prompt", "image", "duration"]

    def anything(depth: int) -> Any:
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(atoms)
        if rng.random() < 0.3:
            return [anything(depth - 1) for _ in range(rng.randrange(3))]
        return {rng.choice(words): anything(depth - 1) for _ in range(rng.randrange(6))}

    for _ in range(3000):
        live, known = anything(5), anything(5)
        for schema in (live, {"properties": live}):
            drift(BODY, schema, known)
            drift({"a": [{"a": IMAGE}], **BODY}, schema, SCHEMA)
            differences(schema, {"properties": known})


# -- what is in a model's place ----------------------------------------------------------------------------------------


def test_what_took_a_models_place_is_of_its_vendor_and_its_kind_the_likest_first():
    def names(model_id: str, *kinds: str) -> list[str]:
        return [entry.model_id for entry in successors(snapshot(), model_id, frozenset(kinds))]

    assert names("kling/kling-3.0/standard/image-to-video") == ["kling/kling-3.0/pro/image-to-video"]
    assert names("kling/kling-3.0/4k/text-to-video") == [], "never itself"
    assert names("bytedance/dreamina-3-0/pro/image-to-video") == ["bytedance/seedance-2.5/image-to-video/1080p"]
    assert names("runwayml/gen-5", "video-to-video") == ["runwayml/runway-aleph-2/video-to-video"]
    assert names("google-deepmind/veo-3/image-to-video") == []
    assert names("bytedance/seedream-6/image-to-image") == []


# -- the five nodes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_id", sorted(sandbox_schemas()))
def test_a_published_contract_is_the_same_as_itself(model_id):
    schema = sandbox_schemas()[model_id]
    assert differences(schema, copy.deepcopy(schema)) == []
