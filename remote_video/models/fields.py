"""The kinds of input a model takes, as data: limits, default, wire name, and the check that keeps them.

A field's `check` returns the value as it goes on the wire, or raises `InputRefused` with the value found,
the limit, and what to do. Lengths count Unicode code points, as JSON Schema's `maxLength` does (RFC 8259, 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..errors import InputRefused
from ..media.fit import ImageLimits

T = TypeVar("T")


@dataclass(frozen=True)
class Field:
    """What every input has.

    Args:
        name: the node's input name.
        wire: the provider's name; None when it isn't sent.
        tooltip: what it does and its unit, for the artist.
    """

    name: str
    wire: str | None
    tooltip: str

    def check(self, value: Any) -> Any:
        """Return `value` as it goes on the wire. Raises InputRefused."""
        return value

    def refuse(self, found: str, limit: str, next_step: str) -> InputRefused:
        """The error for a value this field does not take."""
        return InputRefused(f"`{self.name}` is {found}; {limit}.", next_step=next_step)


@dataclass(frozen=True)
class Text(Field):
    """Words. `required` text may not be blank; text of one line loses the blanks around it."""

    max_length: int | None = None
    required: bool = False
    default: str = ""
    multiline: bool = True

    def check(self, value: Any) -> str:
        text = "" if value is None else str(value)
        text = text if self.multiline else text.strip()
        if not _can_be_sent(text):
            raise self.refuse("broken", "half a character (a lone surrogate) is in it", "Type it anew and run again.")
        if self.required and not text.strip():
            raise self.refuse("empty", "the model needs words here", f"Write a {self.name} and run again.")
        if self.max_length is not None and len(text) > self.max_length:
            surplus = len(text) - self.max_length
            raise self.refuse(
                f"{len(text):,} characters long",
                f"the model takes at most {self.max_length:,}",
                f"Shorten it by {surplus:,} characters and run again.",
            )
        return text


def _can_be_sent(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Choice(Field, Generic[T]):
    """One of a fixed list. Text is accepted for a number of the list ("5" for 5)."""

    choices: tuple[T, ...] = ()
    default: T | None = None

    def check(self, value: Any) -> T:
        for choice in self.choices:
            if value == choice or str(value) == str(choice):
                return choice
        listed = ", ".join(str(choice) for choice in self.choices)
        raise self.refuse(repr(value), f"the model knows only {listed}", f"Choose one of {listed}.")


@dataclass(frozen=True)
class Number(Field):
    """A number between two bounds, both allowed; whole numbers only when `whole`."""

    minimum: float = 0
    maximum: float = 1
    default: float = 0
    whole: bool = False
    step: float | None = None

    def check(self, value: Any) -> float | int:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not self.minimum <= number <= self.maximum or (self.whole and number != int(number)):
            kind = "a whole number" if self.whole else "a number"
            bounds = f"{self.minimum:,.10g} to {self.maximum:,.10g}"
            raise self.refuse(repr(value), f"the model takes {kind} from {bounds}", f"Set it between {bounds}.")
        return int(number) if self.whole else number


@dataclass(frozen=True)
class Flag(Field):
    """On or off."""

    default: bool = False

    def check(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise self.refuse(repr(value), "it is on or off", "Set it to true or false.")


@dataclass(frozen=True)
class Picture(Field):
    """One IMAGE tensor (float `[1, H, W, 3|4]`, 0..1) and the limits of the model it goes to."""

    limits: ImageLimits = ImageLimits()
    required: bool = True
    fills_canvas: bool = True
    """Whether `fit` crop and pad shape it to the clip; a reference picture keeps its own shape."""


def seed_field(wire: str | None, minimum: int = 0, default: int = 0) -> Number:
    """The seed of a model: sent when it has a wire name, else it only names the take."""
    use = (
        "Sent to the model: the same seed tends towards the same clip."
        if wire
        else "This model has no seed: the number only names the take."
    )
    random = " -1 lets the model choose." if minimum < 0 else ""
    return Number(
        "seed",
        wire,
        f"{use}{random} The same inputs with the same seed are never paid twice; another seed asks for another clip.",
        minimum=minimum,
        maximum=4294967295,
        default=default,
        whole=True,
    )
