"""One property of a published schema, and the ways there are to read it.

Source: https://json-schema.org/draft/2020-12 (`$ref`, `anyOf`, `oneOf`, `allOf`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from ..models.json_schema import ALTERNATIVES, COMBINED, Schema, is_number, listed, referred, types_of
from ..outside_text import message
from .entry import Unreadable

SAFE = 2**53 - 1
"""A browser counts no further."""
LONGEST_TOOLTIP = 400
MOST_STEPS, MOST_WAYS = 120, 16
WORDS = ("title", "description", "default", "examples", "deprecated")
"""What limits nothing."""
ANNOTATIONS = (*WORDS, "format", "validations")
"""Of two that differ the outer one counts."""
LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass(frozen=True)
class Property:
    """What a schema says of one input, without references and alternatives.

    Args:
        name: on the wire.
        says: its part of the schema.
        required: whether the model can't do without.
        whole: the schema that its parts may refer to.
    """

    name: str
    says: Schema
    required: bool
    whole: Schema

    @property
    def kind(self) -> str | None:
        """The standard's name of its type; by its default where it says none."""
        if names := types_of(self.says):
            return next((name for name in names if name != "null"), None)
        default = self.says.get("default")
        for name, kind in (("boolean", bool), ("integer", int), ("number", float), ("string", str)):
            if isinstance(default, kind):
                return name
        return "object" if "properties" in self.says else None

    @property
    def tooltip(self) -> str:
        """What it says of itself, for the artist."""
        said = next((word for key in ("description", "title") if isinstance(word := self.says.get(key), str)), "")
        words = message(said)[:LONGEST_TOOLTIP].replace("{", "(").replace("}", ")").strip()
        return words or f"{self.name.replace('_', ' ').capitalize()}."

    @property
    def named(self) -> dict[str, Any]:
        """What every field has."""
        return {"name": self.name, "wire": self.name, "tooltip": self.tooltip}

    def number(self, keyword: str) -> float | None:
        """A number it says."""
        said = self.says.get(keyword)
        return said if is_number(said) else None

    def count(self, keyword: str) -> int | None:
        """A whole number it says, from 0 on."""
        said = self.number(keyword)
        return None if said is None or said != int(said) else int(max(0, min(said, SAFE)))


def ways_to_read(name: str, published: Any, required: bool, whole: Schema) -> Iterator[Property]:
    """The ways to read a property, the likeliest first. Raises Unreadable when there is none."""
    for says in _Ways(whole).of(published):
        yield Property(name, says, required, whole)


def plain(published: Any, whole: Any) -> Schema:
    """The likeliest way to read a schema. Raises Unreadable when there is none."""
    return _Ways(whole).of(published)[0]


class _Ways:
    """The ways to read a schema: references followed, one of the alternatives, what has to hold together in one."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._steps = 0
        self._following: list[str] = []

    def of(self, published: Any) -> list[Schema]:
        """All of them, but no more than a few. Raises Unreadable."""
        self._steps += 1
        if not isinstance(published, dict):
            raise Unreadable("it is no object")
        if self._steps > MOST_STEPS:
            raise Unreadable("it refers to too much")
        parts = [self.of(part) for part in listed(published, "allOf")]
        if isinstance(reference := published.get("$ref"), str):
            parts.append(self._referred(reference))
        parts += [self._alternatives(published[word]) for word in ALTERNATIVES if isinstance(published.get(word), list)]
        own = {name: said for name, said in published.items() if name not in COMBINED}
        problem, found = Unreadable("it contradicts itself"), []
        for one in islice(product(*parts), MOST_WAYS):
            try:
                found.append(_together(*one, own))
            except Unreadable as why:
                problem = why
        if not found:
            raise problem
        return found

    def _referred(self, reference: str) -> list[Schema]:
        if reference in self._following:
            raise Unreadable("it refers to itself")
        self._following.append(reference)
        try:
            return self.of(referred(reference, self._whole))
        finally:
            self._following.pop()

    def _alternatives(self, published: list[Any]) -> list[Schema]:
        """Those that can be read, but for nothing (null); such as leave no choice come last."""
        problem, found = Unreadable("it has nothing to choose from"), []
        for one in published:
            try:
                found += [way for way in self.of(one) if types_of(way) != ["null"]]
            except Unreadable as why:
                problem = why
        if not found:
            raise problem
        return sorted(found, key=lambda way: "const" in way or len(listed(way, "enum")) == 1)


def _together(*schemas: Schema) -> Schema:
    """A schema for what keeps all of them. Raises Unreadable when that can't be said."""
    whole: dict[str, Any] = {}
    for schema in schemas:
        for name, said in schema.items():
            whole[name] = _both(name, whole[name], said) if name in whole else said
    return whole


def _both(keyword: str, one: Any, other: Any) -> Any:
    if one == other or keyword in ANNOTATIONS:
        return other
    if keyword in (*LEAST, *MOST) and is_number(one) and is_number(other):
        return max(one, other) if keyword in LEAST else min(one, other)
    if keyword == "type" and (types := [t for t in types_of({"type": one}) if t in types_of({"type": other})]):
        return types
    raise Unreadable(f"it says two things of its {message(keyword)[:40]}")
