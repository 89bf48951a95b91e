"""A published schema as the standard writes it, so that `jsonschema` can be asked whether a body keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import jsonschema
from jsonschema.validators import extend
from remote_video_pack.remote_video.models.request import Image, Recording

NAMES = {"float": "number", "int": "integer", "str": "string", "bool": "boolean"}
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
ADDRESS = "https://example.com/a.png"


def _multiple(validator: Any, every: float, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Exact, where jsonschema divides as a computer does."""
    if validator.is_type(value, "number") and Fraction(repr(value)) % Fraction(repr(every)):
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {every}")


Validator = extend(jsonschema.Draft202012Validator, {"multipleOf": _multiple})


def sent(tree: Any) -> Any:
    """A body as it goes on the wire, with an address in place of each file."""
    if isinstance(tree, (Image, Recording)):
        return ADDRESS
    if isinstance(tree, Mapping):
        return {name: sent(one) for name, one in tree.items()}
    return [sent(one) for one in tree] if isinstance(tree, (list, tuple)) else tree


def broken(body: Mapping[str, Any], published: Mapping[str, Any]) -> str | None:
    """What a body breaks of a schema; None when nothing."""
    schema = standard(published, published)
    problem = next(Validator({**schema, "unevaluatedProperties": False}).iter_errors(sent(body)), None)
    return problem and problem.message


def standard(said: Any, whole: Any) -> Any:
    """The schema without what means nothing in it; `oneOf` means what people mean by it."""
    if not isinstance(said, Mapping):
        return True
    found: dict[str, Any] = {}
    for name, one in said.items():
        if name == "type":
            names = [NAMES.get(word, word) for word in (one if isinstance(one, list) else [one]) if _is(word, str)]
            if known := [word for word in names if word in TYPES]:
                found[name] = known
        elif name in COUNTS and _is(one, int, float) and abs(one) < 1e300 and one == int(one):
            found[name] = int(one)
        elif name in NUMBERS and _is(one, int, float) and abs(one) < 1e300 and (name != "multipleOf" or one > 0):
            found[name] = one
        elif name in ("exclusiveMinimum", "exclusiveMaximum") and one is True:
            bound = said.get(name.removeprefix("exclusive").lower())
            if _is(bound, int, float) and abs(bound) < 1e300:
                found[name] = bound
        elif name in ("enum", "required") and isinstance(one, list):
            found[name] = one if name == "enum" else [word for word in one if isinstance(word, str)]
        elif name == "const":
            found[name] = one
        elif name in ("properties", "$defs") and isinstance(one, Mapping):
            found[name] = {inner: standard(each, whole) for inner, each in one.items()}
        elif name == "items":
            found[name] = standard(one, whole)
        elif name in ("anyOf", "allOf", "oneOf") and isinstance(one, list) and (one or name == "allOf"):
            ways = {"anyOf": [standard(each, whole) for each in one]}
            found.setdefault("allOf", []).extend([standard(each, whole) for each in one] if name == "allOf" else [ways])
        elif name == "$ref" and isinstance(one, str) and _leads(one, whole):
            found[name] = one
    return found


def _is(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _leads(reference: str, whole: Any) -> bool:
    there = whole
    for step in reference.removeprefix("#").split("/"):
        if step:
            there = there.get(step) if isinstance(there, Mapping) else None
    return isinstance(there, Mapping) and reference.startswith("#")
