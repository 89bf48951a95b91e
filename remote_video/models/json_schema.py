"""The part of JSON Schema that the provider publishes its inputs in, held against a value.

Source: https://json-schema.org/draft/2020-12 (validation keywords). Unknown keywords say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "str": (str,),
    "integer": (int,),
    "int": (int,),
    "number": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "bool": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
"""With the names that stand in published schemas beside the standard's."""
DEEPEST = 20


def types_of(schema: Mapping[str, Any]) -> list[str]:
    """The names of the types it takes; empty when it says nothing that is known."""
    said = schema.get("type")
    names = said if isinstance(said, list) else [said]
    return [name for name in names if isinstance(name, str) and name in TYPES]


def is_of(value: Any, name: str) -> bool:
    """Whether a value is of the type of that name. A switch is no number, and 5.0 is a whole one."""
    if isinstance(value, bool):
        return name in ("boolean", "bool")
    if name in ("integer", "int") and isinstance(value, float):
        return value.is_integer()
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, TYPES[name])


def mismatch(value: Any, schema: Any, where: str = "it", depth: int = 0) -> str | None:
    """What is wrong with a value, in words; None when nothing is."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return None
    names = types_of(schema)
    if names and not any(is_of(value, name) for name in names):
        return f"{where} has to be of the type {' or '.join(names)}"
    listed = schema.get("enum")
    if isinstance(listed, list) and not any(_same(value, one) for one in listed):
        return f"{where} has to be one of {', '.join(map(str, listed))}"
    if problem := _size(value, schema, where):
        return problem
    if isinstance(value, Mapping):
        return _members(value, schema, where, depth)
    if isinstance(value, (list, tuple)):
        inner = (mismatch(one, schema.get("items"), f"{where}[{n}]", depth + 1) for n, one in enumerate(value))
        return next((problem for problem in inner if problem), None)
    return None


def _same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _size(value: Any, schema: Mapping[str, Any], where: str) -> str | None:
    size: Any
    if isinstance(value, str):
        size, low, high, unit = len(value), "minLength", "maxLength", " characters"
    elif isinstance(value, (list, tuple)):
        size, low, high, unit = len(value), "minItems", "maxItems", " entries"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        size, low, high, unit = value, "minimum", "maximum", ""
    else:
        return None
    least, most = _number(schema.get(low)), _number(schema.get(high))
    if least is not None and size < least:
        return f"{where} has to be at least {least:g}{unit}"
    if most is not None and size > most:
        return f"{where} has to be at most {most:g}{unit}"
    return None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None


def _members(value: Mapping[str, Any], schema: Mapping[str, Any], where: str, depth: int) -> str | None:
    known = schema.get("properties")
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in value:
            return f"{where} has to have `{name}`"
    if not isinstance(known, Mapping):
        return None
    if schema.get("additionalProperties") is not True and (unknown := [name for name in value if name not in known]):
        return f"{where} has `{unknown[0]}`, which the model doesn't know"
    inner = (mismatch(one, known[name], f"{where}.{name}", depth + 1) for name, one in value.items() if name in known)
    return next((problem for problem in inner if problem), None)
