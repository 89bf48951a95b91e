"""The words, choices, numbers and switches of a published schema."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from ..errors import InputRefused
from ..models.fields import LARGEST_SEED, Choice, Field, Flag, Number, Seed, Text
from ..models.json_schema import exact, is_number, listed, mismatch
from .entry import Unreadable
from .property import SAFE, Property

MOST_CHOICES, LONGEST_CHOICE = 200, 200
LARGEST_WHOLE, LARGEST = 2**31 - 1, 1e9
"""Where nothing is said."""
PROSE = re.compile("prompt|text|script|lyrics|description|caption|dialog")


def widget_field(said: Property) -> Field | None:
    """The field of a property that is one value; None when it is more. Raises Unreadable, InputRefused."""
    if said.kind == "boolean":
        return _flag(said)
    if "enum" in said.says or "const" in said.says:
        return _choice(said)
    if said.kind == "string":
        return _text(said)
    if said.name == "seed" and said.kind == "integer" and "multipleOf" not in said.says:
        return _seed(said)
    return _number(said, whole=said.kind == "integer") if said.kind in ("integer", "number") else None


def _choices(said: Property) -> list[Any]:
    """What may be chosen, as far as the rest of the schema allows it."""
    word = "const" if "const" in said.says else "enum"
    published = [said.says["const"]] if word == "const" else listed(said.says, word)
    rest = {name: says for name, says in said.says.items() if name != word}
    return [one for one in published if one is not None and mismatch(one, rest) is None]


def _choice(said: Property) -> Field:
    found = _choices(said)
    if found and all(isinstance(one, bool) for one in found):
        return _flag(said)
    are_words = all(isinstance(one, str) and one.isprintable() and len(one) <= LONGEST_CHOICE for one in found)
    are_numbers = all(is_number(one) and -SAFE <= one <= SAFE for one in found)
    if not found or len(found) > MOST_CHOICES or not (are_words or are_numbers):
        raise Unreadable("its choices are not all words, or all numbers")
    choices, default = tuple(dict.fromkeys(found)), said.says.get("default")
    usual = choices[choices.index(default)] if default in choices and not isinstance(default, bool) else None
    return Choice(**said.named, choices=choices, default=choices[0] if usual is None and said.required else usual)


def _text(said: Property) -> Field:
    longest, shortest = said.count("maxLength"), said.count("minLength") or 0
    if longest is not None and longest < max(shortest, 1):
        raise Unreadable("its lengths contradict each other")
    default, is_prompt = said.says.get("default"), said.name == "prompt"
    has_blank = default == "" and not is_prompt and not shortest
    text = Text(
        **said.named,
        max_length=longest,
        min_length=shortest,
        required=said.required and not has_blank,
        multiline=bool(PROSE.search(said.name.lower())),
        blank_is_sent=said.required and has_blank,
    )
    if is_prompt or not isinstance(default, str) or not default:
        return text
    try:
        return replace(text, default=text.check(default), blank_is_sent=not text.required and not shortest)
    except InputRefused:
        return text


def _flag(said: Property) -> Field:
    if ("enum" in said.says or "const" in said.says) and len(_choices(said)) < 2:
        raise Unreadable("it is a switch that can't be switched")
    try:
        default: bool | None = Flag(**said.named).read(said.says.get("default"))
    except InputRefused:
        default = False if said.required else None
    return Flag(**said.named, default=default)


def _number(said: Property, *, whole: bool) -> Field:
    low, high = _bounds(said, whole=whole)
    largest = LARGEST_WHOLE if whole else LARGEST
    # Without a minimum, only a number below 0 can mean "not sent".
    lowest = low if low is not None else 0 if not said.required and "default" not in said.says else -largest
    highest = high if high is not None else largest
    if lowest > highest:
        raise Unreadable("its bounds contradict each other")
    every = said.number("multipleOf")
    every = every if every and every > 0 else None
    step = every or (None if whole else 10.0 ** math.floor(math.log10(max(highest - lowest, 1e-6))) / 100)
    number = Number(
        **said.named, minimum=lowest, maximum=highest, default=None, whole=whole, step=step, multiple_of=every
    )
    try:
        usual = number.check(said.says.get("default"))
    except InputRefused:
        usual = None
    if usual is None and said.required:
        usual = lowest if low is not None else min(max(lowest, 0), highest)
        usual = number.check(float(math.ceil(exact(usual) / exact(every)) * exact(every)) if every else usual)
    return replace(number, default=usual)


def _seed(said: Property) -> Field:
    low, high = _bounds(said, whole=True)
    least, most = int(low or 0), int(LARGEST_WHOLE if high is None else high)
    if max(least, 0) > most:
        raise Unreadable("its bounds contradict each other")
    return Seed(**said.named, minimum=least, maximum=min(most, LARGEST_SEED), default=max(least, 0))


def _bounds(said: Property, *, whole: bool) -> tuple[float | None, float | None]:
    """The smallest and the largest number, both allowed; None where nothing is said. Raises Unreadable."""
    low, high = _end(said, "minimum", "exclusiveMinimum", whole), _end(said, "maximum", "exclusiveMaximum", whole)
    if (low or 0) > SAFE or (high or 0) < -SAFE:
        raise Unreadable("no browser counts so far")
    return None if low is None else max(low, -SAFE), None if high is None else min(high, SAFE)


def _end(said: Property, inclusive: str, exclusive: str, whole: bool) -> float | None:
    """One end, allowed. Its second keyword may also be a switch that makes the first one mean what is beyond."""
    at, beyond = said.number(inclusive), said.number(exclusive)
    if said.says.get(exclusive) is True:
        at, beyond = None, at
    is_low, ends = inclusive == "minimum", []
    if at is not None:
        ends.append((math.ceil if is_low else math.floor)(at) if whole else at)
    if beyond is not None and whole:
        ends.append(math.floor(beyond) + 1 if is_low else math.ceil(beyond) - 1)
    elif beyond is not None:
        ends.append(math.nextafter(beyond, math.inf if is_low else -math.inf))
    return (max if is_low else min)(ends, default=None)
