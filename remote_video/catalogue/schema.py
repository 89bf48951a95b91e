"""A published input schema read into the fields of a model: liberal in reading, strict in what is sent afterwards.

Source: https://json-schema.org/draft/2020-12, as RunComfy's `GET /v1/models?include_schema=true` uses it: media are
strings or arrays with a `format` such as image_uri, and carry `validations`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputRefused
from ..models.fields import LARGEST_SEED, Choice, Field, Flag, Number, Seed, Text, seed_field
from ..models.groups import Json, Repeated
from ..models.json_schema import types_of
from ..models.kling_elements import PARTS, Elements
from ..outside_text import message
from .entry import Unreadable
from .media_schema import media_field, media_kind

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
NUMBERED = re.compile(r"(.+)_([1-9][0-9]?)")
TAKEN = frozenset(("prompt", "seed", "model", "fit", "files"))
"""Names that mean something else beside a model's own inputs; an own input of such a name gets a _ at its end."""
MOST_PROPERTIES, MOST_CHOICES, MOST_PARTS, MOST_GROUPS = 80, 200, 6, 8
LONGEST_CHOICE, LONGEST_TOOLTIP = 200, 400
DEEPEST_REFERENCE = 10
LARGEST_WHOLE, LARGEST = 2**31 - 1, 1e9
SAFE = 2**53 - 1
"""A browser counts no further."""
PROSE = re.compile("prompt|text|script|lyrics|description|caption|dialog")
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a schema says.

    Args:
        fields: `prompt` first, then the model's own in the schema's order, then `seed`.
        own: those that stand below the model's name on the node.
        left_out: by property, why it could not be understood.
    """

    fields: tuple[Field, ...]
    own: tuple[Field, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


class NoWords(Text):
    """The prompt of a model that has none: words would be lost."""

    def check(self, value: Any) -> str:
        """See `Field.check`."""
        if self.read(value).strip():
            raise self.refuse("not empty", "this model takes no prompt", "Empty it, or choose another model.")
        return ""


def read(schema: Any) -> Reading:
    """Read the schema of a model's input.

    Raises:
        Unreadable: something that the model needs can't be understood.
    """
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        raise Unreadable("its input schema has no properties")
    said = schema.get("required")
    required = {name for name in said if isinstance(name, str)} if isinstance(said, list) else set()
    if missing := sorted(required - properties.keys()):
        raise Unreadable(f"it needs {message(missing[0])[:80]}, which its schema does not describe")
    found: dict[str, Field] = {}
    left_out: dict[str, str] = {}
    numbered = dict(_numbered(properties))
    for name, published in list(properties.items())[:MOST_PROPERTIES]:
        family, group = numbered.get(str(name), (str(name), ()))
        if family in found or family in left_out:
            continue
        try:
            resolved = _resolved(published, schema)
            is_needed = name in required
            found[family] = (
                _numbered_field(family, group, resolved, is_needed) if group else _field(name, resolved, is_needed)
            )
        except (Unreadable, InputRefused) as why:
            if name in required:
                raise Unreadable(f"its input {message(str(name))[:80]} can't be understood: {why}") from None
            left_out[message(str(name))[:80]] = str(why)
    prompt = found.pop("prompt", None)
    if prompt is not None and not isinstance(prompt, Text):
        found["prompt"], prompt = prompt, None
    seed = found.pop("seed", None)
    if seed is not None and not isinstance(seed, Seed):
        found["seed"], seed = seed, None
    own = tuple(_renamed(f) for f in found.values())
    words = prompt or NoWords("prompt", None, "This model takes no prompt.")
    return Reading((words, *_with_sums(own), seed or seed_field(None)), _with_sums(own), left_out)


def _renamed(own: Field) -> Field:
    return replace(own, name=f"{own.name}_") if own.name in TAKEN else own


def _with_sums(own: tuple[Field, ...]) -> tuple[Field, ...]:
    """Shots with a length add up to the clip's, and so there can be only so many."""
    whole = next((f for f in own if f.name == "duration" and isinstance(f, Number) and f.whole), None)
    changed: list[Field] = []
    for f in own:
        part = next((p for p in f.of if p.name == "duration"), None) if isinstance(f, Repeated) else None
        if isinstance(f, Repeated) and isinstance(whole, Number) and isinstance(part, Number) and part.minimum > 0:
            room = max(f.fewest, int(whole.maximum // part.minimum))
            f = replace(f, most=min(f.most, room), adds_up=("duration", whole))
        changed.append(f)
    return tuple(changed)


def _numbered(properties: Schema) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Media whose names are numbered from 1 on: by name, the name they share, and all of them."""
    families: dict[str, list[int]] = {}
    for name, published in properties.items():
        if (
            (parts := NUMBERED.fullmatch(str(name)))
            and isinstance(published, Mapping)
            and media_kind(parts[1], published)
        ):
            families.setdefault(parts[1], []).append(int(parts[2]))
    for family, numbers in families.items():
        if len(numbers) > 1 and sorted(numbers) == list(range(1, len(numbers) + 1)) and family not in properties:
            names = tuple(f"{family}_{number}" for number in sorted(numbers))
            for name in names:
                yield name, (family, names)


def _numbered_field(family: str, names: tuple[str, ...], published: Schema, required: bool) -> Field:
    return media_field(family, published, _tooltip(family, published), required, numbered=len(names))


# -- one property ------------------------------------------------------------------------------------------------------


def _resolved(published: Any, whole: Schema, depth: int = 0) -> Schema:
    """A property with its references followed and its alternatives reduced to one. Raises Unreadable."""
    if not isinstance(published, Mapping):
        raise Unreadable("it is no object")
    if depth > DEEPEST_REFERENCE:
        raise Unreadable("it refers to itself")
    if isinstance(reference := published.get("$ref"), str):
        there: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            there = there.get(step) if isinstance(there, Mapping) else None
        rest = {name: value for name, value in published.items() if name != "$ref"}
        return {**_resolved(there, whole, depth + 1), **rest}
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(ways := published.get(word), list):
            usable = [way for way in ways if isinstance(way, Mapping) and way.get("type") != "null"]
            if not usable:
                raise Unreadable(f"its {word} names nothing")
            rest = {name: value for name, value in published.items() if name != word}
            chosen = usable if word == "allOf" else usable[:1]
            merged: dict[str, Any] = {}
            for way in chosen:
                merged.update(_resolved(way, whole, depth + 1))
            return _resolved({**merged, **rest}, whole, depth + 1)
    return published


def _field(name: Any, published: Schema, required: bool) -> Field:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Unreadable("its name can't be an input's")
    tooltip = _tooltip(name, published)
    if media_kind(name, published):
        return media_field(name, published, tooltip, required)
    if "const" in published:
        published = {**published, "enum": [published["const"]]}
    if isinstance(published.get("enum"), list):
        return _choice(name, published, tooltip, required)
    kind = _kind(published)
    if kind == "string":
        return _text(name, published, tooltip, required)
    if kind == "boolean":
        return _flag(name, published, tooltip, required)
    if kind in ("integer", "number"):
        return _number(name, published, tooltip, required, whole=kind == "integer")
    if kind == "array":
        return _array(name, published, tooltip, required)
    if kind == "object":
        return Json(name, name, f"{tooltip} JSON.", schema=published, required=required)
    raise Unreadable("it is of no known type")


def _kind(published: Schema) -> str | None:
    """The standard's name of its type; by its default where it says none."""
    known = [name for name in types_of(published) if name != "null"]
    short = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
    if known:
        return short.get(known[0], known[0])
    default = published.get("default")
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, (int, float)):
        return "integer" if isinstance(default, int) else "number"
    return "string" if isinstance(default, str) else "object" if "properties" in published else None


def _choice(name: str, published: Schema, tooltip: str, required: bool) -> Field:
    listed = [one for one in published["enum"] if one is not None]
    if listed and all(isinstance(one, bool) for one in listed):
        return _flag(name, published, tooltip, required)
    are_words = all(isinstance(one, str) and one.isprintable() and len(one) <= LONGEST_CHOICE for one in listed)
    are_numbers = all(_is_number(one) for one in listed)
    if not listed or len(listed) > MOST_CHOICES or not (are_words or are_numbers):
        raise Unreadable("its choices are not all words, or all numbers")
    choices = tuple(dict.fromkeys(listed))
    default = published.get("default")
    is_one = default in choices and not isinstance(default, bool)
    first = choices[0] if required else None
    return Choice(name, name, tooltip, choices=choices, default=choices[choices.index(default)] if is_one else first)


def _text(name: str, published: Schema, tooltip: str, required: bool) -> Field:
    longest, shortest = _count(published.get("maxLength")), _count(published.get("minLength")) or 0
    if longest is not None and (longest < 1 or longest < shortest):
        raise Unreadable("its lengths contradict each other")
    lines = bool(PROSE.search(name.lower()))
    text = Text(name, name, tooltip, max_length=longest, min_length=shortest, required=required, multiline=lines)
    default = published.get("default")
    if name == "prompt" or not isinstance(default, str) or not default:
        return text
    try:
        return replace(text, default=text.check(default))
    except InputRefused:
        return text


def _flag(name: str, published: Schema, tooltip: str, required: bool) -> Field:
    flag = Flag(name, name, tooltip, default=False)
    try:
        default = flag.read(published.get("default"))
    except InputRefused:
        default = False if required else None
    return Flag(name, name, tooltip, default=default)


def _number(name: str, published: Schema, tooltip: str, required: bool, *, whole: bool) -> Field:
    if name == "seed" and whole:
        return _seed(published, tooltip)
    low, high = _bounds(published, whole=whole)
    every = _positive(published.get("multipleOf"))
    # Without a smallest one there is no number that can stand for "not sent", but for those below 0.
    lowest = low if low is not None else 0.0 if not required and "default" not in published else -_largest(whole)
    highest = high if high is not None else _largest(whole)
    if lowest > highest:
        raise Unreadable("its bounds contradict each other")
    step = every or (None if whole else 10.0 ** math.floor(math.log10(max(highest - lowest, 1e-6))) / 100)
    number = Number(name, name, tooltip, lowest, highest, None, whole, step, every)
    default = published.get("default")
    try:
        usual = None if default is None else number.check(default)
    except InputRefused:
        usual = None
    if usual is None and required:
        usual = lowest if low is not None or highest < 0 else max(lowest, 0.0)
        usual = math.ceil(usual / every) * every if every else usual
    return replace(number, default=int(usual) if whole and usual is not None else usual)


def _seed(published: Schema, tooltip: str) -> Field:
    low, high = _bounds(published, whole=True)
    least, most = int(low or 0), int(high if high is not None else LARGEST_WHOLE)
    if least > most or most > LARGEST_SEED:
        raise Unreadable("its bounds contradict each other")
    return Seed("seed", "seed", tooltip, minimum=least, maximum=most, default=max(least, 0))


def _largest(whole: bool) -> float:
    return LARGEST_WHOLE if whole else LARGEST


def _bounds(published: Schema, *, whole: bool) -> tuple[float | None, float | None]:
    """The smallest and the largest number, both allowed; None where nothing is said."""

    def end(inclusive: str, exclusive: str, away: int) -> float | None:
        at, beyond = _finite(published.get(inclusive)), _finite(published.get(exclusive))
        ends = [] if at is None else [math.ceil(at) if whole and away > 0 else math.floor(at) if whole else at]
        if beyond is not None:
            inner = (math.floor(beyond) + 1 if away > 0 else math.ceil(beyond) - 1) if whole else beyond
            ends.append(inner if whole else math.nextafter(beyond, math.inf * away))
        if not ends:
            return None
        return max(-SAFE, min(SAFE, max(ends) if away > 0 else min(ends)))

    return end("minimum", "exclusiveMinimum", 1), end("maximum", "exclusiveMaximum", -1)


def _array(name: str, published: Schema, tooltip: str, required: bool) -> Field:
    items = published.get("items")
    inner = items.get("properties") if isinstance(items, Mapping) else None
    as_json = Json(name, name, f"{tooltip} JSON, a list.", schema=published, required=required)
    if not isinstance(items, Mapping) or not isinstance(inner, Mapping) or not inner:
        return as_json
    most = _count(published.get("maxItems"))
    if set(inner) <= set(PARTS) and set(inner) - {PARTS[2]}:
        return Elements(name, name, tooltip, most=min(most or MOST_GROUPS, MOST_GROUPS), required=required)
    said = items.get("required")
    needed = set(map(str, said)) if isinstance(said, list) else set()
    try:
        parts = tuple(_part(part, spec, part in needed) for part, spec in inner.items())
    except Unreadable:
        return as_json
    fewest = max(_count(published.get("minItems")) or 0, 1)
    if len(parts) > MOST_PARTS or fewest > MOST_GROUPS or (most is not None and most < fewest):
        return as_json
    one = "shot" if "prompt" in inner else re.sub("s$", "", name)
    return Repeated(name, name, tooltip, parts, one, fewest, min(most or MOST_GROUPS, MOST_GROUPS), required=required)


def _part(name: Any, published: Any, required: bool) -> Field:
    part = _field(name, _resolved(published, {}), required or name == "prompt")
    if not isinstance(part, (Text, Choice, Number, Flag)):
        raise Unreadable("it is more than a widget")
    return part


# -- odds and ends -----------------------------------------------------------------------------------------------------


def _tooltip(name: str, published: Schema) -> str:
    said = next((published[key] for key in ("description", "title") if isinstance(published.get(key), str)), "")
    words = message(said)[:LONGEST_TOOLTIP].replace("{", "(").replace("}", ")").strip()
    return words or f"{name.replace('_', ' ').capitalize()}."


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -SAFE <= value <= SAFE


def _finite(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return max(-1e300, min(1e300, value)) if is_number and value == value else None


def _positive(value: Any) -> float | None:
    found = _finite(value)
    return found if found is not None and 0 < found <= SAFE else None


def _count(value: Any) -> int | None:
    found = _finite(value)
    return int(found) if found is not None and 0 <= found <= SAFE else None
