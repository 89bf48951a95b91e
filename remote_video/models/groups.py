"""Inputs that are more than one value: groups of widgets that repeat, and JSON for what no widget can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import InputRefused
from ..outside_text import code, message
from .fields import Field, Number, Values
from .json_schema import mismatch

OFF = "off"
NO_TIME_S = 1e-6


@dataclass(frozen=True)
class Repeated(Field):
    """A group of inputs that can be there several times, such as the shots of a clip: a list of mappings by name.

    Args:
        of: the inputs of one group.
        one: what a group is called.
        fewest: of them, when there are any.
        most: of them.
        adds_up: name of a number of the group, and the field it has to add up to, s.
    """

    of: tuple[Field, ...] = ()
    one: str = "shot"
    fewest: int = 1
    most: int = 1
    adds_up: tuple[str, Number] | None = None
    required: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many there may be, by what that is called."""
        none = {} if self.required else {OFF: 0}
        return {**none, **{f"{n} {self.one}{'s' if n > 1 else ''}": n for n in range(self.fewest, self.most + 1)}}

    def group(self, number: int) -> tuple[Field, ...]:
        """The inputs of one group, under the names that its node gives them."""
        return tuple(
            replace(f, name=f"{self.one}_{number}_{f.name}", tooltip=f.tooltip.format(number=number)) for f in self.of
        )

    def inputs(self, count: int) -> list[Field]:
        """The inputs of that many groups."""
        return [field for number in range(1, count + 1) for field in self.group(number)]

    def check(self, value: object) -> list[dict[str, object]]:
        """The groups as the wire has them. Raises InputRefused."""
        groups = [] if value is None else value
        if not isinstance(groups, (list, tuple)) or not all(isinstance(group, Mapping) for group in groups):
            raise self.refuse(
                f"a {type(value).__name__}", f"it is a list of {self.one}s", f"Add {self.one}s one by one."
            )
        if len(groups) > self.most or ((groups or self.required) and len(groups) < self.fewest):
            listed = ", ".join(self.counts)
            raise self.refuse(f"{len(groups)} {self.one}s", f"it can be {listed}", f"Choose one of {listed}.")
        return [self._checked(group, number) for number, group in enumerate(groups, start=1)]

    def _checked(self, group: Mapping[str, object], number: int) -> dict[str, object]:
        if unknown := [name for name in group if name not in {f.name for f in self.of}]:
            raise self.refuse(
                f"given `{code(str(unknown[0]))[:80]}`", f"a {self.one} has no such part", "Leave it out."
            )
        checked: dict[str, object] = {}
        for field, named in zip(self.of, self.group(number), strict=True):
            value = group.get(field.name)
            value = named.check(getattr(named, "default", None) if value is None else value)
            if field.wire and not field.is_left_out(value):
                checked[field.wire] = value
        return checked

    def is_left_out(self, value: object) -> bool:
        """See `Field.is_left_out`."""
        return not value

    def agree(self, values: Values) -> None:
        """See `Field.agree`."""
        groups = values.get(self.name)
        if not groups or self.adds_up is None:
            return
        part, whole = self.adds_up
        wire = self._part(part).wire
        lengths = [group[wire] for group in groups]
        total, wanted = sum(lengths), values.get(whole.name)
        if wanted is not None and abs(total - wanted) > NO_TIME_S:
            over = total - wanted
            miss = f"{over:g} s too long" if over > 0 else f"{-over:g} s too short"
            raise InputRefused(
                f"The {self.one}s last {' + '.join(map(str, lengths))} = {total:g} s together, "
                f"but `{whole.name}` is {wanted:g} s: they are {miss}.",
                next_step=f"Change the {self.one}s, or set `{whole.name}` to {total:g}."
                if whole.minimum <= total <= whole.maximum
                else f"Shorten the {self.one}s: a clip lasts at most {whole.maximum:g} s.",
            )

    def check_room(self, count: int, wanted: float) -> None:
        """Raise InputRefused if that many groups can never fit into their required sum."""
        if self.adds_up is None:
            return
        part, whole = self.adds_up
        least = self._part(part).minimum
        if count * least > wanted:
            raise InputRefused(
                f"{count} {self.one}s of at least {least:g} s each don't fit into `{whole.name}` {wanted} s.",
                next_step=f"Set `{whole.name}` to {count * least:g} or more, or use fewer {self.one}s.",
            )

    def _part(self, name: str) -> Number:
        return next(f for f in self.of if isinstance(f, Number) and f.name == name)


@dataclass(frozen=True)
class Json(Field):
    """What no widget can represent, as JSON text, or as the parsed value.

    Args:
        schema: what it has to be, JSON Schema.
        whole: the schema that one refers to.
    """

    schema: object = None
    whole: object = None
    required: bool = False
    default: str = ""
    advanced: bool = True

    def read(self, value: object) -> object:
        """The parsed text, None if it is left out. Raises InputRefused."""
        if isinstance(value, str) and not value.strip():
            return None
        try:
            decoded = json.loads(value) if isinstance(value, str) else value
            json.dumps(decoded, allow_nan=False, ensure_ascii=False).encode("utf-8")
        except (TypeError, ValueError, RecursionError) as problem:
            why = message(str(problem))
            raise self.refuse("not JSON that can be sent", why, "Correct it, or leave it empty.") from None
        return decoded

    def check(self, value: object) -> object:
        """See `Field.check`."""
        decoded = self.read(value)
        if decoded is None and self.required:
            raise self.refuse("empty", "the model needs it", "Write it as JSON and run again.")
        if decoded is not None and (problem := mismatch(decoded, self.schema, "it", self.whole)):
            raise self.refuse("not what the model takes", problem, "Correct it, or leave it empty.")
        return decoded
