"""The models there are, by id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .entry import Entry, Unreadable

SNAPSHOT = Path(__file__).with_name("snapshot.json")
"""What the provider offered when this version of the pack was made."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What is offered, and what was once.

    Args:
        entries: every readable model by id, whatever it makes.
        left_out: what could not be read, in words, for the log.
        asked_at: when the provider said so, seconds since the epoch; None for the snapshot.
    """

    entries: Mapping[str, Entry]
    left_out: tuple[str, ...] = field(default=(), repr=False)
    asked_at: float | None = None

    @classmethod
    def of(cls, published: Iterable[Any], asked_at: float | None = None) -> Catalogue:
        """Read a listing: of two models of one id the first counts."""
        entries: dict[str, Entry] = {}
        left_out = []
        for number, one in enumerate(published, start=1):
            try:
                entry = Entry.read(one)
            except Unreadable as why:
                left_out.append(f"model {number} of the listing: {why}")
                continue
            if entry.model_id in entries:
                left_out.append(f"{entry.model_id}: it is listed twice; the first one counts")
                continue
            entries[entry.model_id] = entry
        return cls(MappingProxyType(entries), tuple(left_out), asked_at)

    def get(self, model_id: str) -> Entry | None:
        """The model of that id."""
        return self.entries.get(model_id)


@cache
def snapshot() -> Catalogue:
    """The catalogue that ships with the pack."""
    return Catalogue.of(json.loads(SNAPSHOT.read_text(encoding="utf-8")))
