"""What each model accepts, read from the published contracts beside this file and checked as a provider would.

Deliberately independent of the engine's own checks: where the two disagree, a test notices.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .pictures import MAX_IMAGE_BYTES, MAX_VIDEO_BYTES, MediaRefused, Picture, open_footage, open_picture, read_uri

CONTRACTS = Path(__file__).parent / "contracts"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
BOUNDS = {
    "gt": (lambda value, bound: value > bound, "greater than"),
    "ge": (lambda value, bound: value >= bound, "at least"),
    "lt": (lambda value, bound: value < bound, "less than"),
    "le": (lambda value, bound: value <= bound, "at most"),
}
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Breach:
    """One thing the input breaks, as it is named in `detail[]`."""

    location: Location
    message: str
    kind: str

    @property
    def detail(self) -> dict[str, Any]:
        return {"loc": ["body", *self.location], "msg": self.message, "type": self.kind}


@dataclass
class Checked:
    """Inputs with defaults filled in and every URI replaced by the name of the file that was behind it."""

    inputs: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    footage: dict[str, bytes] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)

    def breach(self, location: Location, message: str, kind: str) -> None:
        self.breaches.append(Breach(location, message, kind))


@dataclass(frozen=True)
class Contract:
    """One model's published input contract."""

    model_id: str
    required: tuple[str, ...]
    properties: Mapping[str, Mapping[str, Any]]

    def check(self, body: Any) -> Checked:
        """Hold a JSON body against the contract, opening every image and video in it."""
        checked = Checked()
        if not isinstance(body, dict):
            checked.breach((), "Input should be a JSON object", "dict_type")
            return checked
        for name in body.keys() - self.properties.keys():
            checked.breach((name,), "Extra inputs are not permitted", "extra_forbidden")
        for name in self.required:
            if body.get(name) is None:
                checked.breach((name,), "Field required", "missing")
        for name, spec in self.properties.items():
            value = body.get(name, spec.get("default"))
            if value is not None:
                checked.inputs[name] = _value(value, spec, (name,), checked)
        if not checked.breaches:
            _sum_of_shots(checked)
        return checked

    @property
    def input_schema(self) -> dict[str, Any]:
        """The contract as the model info gives it."""
        return {"type": "object", "required": list(self.required), "properties": dict(self.properties)}


@cache
def runcomfy_contracts() -> Mapping[str, Contract]:
    """Model id -> contract, for every RunComfy model in the folder."""
    found = {}
    for path in sorted(CONTRACTS.glob("*.json")):
        published = json.loads(path.read_text(encoding="utf-8"))
        if published["provider"] == "runcomfy":
            model_id = published["model_id"]
            found[model_id] = Contract(model_id, tuple(published["required"]), published["properties"])
    return found


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _value(value: Any, spec: Mapping[str, Any], where: Location, checked: Checked) -> Any:
    kind = spec.get("type", "object")
    if not _is_a(value, kind):
        checked.breach(where, f"Input should be a valid {kind}", f"{kind}_type")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        checked.breach(where, "Input should be a finite number", "finite_number")
        return None
    if spec.get("format") in ("image_uri", "video_uri"):
        return _media(value, spec["format"], spec.get("image", {}), where, checked)
    _limits(value, spec, where, checked)
    if kind == "array":
        return [_item(item, spec, (*where, index), checked) for index, item in enumerate(value)]
    return value


def _item(item: Any, spec: Mapping[str, Any], where: Location, checked: Checked) -> Any:
    kinds = spec["items"]
    if isinstance(kinds, str):
        return _value(item, {"type": "string", "format": kinds, "image": spec.get("image", {})}, where, checked)
    if not isinstance(item, dict):
        checked.breach(where, "Input should be a valid object", "dict_type")
        return None
    for name in item.keys() - kinds.keys():
        checked.breach((*where, name), "Extra inputs are not permitted", "extra_forbidden")
    found = {}
    for name, field_spec in kinds.items():
        value = item.get(name, field_spec.get("default"))
        if value is not None:
            found[name] = _value(value, field_spec, (*where, name), checked)
    return found


def _limits(value: Any, spec: Mapping[str, Any], where: Location, checked: Checked) -> None:
    if "enum" in spec and value not in spec["enum"]:
        choices = ", ".join(repr(choice) for choice in spec["enum"])
        checked.breach(where, f"Input should be {choices}; found {value!r}", "enum")
    if isinstance(value, str):
        size, unit, low, high = len(value), " characters", spec.get("minLength"), spec.get("maxLength")
    elif isinstance(value, list):
        size, unit, low, high = len(value), " items", spec.get("minItems"), spec.get("maxItems")
    else:
        size, unit, low, high = value, "", spec.get("minimum"), spec.get("maximum")
    if low is not None and size < low:
        checked.breach(where, f"Input should be at least {low}{unit}; found {size}", "too_small")
    if high is not None and size > high:
        checked.breach(where, f"Input should be at most {high}{unit}; found {size}", "too_large")


def _media(uri: str, kind: str, rules: Mapping[str, Any], where: Location, checked: Checked) -> str | None:
    stem = "-".join(str(part) for part in where)
    try:
        if kind == "video_uri":
            data, _ = read_uri(uri, MAX_VIDEO_BYTES)
            checked.footage[f"{stem}.mp4"] = open_footage(data)
            return f"{stem}.mp4"
        picture = open_picture(*read_uri(uri, MAX_IMAGE_BYTES))
    except MediaRefused as error:
        checked.breach(where, str(error), kind)
        return None
    _picture_limits(picture, rules, where, checked)
    checked.pictures[stem + picture.suffix] = picture
    return stem + picture.suffix


def _picture_limits(picture: Picture, rules: Mapping[str, Any], where: Location, checked: Checked) -> None:
    types = rules.get("types")
    short = picture.mime.removeprefix("image/")
    if types and short not in types:
        checked.breach(where, f"image type should be {', '.join(types)}; found {short}", "image_type")
    measures = {
        "file_mb": (len(picture.data) / 1e6, "file size in MB"),
        "width_px": (picture.width, "image width in px"),
        "height_px": (picture.height, "image height in px"),
        "width_over_height": (picture.width / picture.height, "image width / height"),
    }
    for name, (value, words) in measures.items():
        for bound, limit in rules.get(name, {}).items():
            holds, how = BOUNDS[bound]
            if not holds(value, limit):
                checked.breach(where, f"{words} should be {how} {limit}; found {value:g}", f"image_{name}")


def _sum_of_shots(checked: Checked) -> None:
    shots = checked.inputs.get("multi_prompt")
    if not shots:
        return
    total, wanted = sum(shot["duration"] for shot in shots), checked.inputs["duration"]
    if total != wanted:
        message = f"durations of the shots add up to {total} s; they should add up to duration, {wanted} s"
        checked.breach(("multi_prompt",), message, "sum_of_durations")
