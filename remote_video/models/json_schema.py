"""The part of JSON Schema that the provider publishes its inputs in, held against a value.

Source: https://json-schema.org/draft/2020-12 (validation keywords). Unknown keywords say nothing. Two things are as
published schemas mean them: `oneOf` is `anyOf`, and an object takes the names it lists alone unless it says otherwise.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeGuard

from ..outside_text import code

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
OTHER_NAMES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
"""Names in published schemas that the standard doesn't define."""
ALTERNATIVES = ("anyOf", "oneOf")
COMBINED = (*ALTERNATIVES, "allOf", "$ref")
BOUNDS: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "maximum": (operator.le, "at most"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "exclusiveMaximum": (operator.lt, "less than"),
}
COUNTS: Mapping[str, tuple[str, str, str]] = {
    "string": ("minLength", "maxLength", "characters"),
    "array": ("minItems", "maxItems", "entries"),
}
DEEPEST, MOST_STEPS, MOST_LISTED = 60, 100_000, 20
LARGEST_LIMIT = 1e300
Schema = Mapping[str, object]


def types_of(schema: Schema) -> list[str]:
    """The standard's names of the types it takes; empty when it says nothing that is known."""
    said = schema.get("type")
    words = [word for word in (said if isinstance(said, list) else [said]) if isinstance(word, str)]
    return [name for word in words if (name := OTHER_NAMES.get(word, word)) in TYPES]


def is_of(value: object, name: str) -> bool:
    """Whether a value is of the type of that name. A boolean is not a number, and 5.0 is an integer."""
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float):
        return math.isfinite(value) and (name == "number" or (name == "integer" and value.is_integer()))
    return isinstance(value, TYPES[name])


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number that a limit can be."""
    return isinstance(value, (int, float)) and is_of(value, "number") and abs(value) < LARGEST_LIMIT


def referred(reference: str, whole: object) -> object:
    """What a reference leads to inside the same document (RFC 6901); None when it leads nowhere."""
    there = whole
    for step in reference.removeprefix("#").split("/"):
        if step:
            there = there.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(there, Mapping) else None
    return there


def listed(schema: Schema, name: str) -> list[object]:
    """The list of that name; empty when there is none."""
    said = schema.get(name)
    return said if isinstance(said, list) else []


def required_in(schema: Schema) -> list[str]:
    """The names of the members an object has to have."""
    return [name for name in listed(schema, "required") if isinstance(name, str)]


def mismatch(value: object, schema: object, where: str = "", whole: object = None) -> str | None:
    """What is wrong with a value, in words; None when nothing is.

    Args:
        where: what the value is called; "" for an object whose members go by their names.
        whole: what the schema refers to; itself when it is no part of another.
    """
    return _Check(schema if whole is None else whole).problem(value, schema, where)


class _Check:
    """One value, held against a schema that may be as deep and as large as it likes."""

    def __init__(self, whole: object) -> None:
        self._whole = whole
        self._steps = 0

    def problem(
        self, value: object, schema: object, where: str, depth: int = 0, *, is_part: bool = False
    ) -> str | None:
        """`is_part`: the schema says only part of what there is to say of the value."""
        self._steps += 1
        if depth > DEEPEST or self._steps > MOST_STEPS:
            return f"{where or 'it'} is too deep or too large to be checked"
        if not isinstance(schema, Mapping):
            return None
        parts = [*listed(schema, "allOf")]
        if isinstance(schema.get("$ref"), str):
            parts.append(referred(schema["$ref"], self._whole))
        alternatives = [listed(schema, word) for word in ALTERNATIVES if listed(schema, word)]
        is_part = is_part or len(parts) + len(alternatives) + ("properties" in schema) > 1
        for part in parts:
            if problem := self.problem(value, part, where, depth + 1, is_part=is_part):
                return problem
        for ways in alternatives:
            problems = [self.problem(value, way, where, depth + 1, is_part=is_part) for way in ways]
            if all(problems):
                return problems[0]
        return self._own_problem(value, schema, where, depth, is_part)

    def _own_problem(self, value: object, schema: Schema, where: str, depth: int, is_part: bool) -> str | None:
        named, names = where or "it", types_of(schema)
        if names and not any(is_of(value, name) for name in names):
            return f"{named} has to be of the type {' or '.join(names)}"
        choices = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(choices, list) and not any(same(value, one) for one in choices):
            return f"{named} has to be one of {', '.join(code(str(one)) for one in choices[:MOST_LISTED])}"
        if problem := _size(value, schema):
            return f"{named} has to be {problem}"
        if isinstance(value, Mapping):
            return self._member_problem(value, schema, where, depth, is_part)
        if isinstance(value, (list, tuple)):
            entries = enumerate(value, start=1)
            inner = (self.problem(one, schema.get("items"), f"{named}[{n}]", depth + 1) for n, one in entries)
            return next(filter(None, inner), None)
        return None

    def _member_problem(self, value: Schema, schema: Schema, where: str, depth: int, is_part: bool) -> str | None:
        for name in required_in(schema):
            if name not in value:
                return f"{where or 'it'} has to have `{code(name)}`"
        known = schema.get("properties")
        if not isinstance(known, Mapping):
            return None
        unknown = [name for name in value if name not in known]
        if unknown and schema.get("additionalProperties", is_part) is False:
            return f"{where or 'it'} has `{code(str(unknown[0]))}`, which the model doesn't know"
        inner = (
            self.problem(one, known[name], f"{where}.{code(name)}" if where else f"`{code(name)}`", depth + 1)
            for name, one in value.items()
            if name in known
        )
        return next(filter(None, inner), None)


def same(value: object, other: object) -> bool:
    """As JSON has it: 5 and 5.0 are one number, 1 and true are two things."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _size(value: object, schema: Schema) -> str | None:
    """What is wrong with a length, a count or a number, in words."""
    if isinstance(value, (str, list, tuple)):
        least, most, unit = COUNTS["string" if isinstance(value, str) else "array"]
        if is_number(limit := schema.get(least)) and len(value) < limit:
            return f"at least {limit:g} {unit}"
        if is_number(limit := schema.get(most)) and len(value) > limit:
            return f"at most {limit:g} {unit}"
        return None
    if not isinstance(value, (int, float)) or not is_of(value, "number"):
        return None
    for name, (holds, words) in BOUNDS.items():
        if is_number(limit := schema.get(name)) and not holds(value, limit):
            return f"{words} {limit:g}"
    every = schema.get("multipleOf")
    if is_number(every) and every > 0 and exact(value) % exact(every):
        return f"a multiple of {every:g}"
    return None


def exact(number: float) -> Fraction:
    """A number as it is written in JSON, exactly."""
    return Fraction(repr(number))
