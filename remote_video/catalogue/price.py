"""What a clip will cost, by the catalogue's price: an estimate, or nothing. Never a guess."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..dollars import dollars
from .catalogue import Catalogue
from .entry import EDIT, TO_VIDEO, Entry

if TYPE_CHECKING:
    from ..models.request import Request

SECOND, OUTPUT = "second", "output"
"""The units a price can be of; what another one would mean for a clip is not known."""
_VARIES = re.compile(
    r"\b(from|start\w*|at least|var(y|ies)|depend\w*|resolutions?|audio|sound|\d{3,4}p|[248]k|modes?|tiers?|higher|"
    r"additional(ly)?|extra|surcharge\w*|multipl\w+|up to|more)\b",
    re.IGNORECASE,
)
"""Words of a note on a price that say that it isn't the whole price of every clip."""
_OF_MONEY = re.compile(r"\$|\b(pric\w*|costs?|bill\w*|charg\w*|usd|credits?|cheap\w*|expensive)\b", re.IGNORECASE)
"""Words of an input's description that say that the price depends on it."""


@dataclass(frozen=True)
class Estimate:
    """What a clip will cost.

    Args:
        usd: by the catalogue's price.
        is_from: some input is said to change the price: this is the least.
    """

    usd: float
    is_from: bool

    @property
    def words(self) -> str:
        """Such as "about $1.12"."""
        return f"{'from' if self.is_from else 'about'} {dollars(self.usd)}"


def estimate(entry: Entry, seconds: float | None, parameters: Mapping[str, Any] | None = None) -> Estimate | None:
    """What a clip of that model will cost; None when that can't be said.

    Args:
        entry: the model.
        seconds: how long the clip will be, s; None when not known.
        parameters: the inputs that the model is given, by wire name: the catalogue's own are looked at without it.
    """
    usd = _usd(entry, seconds)
    return None if usd is None else Estimate(usd, is_from(entry, parameters))


def is_from(entry: Entry, parameters: Mapping[str, Any] | None = None) -> bool:
    """Whether the catalogue says that the price depends on more than the unit: by its note, or at one of the inputs.

    Args:
        parameters: only what is said at these inputs counts, besides the note; all of them when not given.
    """
    return bool(_VARIES.search(entry.pricing_note)) or any(
        parameters is None or name in parameters for name in priced_inputs(entry)
    )


def priced_inputs(entry: Entry) -> list[str]:
    """The inputs of which the catalogue says that the price depends on them, by wire name."""
    return [name for name, words in _described(entry) if _OF_MONEY.search(words)]


def estimate_of(request: Request, catalogue: Catalogue) -> Estimate | None:
    """What the clip that is asked for will cost; None when that can't be said."""
    entry = catalogue.get(request.model_id)
    return estimate(entry, request.seconds, request.body) if entry else None


def highest_of_its_kind(request: Request, catalogue: Catalogue) -> float | None:
    """What a clip whose price is not known counts as: the highest known price among models of its kind, USD.

    None when no price of that kind is known, or one is that can't be said of this clip.
    """
    known, seconds = catalogue.get(request.model_id), request.seconds
    kinds = _kinds_of(known) if known else frozenset(filter(TO_VIDEO.fullmatch, request.model_id.split("/")))
    alike = [entry for entry in catalogue.entries.values() if entry.price_usd is not None and _kinds_of(entry) & kinds]
    if seconds is None and any(entry.price_unit == SECOND for entry in alike):
        return None
    return max((usd for entry in alike if (usd := _usd(entry, seconds)) is not None), default=None)


def _usd(entry: Entry, seconds: float | None) -> float | None:
    """What one clip costs by the price alone."""
    if entry.price_usd is None:
        return None
    if entry.price_unit == OUTPUT:
        return entry.price_usd
    if entry.price_unit == SECOND and seconds is not None and 0 < seconds < math.inf:
        return round(entry.price_usd * seconds, 6)
    return None


def _kinds_of(entry: Entry) -> frozenset[str]:
    """What it makes of what, without words that say nothing of it ("model")."""
    return frozenset(kind for kind in entry.kinds if kind == EDIT or TO_VIDEO.fullmatch(kind))


def _described(entry: Entry) -> Iterator[tuple[str, str]]:
    """Each input with what is said of it."""
    properties = (entry.schema or {}).get("properties")
    for name, one in properties.items() if isinstance(properties, Mapping) else ():
        words = one.get("description") if isinstance(one, Mapping) else None
        if isinstance(words, str):
            yield str(name), words[:10_000]
