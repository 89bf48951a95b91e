"""Input schemas as somebody might publish them, and values as somebody might give them: good, odd and hostile."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import strategies as st

PICTURE = torch.rand(1, 24, 32, 3)
SOUND = {"waveform": torch.zeros(1, 2, 50), "sample_rate": 8000}
ADDRESS = "https://example.com/a.png?sig=1"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a\x00b\x1b[2J\r\n",
    "half \ud800 of a character",
    "x" * 10_000,
    "__proto__",
    "constructor",
    "{number}{0}{",
    "%s %(a)s",
    "\u202eabc",
    "a.b",
    "a/~b",
    "",
    "1st",
    "\u540d\u524d",
]
NAMES = [
    *("prompt", "seed", "model", "fit", "files", "frames", "wait", "model_", "duration", "aspect_ratio", "resolution"),
    *("text", "negative_prompt", "image", "image_url", "end_image_url", "video_url", "audio_url", "images", "videos"),
    *("image_url_1", "image_url_2", "image_url_3", "video_uri_1", "elements", "multi_prompt", "scale", "keyframes"),
]
NUMBERS = [-math.inf, -1e300, -(2**60), -5, -1, 0, 0.1, 0.5, 1, 3, 5.0, 15, 2**31, 2**53 + 1, 2**64, 1e300, math.nan]
ODD = [None, True, False, "", "5", "auto", [], {}, [1], {"a": 1}, 10**400, *NUMBERS]
TYPES = ["string", "integer", "number", "float", "int", "bool", "boolean", "array", "object", "null", "date", 7, None]


def pick(listed: list[Any]) -> st.SearchStrategy:
    """One of them, without a word of them all where hypothesis says what it tries."""
    return st.integers(0, len(listed) - 1).map(lambda number: listed[number])


odd = pick(ODD)
numbers = pick(NUMBERS) | st.integers(-20, 20) | st.floats(-20, 20)
words = pick(HOSTILE) | st.text(max_size=12)
limits = numbers | odd
types = st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3)


def some(**keywords: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    """A schema with any of these keywords."""
    spelled = {name.strip("_").replace("__", "$"): strategy for name, strategy in keywords.items()}
    return st.fixed_dictionaries({}, optional=spelled)


said_of_all = {"default": odd | words, "description": words | odd, "title": words}
numeric = some(
    type=st.sampled_from(["integer", "number", "float", "int", ["number", "null"]]),
    minimum=limits,
    maximum=limits,
    exclusiveMinimum=limits,
    exclusiveMaximum=limits,
    multipleOf=limits,
    **said_of_all,
)
textual = some(type=st.just("string"), minLength=limits, maxLength=limits, format=words, **said_of_all)
switches = some(type=st.just("boolean"), enum=st.lists(odd, max_size=2), **said_of_all)
chosen = some(type=types, enum=st.lists(odd | words, max_size=5) | odd, const=odd, **said_of_all)
formats = st.sampled_from(["image_uri", "image_uris", "video_uri", "audio_uri", "audio_uris", "uri", "date", 5])
rules = st.sampled_from(
    ["file_size_mb<", "width_pixels>", "height_pixels<=", "width/height >", "width/height<", "fps<"]
)
validations = st.lists(some(validation_rule=rules | odd, validation_value=limits) | odd, max_size=3) | odd
media = some(
    type=st.sampled_from(["string", "array", ["string", "null"], ["array", "null"]]),
    format=formats,
    items=some(type=st.just("string"), format=formats) | formats,
    minItems=limits,
    maxItems=limits,
    validations=validations,
    **said_of_all,
)
references = st.sampled_from(
    ["#", "#/properties/prompt", "#/properties/image", "#/$defs/a", "#/$defs/b", "#/nowhere", "http://x/y", ""]
)
odd_ones = odd | some(__ref=references, **said_of_all)
simple = numeric | textual | switches | chosen | media | odd_ones


def _combined(inner: st.SearchStrategy) -> st.SearchStrategy:
    listed = st.lists(inner, max_size=3)
    names = st.sampled_from(["prompt", "duration", "a", "frontal_image_url", "video_url", "reference_image_urls", ""])
    properties = st.dictionaries(names, inner, max_size=4)
    required = st.lists(names | odd, max_size=2) | odd
    return st.one_of(
        some(anyOf=listed, type=types, default=odd, minimum=limits),
        some(oneOf=listed, allOf=listed, description=words),
        some(type=st.just("array"), items=inner, minItems=limits, maxItems=limits, default=odd),
        some(
            type=st.just("array"),
            items=some(type=st.just("object"), properties=properties, required=required),
            minItems=limits,
            maxItems=limits,
        ),
        some(type=st.just("object"), properties=properties, required=required, additionalProperties=odd),
    )


properties = st.recursive(simple, _combined, max_leaves=4)
names = pick(NAMES) | pick(HOSTILE) | st.text(max_size=6)


@st.composite
def schemas(draw: st.DrawFn) -> Any:
    """The schema of a model's input, mostly of many inputs."""
    if draw(st.integers(0, 19)) == 0:
        return draw(properties | odd)
    described = draw(st.dictionaries(names, properties, max_size=8))
    required = draw(st.lists(st.sampled_from([*described, "b"]) if described else words, max_size=3) | odd)
    schema = {"type": "object", "properties": described, "required": required}
    if draw(st.booleans()):
        schema["$defs"] = {"a": draw(properties), "b": {"$ref": "#/$defs/a"}}
    if draw(st.integers(0, 9)) == 0:
        return {"$ref": "#/$defs/whole", "$defs": {**schema.pop("$defs", {}), "whole": schema}}
    return schema


FILES = [PICTURE, torch.rand(3, 24, 32, 3), torch.zeros(0, 4, 4, 3), b"an MP4", SOUND, ADDRESS, "http://x/", "data:,a"]
DATA = ['{"a": 1}', "[1, 2]", "[", '[{"prompt": "a", "duration": 3}]', "NaN", '"\\ud800"', "[" * 500 + "]" * 500]
GIVEN: list[Any] = [*ODD, *FILES, *DATA, *HOSTILE, 1j, object(), {"b_10": PICTURE, "b_9": ADDRESS}, [ADDRESS, PICTURE]]
given_values = pick(GIVEN) | numbers | st.text(max_size=5)
