"""What a JSON Schema asks of a value, as far as it can be understood: the part of it that providers use.

References within the schema are followed, whatever circles they make: a shape is looked at as deep as a value goes.
`models/json_schema.py` asks another question of the same text: whether a value keeps all of it, up to the first thing
that it doesn't. Here all that a value may break is wanted, by place and kind, so that two schemas can be told apart;
and where a schema contradicts itself, as in a type that its own default isn't of, it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..models.json_schema import ALTERNATIVES, is_number, referred

TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("string", "str", "text"), (str,)),
    **dict.fromkeys(("integer", "int"), (int,)),
    **dict.fromkeys(("number", "float", "double"), (int, float)),
    **dict.fromkeys(("boolean", "bool"), (bool,)),
    **dict.fromkeys(("array", "list"), (list, tuple)),
    **dict.fromkeys(("object", "dict"), (dict, Mapping)),
    "null": (type(None),),
}
WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
MOST_BRANCHES = 20
MOST_HOPS = 16
"""From reference to reference, and of schemas within `allOf`."""
SCHEMA_WORDS = ("type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf", "format", "items")


@dataclass(frozen=True)
class Shape:
    """One schema, read. What it doesn't say, or says in a way that can't be understood, is absent.

    Args:
        raw: the schema with its references and `allOf` taken in.
        root: the whole schema, which references are about.
    """

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    root: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def properties(self) -> Mapping[str, Any]:
        """Of an object, by name; those of alternatives too."""
        found = _object(self.raw.get("properties"))
        for branch in self.branches:
            found = {**branch.properties, **found}
        return found

    @cached_property
    def required(self) -> frozenset[str]:
        """The properties that have to be there."""
        named = self.raw.get("required")
        names = {name for name in named if isinstance(name, str)} if isinstance(named, list) else set()
        names |= {name for name, one in self.properties.items() if _object(one).get("required") is True}
        return frozenset(names & self.properties.keys())

    @property
    def is_open(self) -> bool:
        """Whether it says that it takes properties it doesn't name."""
        more = self.raw.get("additionalProperties")
        return more is True or isinstance(more, Mapping)

    @cached_property
    def branches(self) -> list[Shape]:
        """The alternatives, each with all that is said beside them; alternatives of their own are not looked at."""
        listed: list[Any] = next((self.raw[word] for word in ALTERNATIVES if isinstance(self.raw.get(word), list)), [])
        whole = ({**self.raw, **_whole(one, self.root)} for one in listed[:MOST_BRANCHES])
        return [Shape({name: one[name] for name in one if name not in ALTERNATIVES}, self.root) for one in whole]

    @cached_property
    def types(self) -> tuple[type, ...]:
        """What it takes; empty when that isn't said, or its own default gives the lie to it."""
        said = self.raw.get("type")
        words = [str(word).lower() for word in (said if isinstance(said, list) else [said])]
        if not words or any(word not in TYPES for word in words):
            return ()
        types = tuple(dict.fromkeys(kind for word in words for kind in TYPES[word]))
        return types if self.default is None or is_type(self.default, types) else ()

    @property
    def default(self) -> Any:
        """None when there is none."""
        return self.raw.get("default")

    @cached_property
    def enum(self) -> list[Any]:
        """The values it takes; empty when they aren't listed."""
        if "const" in self.raw:
            return [self.raw["const"]]
        listed = self.raw.get("enum")
        return listed if isinstance(listed, list) else []

    @cached_property
    def items(self) -> Shape | None:
        """Of a list."""
        listed = self.raw.get("items")
        if not isinstance(listed, Mapping):
            return None
        is_schema = any(not isinstance(listed.get(word, {}), Mapping) for word in SCHEMA_WORDS)
        if not is_schema and "properties" not in listed and all(isinstance(one, Mapping) for one in listed.values()):
            listed = {"properties": listed}  # some list an object's properties in place of its schema
        return Shape(_whole(listed, self.root), self.root)

    @cached_property
    def bounds(self) -> Mapping[str, float]:
        """By name; exclusive ones count as the others."""
        found = {name: self.raw[name] for name in BOUNDS if is_number(self.raw.get(name))}
        for name, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if name not in found and is_number(self.raw.get(exclusive)):
                found[name] = self.raw[exclusive]
        return found

    def bound(self, name: str) -> float | None:
        return self.bounds.get(name)

    def of(self, name: str) -> Shape:
        """The shape of a property."""
        return Shape(_whole(self.properties.get(name), self.root), self.root)


def shape_of(schema: Any) -> Shape:
    """The shape of a whole schema; one that can't be read has no properties."""
    root = _object(schema)
    return Shape(_whole(root, root), root)


def is_type(value: Any, types: tuple[type, ...]) -> bool:
    """As JSON Schema has it: a boolean is not a number, and 5.0 is an integer."""
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, float) and int in types and value.is_integer():
        return True
    return isinstance(value, types)


def type_words(types: tuple[type, ...]) -> str:
    """What is taken, for people."""
    shown = [kind for kind in types if kind in WORDS and not (kind is int and float in types)]
    return " or ".join(dict.fromkeys(WORDS[kind] for kind in shown)) or "something else"


def _whole(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with what its `$ref` and `allOf` name taken in, as far as they lead anywhere in a few steps."""
    found: dict[str, Any] = {}
    ahead, hops = [_object(schema)], 0
    while ahead and hops < MOST_HOPS:
        one, hops = ahead.pop(0), hops + 1
        for name, value in one.items():
            if name == "properties" and isinstance(value, Mapping):
                found[name] = {**value, **_object(found.get(name))}
            elif name == "required" and isinstance(value, list) and isinstance(found.get(name, []), list):
                found[name] = [*found.get(name, []), *value]
            elif name not in ("$ref", "allOf"):
                found.setdefault(name, value)
        if isinstance(one.get("$ref"), str):
            ahead.append(_object(referred(one["$ref"], root)))
        parts = one.get("allOf")
        ahead += map(_object, parts) if isinstance(parts, list) else []
    return found


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
