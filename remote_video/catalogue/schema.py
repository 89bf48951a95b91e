"""A published input schema read into the fields of a model: liberal in reading, strict in what is sent afterwards.

Source: https://json-schema.org/draft/2020-12, as RunComfy's `GET /v1/models?include_schema=true` uses it: media are
strings or arrays with a `format` such as image_uri, and carry `validations`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputRefused
from ..models.fields import Field, Number, Seed, Text, seed_field
from ..models.groups import Json, Repeated
from ..models.json_schema import Schema, required_in
from ..models.kling_elements import PARTS, Elements
from ..outside_text import message
from .entry import Unreadable
from .media_schema import media_field, media_kind
from .property import WORDS, Property, plain, ways_to_read
from .widget_schema import widget_field

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
NUMBERED = re.compile(r"(.+)_([1-9][0-9]?)")
TAKEN = frozenset(("prompt", "seed", "model", "fit", "files"))
"""Names that mean something else beside a model's own inputs; an own input of such a name gets a _ at its end."""
MOST_INPUTS, MOST_PARTS, MOST_GROUPS = 80, 6, 8
SHOWN = 80


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


NO_PROMPT = NoWords("prompt", None, "This model takes no prompt.")


def read(schema: Any) -> Reading:
    """Read the schema of a model's input.

    Raises:
        Unreadable: something that the model needs can't be understood.
    """
    top = plain(schema, schema)
    properties, required = top.get("properties"), required_in(top)
    if not isinstance(properties, Mapping):
        raise Unreadable("its input schema has no properties")
    if missing := [name for name in required if name not in properties]:
        raise Unreadable(f"it needs {message(missing[0])[:SHOWN]}, which its schema does not describe")
    found: dict[str, Field] = {}
    left_out: dict[str, str] = {}
    for family, names in _families(properties, schema).items():
        needed = [name for name in names if name in required]
        try:
            if len(found) == MOST_INPUTS:
                raise Unreadable("there are too many inputs before it")
            if len(names) > 1:
                found[family] = _numbered_field(family, properties[names[0]], names, needed, schema)
            else:
                found[family] = _field(family, properties[family], bool(needed), schema)
        except Unreadable as why:
            if needed:
                raise Unreadable(f"its input {message(family)[:SHOWN]} can't be understood: {why}") from None
            left_out[message(family)[:SHOWN]] = str(why)
    prompt = found.pop("prompt") if isinstance(found.get("prompt"), Text) else NO_PROMPT
    seed = found.pop("seed") if isinstance(found.get("seed"), Seed) else seed_field(None)
    own = _with_sums(_renamed(found))
    return Reading((prompt, *own, seed), own, left_out)


def _families(properties: Schema, whole: Schema) -> dict[str, list[str]]:
    """Names of properties by the one name of their input: media alike but for a number, counted from 1, share one."""
    alike: dict[str, list[str]] = {}
    for name in properties:
        family = numbered[1] if (numbered := NUMBERED.fullmatch(name)) else name
        alike.setdefault(family, []).append(name)
    found: dict[str, list[str]] = {}
    for family, names in alike.items():
        in_order = sorted(names, key=lambda name: (len(name), name))
        is_whole = in_order == [f"{family}_{number}" for number in range(1, len(names) + 1)]
        if len(names) > 1 and is_whole and _are_alike(family, [properties[name] for name in names], whole):
            found[family] = in_order
        else:
            found.update({name: [name] for name in names})
    return found


def _are_alike(family: str, published: list[Any], whole: Schema) -> bool:
    """Whether these are single files of one kind."""
    try:
        ways = [next(ways_to_read(family, one, False, whole)) for one in published]
    except Unreadable:
        return False
    first, *others = ({key: said for key, said in way.says.items() if key not in WORDS} for way in ways)
    return media_kind(ways[0]) is not None and ways[0].kind != "array" and all(other == first for other in others)


def _numbered_field(family: str, published: Any, names: list[str], needed: list[str], whole: Schema) -> Field:
    """Without gaps: those up to the last one that is needed."""
    if not NAME.fullmatch(family):
        raise Unreadable("its name can't be an input's")
    said = next(ways_to_read(family, published, bool(needed), whole))
    return media_field(said, names=len(names), fewest=max((names.index(one) + 1 for one in needed), default=0))


def _renamed(found: Mapping[str, Field]) -> list[Field]:
    names = set(found)
    fields = []
    for name, one in found.items():
        free = name
        while free in TAKEN or (free != name and free in names):
            free += "_"
        names.add(free)
        fields.append(one if free == name else replace(one, name=free))
    return fields


def _with_sums(own: list[Field]) -> tuple[Field, ...]:
    """Shots with a length add up to the clip's, and so there can be only so many."""
    whole = next((f for f in own if f.name == "duration" and isinstance(f, Number) and f.whole), None)
    changed: list[Field] = []
    for f in own:
        part = next((p for p in f.of if p.name == "duration"), None) if isinstance(f, Repeated) else None
        if isinstance(f, Repeated) and whole and isinstance(part, Number) and part.minimum > 0 and part.default:
            room = max(f.fewest, int(whole.maximum // part.minimum))
            f = replace(f, most=min(f.most, room), adds_up=("duration", whole))
        changed.append(f)
    return tuple(changed)


# -- one input ---------------------------------------------------------------------------------------------------------


def _field(name: str, published: Any, required: bool, whole: Schema) -> Field:
    """The field of a property by the first way to read it that makes one. Raises Unreadable."""
    if not NAME.fullmatch(name):
        raise Unreadable("its name can't be an input's")
    problem = None
    for said in ways_to_read(name, published, required, whole):
        try:
            return _made(said)
        except Unreadable as why:
            problem = problem or why
        except InputRefused as why:
            problem = problem or Unreadable(why.what)
    raise problem or Unreadable("it is of no known type")


def _made(said: Property) -> Field:
    if media_kind(said):
        return media_field(said)
    if widget := widget_field(said):
        return widget
    if said.kind == "array":
        return _array(said)
    if said.kind == "object":
        return _json(said, "JSON.")
    raise Unreadable("it is of no known type")


def _array(said: Property) -> Field:
    try:
        return _elements(said) or _groups(said)
    except Unreadable:
        return _json(said, "JSON, a list.")


def _json(said: Property, what: str) -> Json:
    own = {**said.named, "tooltip": f"{said.tooltip} {what}"}
    return Json(**own, schema=said.says, whole=said.whole, required=said.required)


def _elements(said: Property) -> Field | None:
    parts = plain(said.says.get("items"), said.whole).get("properties")
    most, fewest = said.count("maxItems"), said.count("minItems") or 0
    names = tuple(parts) if isinstance(parts, Mapping) else ()
    if not {*names} & {*PARTS[:2]} or {*names} - {*PARTS} or fewest > 1 or most == 0:
        return None
    most = min(most or MOST_GROUPS, MOST_GROUPS)
    return Elements(**said.named, most=most, required=said.required, parts=names)


def _groups(said: Property) -> Field:
    """A group of widgets that repeats. Raises Unreadable when it is more than that."""
    items = plain(said.says.get("items"), said.whole)
    properties, needed = items.get("properties"), required_in(items)
    if not isinstance(properties, Mapping) or not 0 < len(properties) <= MOST_PARTS or set(needed) - set(properties):
        raise Unreadable("it is no group of widgets")
    parts = [_field(name, one, name in needed or name == "prompt", said.whole) for name, one in properties.items()]
    if any(isinstance(part, (Json, Repeated, Elements)) or not hasattr(part, "default") for part in parts):
        raise Unreadable("its parts are more than widgets")
    most = said.count("maxItems")
    fewest = max(said.count("minItems") or 0, 1)
    most = min(MOST_GROUPS if most is None else most, MOST_GROUPS)
    if most < fewest:
        raise Unreadable("there can't be so many")
    one = "shot" if "prompt" in properties else re.sub("s$", "", said.name) or said.name
    return Repeated(**said.named, of=tuple(parts), one=one, fewest=fewest, most=most, required=said.required)
