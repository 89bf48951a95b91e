"""What has changed about a model: what is about to be sent, held against the schema that is published now. Pure.

A schema is read liberally: what can't be understood in it is no change, and neither is what the schema that the body
was made for says just as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from ..models.json_schema import same
from ..outside_text import code
from .shape import Shape, is_type, shape_of, type_words

ALIKE = 0.8
"""Names so much like each other may be one input under two."""
HABITS = ("url", "urls", "uri", "uris", "text", "num", "number", "of", "input", "start", "first", "enable", "generate")
"""Parts of names that come and go."""
MOST_SHOWN = 12
MOST_LEVELS = 2
"""Of lists in lists that are compared."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Drift:
    """What has changed.

    Args:
        breaking: what would be refused, or ignored and billed.
        additions: what doesn't matter to this body.
    """

    breaking: list[str] = field(default_factory=list)
    additions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Complaint:
    """One thing in a value that a schema doesn't take: where, of which kind, in words."""

    where: Path
    kind: str
    words: str


def drift(body: Mapping[str, Any], live: Any, known: Any = None) -> Drift:
    """What has changed since a body's model was known.

    Args:
        body: as it goes on the wire; whatever JSON doesn't have in it is a file, and counts as its address.
        live: the input schema as it is published now, JSON Schema; one that can't be read has changed nothing.
        known: the schema the body was made for; None where that is written by hand.
    """
    now = shape_of(live)
    if not now.properties:
        return Drift()
    before = shape_of(known)
    old = {(one.where, one.kind) for one in _in_object(body, before, ())} if before.properties else set()
    found = _in_object(body, now, (), frozenset(before.properties))
    breaking = [one for one in found if (one.where, one.kind) not in old]
    told = {str(one.where[0]) for one in breaking}
    additions = [one.words for one in _differences(now, before) if one.where[0] not in told]
    return Drift([one.words for one in breaking], additions if before.properties else [])


def differences(live: Any, known: Any) -> list[str]:
    """Everything in which two schemas of a model differ, in words; nothing where either can't be read."""
    now, before = shape_of(live), shape_of(known)
    return [one.words for one in _differences(now, before)] if now.properties and before.properties else []


# -- a value against a schema -----------------------------------------------------------------------------------------


def _in_object(
    value: Mapping[str, Any], shape: Shape, where: Path, familiar: frozenset[str] = frozenset()
) -> Iterator[Complaint]:
    """`familiar`: inputs that were there before, which nothing else has become."""
    missing = {name for name in shape.required if value.get(name) is None and shape.of(name).default is None}
    for name, item in value.items():
        if name in shape.properties:
            yield from _in_value(item, shape.of(name), (*where, name))
            continue
        if shape.is_open and name not in familiar:
            continue
        free = [other for other in shape.properties if other not in value and other not in familiar]
        new = _new_name(name, [other for other in free if not list(_in_value(item, shape.of(other), ()))], missing)
        missing.discard(new or "")
        words = f"{_named((*where, name))} is no longer an input"
        yield Complaint((*where, name), "unknown", words + (f"; it seems to be `{code(new)}` now" if new else ""))
    for name in sorted(missing):
        yield Complaint((*where, name), "missing", f"{_named((*where, name))} is required now")


def _in_value(value: Any, shape: Shape, where: Path) -> Iterator[Complaint]:
    if shape.branches:
        yield from min((list(_in_value(value, branch, where)) for branch in shape.branches), key=len)
        return
    name, is_file = _named(where), not isinstance(value, (str, int, float, list, tuple, Mapping, type(None)))
    is_listed = any(same(value, choice) for choice in shape.enum)
    if value is None or is_listed:
        return
    if shape.types and not is_type("" if is_file else value, shape.types):
        found = "a file" if is_file else _shown(value)
        yield Complaint(where, "type", f"{name} takes {type_words(shape.types)} now, and not {found}")
    elif isinstance(value, Mapping):
        if shape.properties:
            yield from _in_object(value, shape, where)
    elif isinstance(value, (list, tuple)):
        yield from _bounds(len(value), shape, ("minItems", "maxItems"), where, " items")
        for number, item in enumerate(value):
            if shape.items is not None:
                yield from _in_value(item, shape.items, (*where, number))
    elif not is_file and shape.enum:
        listed = ", ".join(map(_shown, shape.enum[:MOST_SHOWN]))
        yield Complaint(where, "enum", f"{name} takes only {listed} now, and not {_shown(value)}")
    elif isinstance(value, str):
        yield from _bounds(len(value), shape, ("minLength", "maxLength"), where, " characters")
    elif not is_file and not isinstance(value, bool):
        yield from _bounds(value, shape, ("minimum", "maximum"), where, "")


def _bounds(value: float, shape: Shape, names: tuple[str, str], where: Path, unit: str) -> Iterator[Complaint]:
    least, most = (shape.bound(name) for name in names)
    if least is not None and value < least:
        yield Complaint(where, names[0], f"{_named(where)} takes at least {least:,}{unit} now, and not {value:,}")
    if most is not None and value > most:
        yield Complaint(where, names[1], f"{_named(where)} takes at most {most:,}{unit} now, and not {value:,}")


def _new_name(name: str, free: list[str], missing: set[str]) -> str | None:
    """What an input may be called now: the name that is most like its own, or the only one that is required."""
    alike = [(score, other) for other in free if (score := _likeness(name, other)) >= ALIKE]
    if alike:
        return max(alike)[1]
    required = [other for other in free if other in missing]
    return required[0] if len(required) == 1 else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _core(one), _core(other)).ratio()


def _core(name: str) -> str:
    """What a name says, without how it is written and what is said by habit."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", name)]
    return "".join(part.removesuffix("s") for part in parts if part not in HABITS) or name.lower()


# -- a schema against a schema ----------------------------------------------------------------------------------------


def _differences(now: Shape, before: Shape, depth: int = 0) -> Iterator[Complaint]:
    for name in sorted(now.properties.keys() | before.properties.keys()):
        is_required = (name in now.required, name in before.required)
        words: Iterable[str] = _changed(now.of(name), before.of(name), *is_required, depth)
        if name not in before.properties:
            words = ["is new" + (", and required" if name in now.required else "")]
        elif name not in now.properties:
            words = ["is no longer an input"]
        for one in words:
            yield Complaint((name,), "changed", f"{_named((name,))} {one}")


def _changed(now: Shape, before: Shape, is_required: bool, was_required: bool, depth: int) -> Iterator[str]:
    if is_required != was_required:
        yield "is required now" if is_required else "is no longer required"
    if type_words(now.types) != type_words(before.types):
        yield f"takes {type_words(now.types)} now (before: {type_words(before.types)})"
    lost = [choice for choice in before.enum if not any(same(choice, other) for other in now.enum)]
    gained = [choice for choice in now.enum if not any(same(choice, other) for other in before.enum)]
    if lost and now.enum:
        yield f"no longer takes {', '.join(map(_shown, lost[:MOST_SHOWN]))}"
    if gained and before.enum:
        yield f"also takes {', '.join(map(_shown, gained[:MOST_SHOWN]))} now"
    if bool(now.enum) != bool(before.enum):
        yield "takes only listed values now" if now.enum else "takes more than listed values now"
    for bound in sorted(now.bounds.keys() | before.bounds.keys()):
        if now.bound(bound) != before.bound(bound):
            yield f"has {bound} {now.bound(bound)} now (before: {before.bound(bound)})"
    if now.items is not None and before.items is not None and depth < MOST_LEVELS:
        yield from (f"has changed inside: {one.words}" for one in _differences(now.items, before.items, depth + 1))


# -- words ------------------------------------------------------------------------------------------------------------


def _named(where: Path) -> str:
    text = ""
    for part in where:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return f"`{code(text)}`"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return code(value if len(value) <= 60 else value[:57] + "...") or '""'
    if isinstance(value, (list, tuple)):
        return "a list"
    return "an object" if isinstance(value, Mapping) else code(str(value))
