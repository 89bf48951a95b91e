"""The kinds of input a model takes, as data: limits, default, wire name, and the check that keeps them.

A field's `read` understands a value of another type ("5" for 5, "false" for False); its `check` returns the value as it
goes on the wire. Both raise `InputRefused` with the value found, the limit, and what to do. Lengths count Unicode code
points, as JSON Schema's `maxLength` does (RFC 8259, 7).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import InputRefused
from ..outside_text import quoted
from .json_schema import exact

if TYPE_CHECKING:
    from .fitting import Fitting

T = TypeVar("T")
Values = Mapping[str, Any]
"""Values by the names of their inputs: each is of the kind that its field says."""
LARGEST_SEED = 2**64 - 1
"""ComfyUI's own samplers and the nodes that make seeds count this far."""
UNSET = "model default"
"""What a choice or a switch shows that is not sent, and left to the model."""
ROUNDED = 10**6
"""Part of a step by which a number may miss a multiple and still mean it."""


@dataclass(frozen=True)
class Field:
    """What every input has.

    Args:
        name: the node's input name.
        wire: the provider's name; None when it isn't sent.
        tooltip: what it does and its unit, for the artist.
        advanced: whether the node folds it away until it is asked for.
    """

    name: str
    wire: str | None
    tooltip: str
    _: KW_ONLY
    advanced: bool = False

    @property
    def limits_text(self) -> str:
        """What it takes, in a sentence for the artist; empty when its kind of widget says so."""
        return ""

    @property
    def help(self) -> str:
        """The tooltip: what it does, and what it takes."""
        return f"{self.tooltip} {self.limits_text}".strip()

    def read(self, value: object) -> object:
        """What `value` means here, whatever its type. Raises InputRefused when it means nothing."""
        return value

    def check(self, value: object) -> object:
        """Return `value` as it goes on the wire. Raises InputRefused."""
        return self.read(value)

    def notice(self, value: object) -> str | None:
        """What `check` changes about `value`, for the user."""
        return None

    def agree(self, values: Values) -> None:
        """Raise InputRefused when the checked values of this field and of others, by name, contradict each other."""

    def is_left_out(self, value: object) -> bool:
        """Whether a checked value is not sent, so that the model uses its own default."""
        return value is None

    def write(self, body: dict[str, object], value: object, fitting: Fitting) -> None:
        """Put the checked value where it belongs in the request's body; nothing stands for what is left out."""
        if self.wire and not self.is_left_out(value):
            body[self.wire] = value

    def spelt(self, value: object) -> str:
        """The value as text. Raises InputRefused for a number of more digits than Python writes."""
        try:
            return str(value)
        except ValueError:
            raise self.refuse(quoted(value), "nobody can write that out", "Give another value.") from None

    def refuse(self, found: str, limit: str, next_step: str) -> InputRefused:
        """The error for a value this field does not take."""
        return InputRefused(f"`{self.name}` is {found}; {limit}.", next_step=next_step)


@dataclass(frozen=True)
class Text(Field):
    """Words. `required` text may not be blank; text of one line loses the blanks around it.

    Text that was emptied is sent only if `blank_is_sent`: where the model would take words of its own in its place.
    """

    max_length: int | None = None
    required: bool = False
    default: str = ""
    multiline: bool = True
    min_length: int = 0
    blank_is_sent: bool = False

    @property
    def limits_text(self) -> str:
        if self.max_length is None:
            return ""
        return f"{max(self.min_length, int(self.required)):,} to {self.max_length:,} characters."

    def read(self, value: object) -> str:
        if not isinstance(value, (str, Real, type(None))):
            raise self.refuse(f"a {type(value).__name__}", "it takes words", "Write or connect text.")
        text = "" if value is None else self.spelt(value)
        return text if self.multiline else text.strip()

    def is_left_out(self, value: object) -> bool:
        return not value and not self.blank_is_sent

    def check(self, value: object) -> str:
        text = self.read(value)
        if not _can_be_sent(text):
            raise self.refuse(
                "broken", "half a character (a lone surrogate) is in it", "Enter it again, then run again."
            )
        if self.required and not text.strip():
            raise self.refuse("empty", "the model needs words here", f"Write a {self.name} and run again.")
        if text and len(text) < self.min_length:
            found, limit = f"{len(text):,} characters long", f"the model takes at least {self.min_length:,}"
            raise self.refuse(found, limit, "Write more and run again.")
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
    """One of a fixed list. Text is accepted for a number of the list ("5" for 5). Without a default it can be UNSET."""

    choices: tuple[T, ...] = ()
    default: T | None = None

    def read(self, value: object) -> T | None:
        if self.default is None and value in (None, UNSET):
            return None
        if isinstance(value, (str, Real)) and not isinstance(value, bool):
            spelt = self.spelt(value)
            for choice in self.choices:
                if value == choice or spelt == str(choice):
                    return choice
        listed = ", ".join(str(choice) for choice in self.choices)
        raise self.refuse(quoted(value), f"the model knows only {listed}", f"Choose one of {listed}.")


@dataclass(frozen=True)
class Number(Field):
    """A number between two bounds, both allowed; whole numbers only when `whole`. Without a default it can be unset."""

    minimum: float = 0
    maximum: float = 1
    default: float | None = 0
    whole: bool = False
    step: float | None = None
    multiple_of: float | None = None

    @property
    def unset(self) -> float:
        """The value that means "not sent" if there is no default: one below the minimum."""
        return self.minimum - 1

    @property
    def limits_text(self) -> str:
        return f"{self.unset:g}: left to the model." if self.default is None else ""

    def read(self, value: object) -> float | int | None:
        number = _number(value)
        if self.default is None and (value is None or number == self.unset):
            return None
        if number is None or (self.whole and number != int(number)):
            raise self._refused(value)
        return int(number) if self.whole else number

    def check(self, value: object) -> float | int | None:
        number = self.read(value)
        if number is None:
            return None
        if not self.minimum <= number <= self.maximum:
            raise self._refused(value)
        number = self._stepped(number, value) if self.multiple_of else number
        return number if self.whole else float(number)

    def _stepped(self, number: float, value: object) -> float | int:
        """The multiple that is meant: what a browser counts in steps of 0.1 is never quite one."""
        every = exact(self.multiple_of or 1)
        nearest = round(exact(number) / every) * every
        if abs(nearest - exact(number)) > every / ROUNDED:
            raise self.refuse(quoted(value), f"it goes in steps of {self.multiple_of:g}", "Set it to one of them.")
        return int(nearest) if self.whole else float(nearest)

    def _refused(self, value: object) -> InputRefused:
        kind = "a whole number" if self.whole else "a number"
        bounds = f"{self.minimum:,} to {self.maximum:,}"
        return self.refuse(quoted(value), f"it takes {kind} from {bounds}", f"Set it between {bounds}.")


def _number(value: object) -> float | int | None:
    """The finite number that `value` is or spells, whole ones exactly. A switch is none."""
    ways: tuple[Any, ...] = (int if isinstance(value, str) else operator.index, float)
    for read in ways if isinstance(value, (str, Real)) and not isinstance(value, bool) else ():
        with suppress(TypeError, ValueError, OverflowError):
            number: float | int = read(value)
            return number if -math.inf < number < math.inf else None
    return None


@dataclass(frozen=True)
class Seed(Number):
    """What tells takes apart. Any that ComfyUI's nodes make is taken; one past the model's range is folded into it."""

    whole: bool = True

    def check(self, value: object) -> int:
        seed, least, largest = int(self.read(value) or 0), max(int(self.minimum), 0), int(self.maximum)
        is_made = 0 <= seed < least or largest < seed <= LARGEST_SEED
        return int(super().check(least + (seed - least) % (largest - least + 1) if is_made else seed) or 0)

    def notice(self, value: object) -> str | None:
        seed, sent = self.read(value), self.check(value)
        return None if seed == sent else f"seed: {seed} is sent as {sent}; the model counts to {self.maximum:,}."


@dataclass(frozen=True)
class Flag(Field):
    """On or off. The words "true" and "false" are understood."""

    default: bool | None = False

    def read(self, value: object) -> bool | None:
        if self.default is None and value in (None, UNSET):
            return None
        word = str(value).strip().lower() if isinstance(value, (bool, str)) else ""
        if word not in ("true", "false"):
            raise self.refuse(quoted(value), "it is on or off", "Set it to true or false.")
        return word == "true"


def seed_field(wire: str | None, minimum: int = 0, default: int = 0, maximum: int = 4294967295) -> Seed:
    """The seed of a model: sent when it has a wire name, else it only tells takes apart."""
    use = (
        "Sent to the model: the same seed tends towards the same clip."
        if wire
        else "This model has no seed: the number only tells takes apart."
    )
    random = " -1 lets the model choose." if minimum < 0 else ""
    return Seed(
        "seed",
        wire,
        f"{use}{random} The same inputs with the same seed are the same job; another seed asks for another clip.",
        minimum=minimum,
        maximum=maximum if wire else LARGEST_SEED,
        default=default,
    )
