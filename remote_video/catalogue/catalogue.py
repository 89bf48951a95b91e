"""The models there are, and those there were, by id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .entry import EDIT, TO_VIDEO, Entry, Unreadable

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
    def of(
        cls, published: Iterable[Any], asked_at: float | None = None, retired: Iterable[tuple[Any, float]] = ()
    ) -> Catalogue:
        """Read a listing: of two models of one id the first counts.

        Args:
            published: the objects of the listing.
            asked_at: when it was asked for.
            retired: the objects of models that are no longer listed, and since when.
        """
        entries: dict[str, Entry] = {}
        left_out = []
        since = [*((one, None) for one in published), *retired]
        for number, (one, retired_at) in enumerate(since, start=1):
            try:
                entry = Entry.read(one, retired_at)
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

    @property
    def videos(self) -> list[Entry]:
        """The video models, also those that were offered once."""
        return [entry for entry in self.entries.values() if entry.makes_video]

    @cached_property
    def version(self) -> str:
        """A digest of all it says of models, hex: the same in every process, however often it is asked for."""
        said = [{**vars(entry), "kinds": sorted(entry.kinds)} for _, entry in sorted(self.entries.items())]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=dict).encode()).hexdigest()


def successors(catalogue: Catalogue, model_id: str, kinds: frozenset[str] = frozenset()) -> list[Entry]:
    """What is offered in place of a model, the likeliest first: video models of its vendor for the same purpose.

    Args:
        model_id: of the model that is gone.
        kinds: what it made of what; what its id and the catalogue say of that counts as well.
    """
    entry = catalogue.get(model_id)
    parts = model_id.split("/")
    said = {*kinds, *(entry.kinds if entry else ()), *parts}
    made = {kind for kind in said if TO_VIDEO.fullmatch(kind) or kind == EDIT}
    found = [
        other
        for other in catalogue.videos
        if not other.is_retired
        and other.model_id != model_id
        and other.vendor == parts[0]
        and any(kind in made for kind in other.kinds)
    ]
    return sorted(found, key=lambda other: -SequenceMatcher(None, model_id, other.model_id).ratio())


@cache
def snapshot() -> Catalogue:
    """The catalogue that ships with the pack."""
    return Catalogue.of(published_snapshot())


def published_snapshot() -> list[Any]:
    """The objects it is made of."""
    published: list[Any] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    return published
