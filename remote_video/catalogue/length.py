"""Which of a model's inputs says how long its clip will be: in seconds, or in frames of a rate that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.fields import Choice, Field, Number, Text, Values

SECONDS = ("duration", "duration_seconds", "seconds", "video_length", "length", "clip_duration")
FRAMES = ("num_frames", "frames", "frame_count", "number_of_frames", "video_frames", "total_frames")
RATES = ("fps", "frames_per_second", "frame_rate", "framerate")
_IN_FRAMES = re.compile(r"\bframes\b(?!\s*per\b)", re.IGNORECASE)
_IN_SECONDS = re.compile(r"\bs(ec(ond)?s?)?\b", re.IGNORECASE)
_RATE = re.compile(
    r"([\w.,/-]+\s+)?(?<![\w.,/-])(\d{1,3}(?:\.\d+)?)\s*(?:fps\b|frames?\s*(?:per|/|a)\s*s(?:ec(?:ond)?)?\b)",
    re.IGNORECASE,
)
_OF_SEVERAL = re.compile(
    r"or|to|and|most|least|between|from|[\d.]*[,/-]|max\S*|min\S*|than|about|around", re.IGNORECASE
)
"""Words before a rate that make it one of several, or none in particular."""
_VALUE = re.compile(r"\s*(\d{1,6}(?:\.\d+)?)\s*s?\s*", re.ASCII)


@dataclass(frozen=True)
class Length:
    """What says how long a clip will be.

    Args:
        name: the input.
        per_second: how much of it is a second: 1 where it is in seconds, else frames; or the input that says so.
    """

    name: str
    per_second: float | str

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that it is known by."""
        return (self.name, self.per_second) if isinstance(self.per_second, str) else (self.name,)

    def seconds(self, values: Values) -> float | None:
        """How long the clip of these values will be, s; None when they don't say."""
        amount = _number(values.get(self.name))
        rate = _number(values.get(self.per_second)) if isinstance(self.per_second, str) else self.per_second
        return None if amount is None or not rate else amount / rate


def length_of(fields: Sequence[Field], schema: Any) -> Length | None:
    """What says how long the clip of a model with these inputs will be; None when nothing does.

    Args:
        schema: its published input schema.
    """
    known = {field.name: field for field in fields if isinstance(field, (Number, Choice, Text))}
    name = next((name for name in (*SECONDS, *FRAMES) if name in known), None)
    if name is None:
        return None
    said = known[name].tooltip
    if name not in FRAMES and not (_IN_FRAMES.search(said) and not _IN_SECONDS.search(said)):
        return Length(name, 1.0)
    if rate := next((rate for rate in RATES if rate in known), None):
        return Length(name, rate)
    whole = schema.get("description") if isinstance(schema, Mapping) else None
    found = _rate_in(said) or (_rate_in(whole) if isinstance(whole, str) else None)
    return Length(name, found) if found else None


def _rate_in(words: str) -> float | None:
    """The one rate that a text names, frames a second; None where it names none, or more."""
    found = list(_RATE.finditer(words[:10_000]))
    if len(found) != 1 or (found[0][1] and _OF_SEVERAL.fullmatch(found[0][1].strip())):
        return None
    return float(found[0][2])


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        found = _VALUE.fullmatch(value)
        return float(found[1]) if found else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
