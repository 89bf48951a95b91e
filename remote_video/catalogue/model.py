"""The models of the catalogue as specs: the same checks, the same body, the same key as of those made by hand."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ..errors import InputRefused
from ..models.fields import Values
from ..models.fitting import Fitting, Size
from ..models.json_schema import mismatch
from ..models.request import Media
from ..models.spec import ModelSpec
from .catalogue import Catalogue, successors
from .entry import Entry, Unreadable
from .length import length_of
from .schema import read

NODE_ID = "RunComfyVideo"
MOST_IN_PLACE = 3
SHAPES = ("aspect_ratio", "ratio", "target_aspect_ratio", "size", "video_size", "resolution")
SIZE = re.compile(r"([1-9]\d{2,3})\s*[x:*]\s*([1-9]\d{2,3})", re.ASCII)
RATIO = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*[:x/]\s*(\d{1,2}(?:\.\d+)?)", re.ASCII)
LINES = re.compile(r"([1-9]\d{2,3})p", re.ASCII | re.IGNORECASE)
WIDEST = 5
"""The largest ratio of a clip's width to its height."""
THOUSANDS = {"2k": 1440, "4k": 2160}
USUAL_LINES = 720
AN_ADDRESS = "https://example.com/file"

_log = logging.getLogger("remote_video")


class CatalogueModel(ModelSpec):
    """One model of the catalogue, made by reading its schema. Raises Unreadable."""

    node_id = NODE_ID
    provider = "runcomfy"
    shape_inputs = SHAPES

    def __init__(self, entry: Entry) -> None:
        try:
            reading = read(entry.schema)
        except RecursionError:
            raise Unreadable("its schema is too deep") from None
        self.entry = entry
        self.schema = entry.schema
        self.name = entry.name
        self.model_id = entry.model_id
        self.fields = reading.fields
        self.own = reading.own
        """The inputs that stand below the model's name on the node."""
        self.length = length_of(reading.fields, entry.schema)
        """Which input says how long the clip will be; None when none does."""
        self.length_inputs = self.length.inputs if self.length else ()
        self.left_out = reading.left_out
        """Properties of its schema that could not be understood, and why."""

    def canvas(self, values: Values, size: Size) -> Size | None:
        """See `ModelSpec.canvas`: by what is chosen for its shape and its lines."""
        said = [str(values[name]) for name in SHAPES if isinstance(values.get(name), str)]
        if whole := next(filter(None, (SIZE.fullmatch(word) for word in said)), None):
            return int(whole[1]), int(whole[2])
        ratio = next(filter(None, (RATIO.fullmatch(word) for word in said)), None)
        across, down = (float(ratio[1]), float(ratio[2])) if ratio else (0.0, 0.0)
        if not down or not 1 / WIDEST <= across / down <= WIDEST:
            return None
        short = next((lines for word in said if (lines := _lines(word))), USUAL_LINES)
        width, height = short * across / min(across, down), short * down / min(across, down)
        return 2 * round(width / 2), 2 * round(height / 2)

    def body(self, values: Values, fitting: Fitting) -> dict[str, Any]:
        """See `ModelSpec.body`: held as a whole against the schema as it was published."""
        body = super().body(values, fitting)
        if problem := mismatch(_with_addresses(body), self.schema):
            raise InputRefused(f"The request would violate the published schema: {problem}.")
        return body

    def clip_seconds(self, values: Values) -> float | None:
        """See `ModelSpec.clip_seconds`."""
        return self.length.seconds(values) if self.length else None


def _with_addresses(tree: Any) -> Any:
    """A body with an address in place of each file."""
    if isinstance(tree, Mapping):
        return {name: _with_addresses(one) for name, one in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_with_addresses(one) for one in tree]
    return AN_ADDRESS if isinstance(tree, Media) else tree


def _lines(word: str) -> int | None:
    found = LINES.fullmatch(word)
    return int(found[1]) if found else THOUSANDS.get(word.lower())


@dataclass(frozen=True)
class VideoModels(Mapping[str, CatalogueModel]):
    """The video models of a catalogue that can be understood, by id: related ones stand together.

    Args:
        left_out: by id, why a model can't be offered.
    """

    models: Mapping[str, CatalogueModel]
    left_out: Mapping[str, str]

    def __getitem__(self, model_id: str) -> CatalogueModel:
        return self.models[model_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)


@lru_cache(maxsize=4)
def video_models(catalogue: Catalogue) -> VideoModels:
    """Those of a catalogue. What can't be understood is left out alone, with a line in the log."""
    models: dict[str, CatalogueModel] = {}
    left_out: dict[str, str] = {}
    for model_id, entry in sorted(catalogue.entries.items(), key=_related):
        if not entry.makes_video:
            continue
        try:
            models[model_id] = CatalogueModel(entry)
        except Unreadable as why:
            left_out[model_id] = str(why)
            _log.warning("The model %s can't be offered: %s.", model_id, why)
            continue
        for name, reason in models[model_id].left_out.items():
            _log.info("%s: its input %s is left out: %s.", model_id, name, reason)
    return VideoModels(MappingProxyType(models), MappingProxyType(left_out))


def in_place_of(catalogue: Catalogue, model_id: str) -> list[str]:
    """The ids of what can be chosen in place of a model that is gone, the likeliest first; a few."""
    offered = video_models(catalogue)
    return [entry.model_id for entry in successors(catalogue, model_id) if entry.model_id in offered][:MOST_IN_PLACE]


def _related(item: tuple[str, Any]) -> list[Any]:
    """By vendor and family, the newest version first, retired ones last."""
    model_id, entry = item
    vendor, _, rest = model_id.partition("/")
    version = re.search(r"\d+(?:\.\d+)*", rest)
    numbers = [-int(n) for n in version[0].split(".")] if version else []
    family = rest[: version.start()] if version else rest
    return [entry.is_retired, vendor, family, numbers, rest]
