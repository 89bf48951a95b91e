"""Whatever is published as a schema makes a node and bodies that keep it, or says why it can't. Nothing else."""

from __future__ import annotations

import os
import unicodedata
from typing import Any

import pytest
from comfy_api.latest import io
from counts import count
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from remote_video_pack.nodes.inputs import model_input
from remote_video_pack.remote_video.catalogue.catalogue import Catalogue
from remote_video_pack.remote_video.catalogue.entry import Entry, Unreadable
from remote_video_pack.remote_video.catalogue.model import CatalogueModel, video_models
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.models.fields import UNSET, Choice, Field, Flag, Number, Text
from remote_video_pack.remote_video.models.groups import Repeated
from remote_video_pack.remote_video.models.media_fields import Footage, MediaField, Picture

from .published import ADDRESS, PICTURE, SOUND, given_values, odd, properties, schemas, words
from .strict import broken

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
pytestmark = pytest.mark.timeout(3600 if SOAK else 120)


def examples(usual: int):
    return settings(
        max_examples=usual * 25 if SOAK else usual,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def model_of(schema: Any) -> CatalogueModel:
    return CatalogueModel(Entry("acme/motion/image-to-video", "Acme", frozenset(("image-to-video",)), schema))


def check_node(field: Field) -> None:
    """An input that ComfyUI can make a node of."""
    entry = model_input(field)
    assert entry.id == field.name
    assert isinstance(entry.tooltip, str) and entry.tooltip
    assert not {unicodedata.category(char) for char in entry.tooltip} & {"Cc", "Cs", "Zl", "Zp"}
    if isinstance(entry, io.Combo.Input):
        assert entry.default in entry.options
        assert all(isinstance(option, (str, int, float)) and not isinstance(option, bool) for option in entry.options)
    elif isinstance(entry, (io.Int.Input, io.Float.Input)):
        assert entry.min <= entry.default <= entry.max
        assert entry.min >= -(2**53) and entry.max <= 2**64
        assert all(isinstance(value, int) for value in (entry.min, entry.max, entry.default)) or isinstance(
            entry, io.Float.Input
        )
    elif isinstance(entry, io.String.Input):
        assert isinstance(entry.default, str)
        entry.default.encode()
    elif isinstance(entry, io.Boolean.Input):
        assert isinstance(entry.default, bool)
    elif isinstance(field, Repeated):
        for _, *inner in ((option.key, *option.inputs) for option in entry.options):
            assert len({one.id for one in inner}) == len(inner)
        for inner in field.group(1):
            check_node(inner)


def needed(field: Field) -> Any:
    """What has to be given because there is no default."""
    if isinstance(field, MediaField) and field.required:
        file: Any = PICTURE if isinstance(field, Picture) else b"mp4" if isinstance(field, Footage) else SOUND
        return [file] * max(field.fewest, 1) if field.takes_several else file
    if isinstance(field, Text) and field.required and not field.default:
        return "w" * max(field.min_length, 1)
    return None


def body_or_refusal(model: CatalogueModel, values: dict[str, Any], schema: Any) -> bool:
    """Whether it made a body; that it kept the schema; that nothing but a refusal came in its place."""
    assert model.problem(values) is None or isinstance(model.problem(values), str)
    try:
        request = model.request(values)
    except InputRefused as refusal:
        assert refusal.what.startswith("Acme: ")
        assert len(str(refusal)) < 20_000
        str(refusal).encode()
        return False
    assert broken(request.body, schema) is None
    assert len(request.key("base", "account")) == 64
    return True


@examples(250)
@given(schemas(), st.data())
def test_any_schema_makes_a_node_and_bodies_that_keep_it_or_says_why_not(schema, data):
    try:
        model = model_of(schema)
    except Unreadable as why:
        event("unreadable")
        assert 0 < len(str(why)) < 2_500
        str(why).encode()
        return
    names = [field.name for field in model.fields]
    assert len(set(names)) == len(names)
    assert names[0] == "prompt" and names[-1] == "seed"
    for field in model.fields:
        check_node(field)
    usual = {field.name: needed(field) for field in model.fields}
    made = body_or_refusal(model, usual, schema)
    event(f"made by default: {made}")
    for _ in range(2):
        given = {name: data.draw(given_values, name) for name in names if data.draw(st.booleans())}
        made = body_or_refusal(model, {**usual, **given}, schema)
        event(f"made of anything: {made}")
    count("published schemas tried")


junk = st.recursive(odd | words, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
GOOD = {
    "model_id": "acme/good/image-to-video",
    "kind": "image-to-video",
    "input_schema": {"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
}
KEYS = ("model_id", "display_name", "categories", "kind", "base_price_usd", "price_unit", "pricing_note", "description")


@examples(100)
@given(st.lists(junk | st.fixed_dictionaries({}, optional={**dict.fromkeys(KEYS, junk), "input_schema": properties})))
def test_a_catalogue_of_junk_is_read_and_the_good_models_work(listing):
    catalogue = Catalogue.of([*listing, GOOD])
    models = video_models(catalogue)
    assert models[GOOD["model_id"]].request({"prompt": "a wave"}).body == {"prompt": "a wave"}
    assert len(catalogue.entries) + len(catalogue.left_out) == len(listing) + 1


# -- schemas that make sense ---------------------------------------------------------------------------------------


@st.composite
def sensible(draw: st.DrawFn) -> dict[str, Any]:
    """One property whose keywords agree with each other."""
    kind = draw(st.sampled_from(["integer", "float", "words", "numbers", "string", "boolean", "image", "images"]))
    low = draw(st.integers(-100, 100))
    high = low + draw(st.integers(0, 100))
    usual = draw(st.integers(low, high))
    says: dict[str, Any] = {
        "integer": {"type": "integer", "minimum": low, "maximum": high, "default": usual},
        "float": {"type": "float", "exclusiveMinimum": low, "maximum": high + 0.5, "default": usual + 0.5},
        "words": {"type": "string", "enum": [f"a{low}", f"a{high}", "auto"], "default": "auto"},
        "numbers": {"type": "integer", "enum": [low, usual, high], "default": usual},
        "string": {"type": "string", "minLength": abs(low), "maxLength": abs(low) + 5, "default": "a" * abs(low)},
        "boolean": {"type": "boolean", "default": True},
        "image": {"type": "string", "format": "image_uri"},
        "images": {"type": "array", "format": "image_uris", "minItems": 1, "maxItems": abs(low) + 1},
    }[kind]
    if draw(st.booleans()):
        says.pop("default", None)
    if draw(st.integers(0, 3)) == 0:
        says = {"anyOf": [says, {"type": "null"}], "default": says.pop("default", None), "title": "A"}
    return says


@examples(150)
@given(st.dictionaries(st.sampled_from("abcdefg"), sensible(), min_size=1), st.data())
def test_a_sensible_schema_leaves_nothing_out_and_takes_all_it_says(described, data):
    schema = {"properties": described, "required": [name for name in described if data.draw(st.booleans())]}
    model = model_of(schema)
    assert model.left_out == {}
    assert {field.name for field in model.own} == set(described)
    usual = {field.name: needed(field) for field in model.fields}
    assert body_or_refusal(model, usual, schema)
    for field in model.own:
        for value in ends(field):
            body = model.request({**usual, field.name: value}).body
            assert broken(body, schema) is None
            if value not in (UNSET, None) and not isinstance(field, MediaField):
                assert body.get(field.wire) == value


def ends(field: Field) -> list[Any]:
    """Values at the limits of what a field takes."""
    if isinstance(field, Choice):
        return [*field.choices, *([UNSET] if field.default is None else [])]
    if isinstance(field, Number):
        return [field.minimum, field.maximum]
    if isinstance(field, Text):
        return ["b" * max(field.min_length, 1), "b" * (field.max_length or 1)]
    if isinstance(field, MediaField):
        return [[ADDRESS] * (field.most or 1)] if field.takes_several else [ADDRESS]
    return [True, False] if isinstance(field, Flag) else []
