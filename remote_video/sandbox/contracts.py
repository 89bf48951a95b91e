"""What a model accepts: its schema as the catalogue publishes it, held against a body as strictly as a provider would.

Deliberately independent of the engine's own reading of schemas: where the two disagree, a test notices.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .submitted import MAX_IMAGE_BYTES, MAX_VIDEO_BYTES, MediaRefused, Submitted, open_media, read_uri

Spec = Mapping[str, Any]
Location = tuple[str | int, ...]
Breach = dict[str, Any]
"""One thing the input breaks, as it is named in `detail[]`."""

TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("integer", "number", "float"), (int, float)),
    **{"string": (str,), "boolean": (bool,), "array": (list,), "object": (dict,), "null": (type(None),)},
}
AT_LEAST, AT_MOST = (operator.ge, "at least"), (operator.le, "at most")
LENGTHS, COUNTS = {"minLength": AT_LEAST, "maxLength": AT_MOST}, {"minItems": AT_LEAST, "maxItems": AT_MOST}
STRICT = {"exclusiveMinimum": (operator.gt, "greater than"), "exclusiveMaximum": (operator.lt, "less than")}
BOUNDS = {"minimum": AT_LEAST, "maximum": AT_MOST, **STRICT}
SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
WANTS_ADDRESS = "URL scheme should be 'https' (asked for by [https-only] in the prompt)"
RULE = re.compile(r"(.+?)\s*(<=|>=|<|>)")
"""A `validation_rule` of a file, such as "file_size_mb<"."""
MEDIA_NAME = re.compile(r"ur[li]s?(_\d+)?$", re.IGNORECASE)
MEDIA_WORDS = {"image": "image|frame|photo|picture|mask", "video": "video|clip|footage", "audio": "audio|sound|voice"}
MOST_REFERENCES = 20
MOST_NAME = 80


def breach(where: Location, message: str, kind: str) -> Breach:
    return {"loc": ["body", *where], "msg": message, "type": kind}


@dataclass
class Checked:
    """A body held against a contract.

    Args:
        by_address: whether media have to be addresses.
        inputs: as they were sent, each URI replaced by the name of the file that was behind it.
        files: those files by name, in the schema's order. An address that wasn't asked has none.
        breaches: what is wrong; none when the body is good.
    """

    by_address: bool = False
    inputs: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Submitted] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)

    def breach(self, location: Location, message: str, kind: str) -> None:
        self.breaches.append(breach(location, message, kind))


@dataclass(frozen=True)
class Contract:
    """One model's input schema; an invalid schema accepts anything."""

    schema: Any

    def check(self, body: Any, *, by_address: bool = False) -> Checked:
        """Hold a JSON body against the schema, opening every image, video and sound in it, or taking addresses only."""
        checked = Checked(by_address)
        if not isinstance(body, dict):
            checked.breach((), "Input should be a JSON object", "dict_type")
            return checked
        checked.inputs = self._value(body, self.schema, (), checked)
        if not checked.breaches:
            self._sum_of_shots(checked)
        return checked

    def settled(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs with the schema's defaults for what was not sent."""
        settled: dict[str, Any] = _with_defaults(inputs, self._resolved(self.schema))
        return settled

    def _value(self, value: Any, spec: Any, where: Location, checked: Checked) -> Any:
        """The value with files in place of their URIs; what is wrong with it goes to `checked`."""
        spec = self._resolved(spec)
        if value is None and _nullable(spec):
            return None
        if choices := _listed(spec, "anyOf") or _listed(spec, "oneOf"):
            return self._one_of(value, choices, where, checked)
        kinds = _kinds(spec)
        if kinds and not any(_is_a(value, kind) for kind in kinds):
            checked.breach(where, f"Input should be a valid {' or '.join(map(str, kinds))}", f"{kinds[0]}_type")
        elif isinstance(value, float) and not math.isfinite(value):
            checked.breach(where, "Input should be a finite number", "finite_number")
        elif isinstance(value, str) and (media := _media_kind(spec, where)):
            return _file(value, media, spec, where, checked)
        else:
            _limits(value, spec, where, checked)
            return self._inside(value, spec, where, checked)
        return None

    def _inside(self, value: Any, spec: Spec, where: Location, checked: Checked) -> Any:
        properties = spec.get("properties")
        if isinstance(value, list):
            item = _item(spec)
            return [self._value(one, item, (*where, index), checked) for index, one in enumerate(value)]
        if not isinstance(value, dict) or not isinstance(properties, Mapping):
            return value
        more = spec.get("additionalProperties", False)
        for name in _listed(spec, "required"):
            if name not in value:
                checked.breach((*where, name), "Field required", "missing")
        found = {}
        unknown = [name for name in value if name not in properties]
        for name in (*(name for name in properties if name in value), *unknown):
            if name in properties or more:
                found[name] = self._value(value[name], properties.get(name, more), (*where, name), checked)
            else:
                checked.breach((*where, name), "Extra inputs are not permitted", "extra_forbidden")
        return found

    def _one_of(self, value: Any, choices: list[Any], where: Location, checked: Checked) -> Any:
        tries: list[Checked] = []
        for choice in choices:
            tries.append(Checked(checked.by_address, files=dict(checked.files)))
            found = self._value(value, choice, where, tries[-1])
            if not tries[-1].breaches:
                checked.files.update(tries[-1].files)
                return found
        checked.breaches += min(tries, key=lambda one: len(one.breaches)).breaches
        return None

    def _resolved(self, spec: Any) -> Spec:
        """A schema with what it refers to, inside the same document, in place; {} for what is none."""
        for _ in range(MOST_REFERENCES):
            if not isinstance(spec, Mapping):
                return {}
            for part in _listed(spec, "allOf"):
                spec = {**spec, **self._resolved(part), "allOf": None}
            reference = spec.get("$ref")
            if not isinstance(reference, str):
                return dict(spec)
            rest = {name: value for name, value in spec.items() if name != "$ref"}
            target: Any = self.schema
            for step in reference.removeprefix("#").strip("/").split("/"):
                target = target.get(step) if step and isinstance(target, Mapping) else target
            spec = {**target, **rest} if isinstance(target, Mapping) and target is not self.schema else rest
        return {}

    def _sum_of_shots(self, checked: Checked) -> None:
        """Shots have to fill the clip: a rule of every model that takes them, which no schema says."""
        settled = self.settled(checked.inputs)
        shots, wanted = settled.get("multi_prompt"), settled.get("duration")
        if not isinstance(shots, list) or not shots or _number(wanted) is None:
            return
        lengths = [_number(shot.get("duration")) if isinstance(shot, dict) else None for shot in shots]
        total = sum(length or 0 for length in lengths)
        if None not in lengths and total != wanted:
            message = f"durations of the shots add up to {total} s; they should add up to duration, {wanted} s"
            checked.breach(("multi_prompt",), message, "sum_of_durations")


def _with_defaults(value: Any, spec: Any) -> Any:
    spec = spec if isinstance(spec, Mapping) else {}
    if isinstance(value, list):
        return [_with_defaults(one, spec.get("items")) for one in value]
    properties = spec.get("properties")
    if not isinstance(value, Mapping) or not isinstance(properties, Mapping):
        return value
    known = {name: one for name, one in properties.items() if isinstance(one, Mapping)}
    defaults = {name: one["default"] for name, one in known.items() if one.get("default") is not None}
    return {**defaults, **{name: _with_defaults(one, known.get(name)) for name, one in value.items()}}


def _listed(spec: Spec, name: str) -> list[Any]:
    listed = spec.get(name)
    return listed if isinstance(listed, list) else []


def _kinds(spec: Spec) -> list[Any]:
    """The types a schema names, where all of them are known."""
    kinds = _listed(spec, "type") or [spec.get("type") or ("object" if "properties" in spec else None)]
    return kinds if all(isinstance(kind, str) and kind in TYPES for kind in kinds) else []


def _is_a(value: Any, kind: str) -> bool:
    if kind == "integer" and isinstance(value, float) and not value.is_integer():
        return False
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _nullable(spec: Spec) -> bool:
    kinds = _kinds(spec)
    null_default = "default" in spec and spec["default"] is None
    return null_default or spec.get("nullable") is True or None in _listed(spec, "enum") or "null" in kinds


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _item(spec: Spec) -> Spec:
    """What each item of an array is: of media, the array itself may say which and within what limits."""
    item = spec.get("items")
    item = item if isinstance(item, Mapping) else {}
    if "properties" in item or item.get("type", "string") != "string":
        return item
    inherited = {name: spec[name] for name in ("format", "validations") if name in spec}
    return {**inherited, **({"type": "string"} if "format" in inherited else {}), **item}


def _media_kind(spec: Spec, where: Location) -> str:
    """Image, video or audio, by the format, else by what the input is called; "" for a text."""
    named = str(spec.get("format") or "uri")
    if named in ("uri", "url"):
        named = next((part for part in reversed(where) if isinstance(part, str)), "")
    if not MEDIA_NAME.search(named):
        return ""
    return next((kind for kind, words in MEDIA_WORDS.items() if re.search(words, named, re.IGNORECASE)), "")


def _limits(value: Any, spec: Spec, where: Location, checked: Checked) -> None:
    choices = [spec["const"]] if "const" in spec else spec.get("enum")
    if isinstance(choices, list) and not any(type(value) is type(one) and value == one for one in choices):
        listed = ", ".join(repr(choice) for choice in choices)
        checked.breach(where, f"Input should be {listed}; found {value!r}", "enum")
    for wrong in _wrong_sizes(value, spec):
        checked.breach(where, f"Input should be {wrong}", "limit")


def _wrong_sizes(value: Any, spec: Spec) -> Iterator[str]:
    measured, unit, bounds = _number(value), "", BOUNDS
    if isinstance(value, (str, list)):
        measured, unit = len(value), " characters" if isinstance(value, str) else " items"
        bounds = LENGTHS if isinstance(value, str) else COUNTS
    if measured is None:
        return
    for name, (holds, words) in bounds.items():
        if (bound := _number(spec.get(name))) is not None and not holds(measured, bound):
            yield f"{words} {bound}{unit}; found {measured}"
    step = None if unit else _number(spec.get("multipleOf"))
    if step and not math.isclose(measured / step, round(measured / step), abs_tol=1e-9):
        yield f"a multiple of {step}; found {measured}"


def _file(uri: str, kind: str, spec: Spec, where: Location, checked: Checked) -> str | None:
    if checked.by_address and uri[:5].lower() == "data:":
        checked.breach(where, WANTS_ADDRESS, "url_scheme")
        return None
    try:
        read = read_uri(uri, MAX_IMAGE_BYTES if kind == "image" else MAX_VIDEO_BYTES)
        if read is None:
            return uri
        file = open_media(kind, *read)
    except MediaRefused as error:
        checked.breach(where, str(error), f"{kind}_uri")
        return None
    for rule in _listed(spec, "validations"):
        if isinstance(rule, Mapping) and (wrong := _broken_rule(file, rule)):
            checked.breach(where, wrong, f"{kind}_limit")
    name = re.sub(r"[^\w.-]", "_", "-".join(str(part) for part in where))[-MOST_NAME:] + file.suffix
    checked.files[name] = file
    return name


def _broken_rule(file: Submitted, rule: Spec) -> str:
    """What is wrong with a file by one entry of `validations`; "" when it holds, or isn't understood."""
    said, limit = str(rule.get("validation_rule")), rule.get("validation_value")
    if said == "file_type" and isinstance(limit, list):
        short = file.mime.partition("/")[2]
        return "" if short in limit else f"file type should be {', '.join(map(str, limit))}; found {short}"
    measures = {
        "file_size_mb": len(file.data) / 1e6,
        "width_pixels": file.width,
        "height_pixels": file.height,
        "width/height": file.width / (file.height or 1),
        "duration_seconds": file.seconds,
    }
    match, bound = RULE.fullmatch(said), _number(limit)
    if not match or bound is None or match[1] not in measures or SIGNS[match[2]](measures[match[1]], bound):
        return ""
    return f"{match[1]} should be {match[2]} {bound}; found {measures[match[1]]:g}"
