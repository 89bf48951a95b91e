"""What the sandbox offers: models as the catalogue publishes them, which a test may change while it runs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .contracts import Contract
from .job_store import write_whole

CONTRACTS = Path(__file__).parent / "contracts"
SNAPSHOT = Path(__file__).parents[1] / "catalogue" / "snapshot.json"
OWN_KEY = "sandbox_clip"
"""In an entry: what the published schema doesn't say of the clip, as {"seconds": s, "sizes": [[px, px], ...]}."""
TO_PICTURE = re.compile(r"(text|image|reference)s?-to-image|edit-image|image-edit(ing)?")

Entry = Mapping[str, Any]


class Listing:
    """The models on offer, in a file of the sandbox's folder, so that every process on the folder offers the same.

    Without that file: the models of `contracts/` and of the catalogue's snapshot.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "catalogue.json"
        self._lock = threading.Lock()

    def all(self) -> list[Any]:
        """Everything that is listed, as published, even if it is not a model."""
        try:
            listed: list[Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return list(_known())
        return listed

    def find(self, model_id: str) -> Entry | None:
        """The first model of that id."""
        return next((one for one in self.all() if _id(one) == model_id), None)

    def set(self, models: Iterable[Any]) -> None:
        """Offer these and no others, in this order: a test's whole catalogue, however odd."""
        write_whole(self._path, json.dumps(list(models)).encode())

    def put(self, *models: Entry) -> None:
        """Offer these too; one with an existing id replaces it."""
        with self._lock:
            by_id = {model["model_id"]: model for model in models}
            listed = [by_id.pop(_id(one), one) for one in self.all()]
            self.set([*listed, *by_id.values()])

    def remove(self, *model_ids: str) -> None:
        """Offer them no longer."""
        with self._lock:
            self.set(one for one in self.all() if _id(one) not in model_ids)

    def reset(self) -> None:
        """Offer again what is offered without a word."""
        self._path.unlink(missing_ok=True)


def contract_of(entry: Entry) -> Contract:
    return Contract(entry.get("input_schema"))


def name_of(entry: Entry) -> str:
    """What to call a model on a clip: one short line, whatever the listing says."""
    words = str(entry.get("display_name") or _id(entry))
    return " ".join("".join(one if one.isprintable() else " " for one in words[:200]).split())[:60]


def makes_pictures(entry: Entry) -> bool:
    """Whether its answer is a picture, and no clip."""
    categories = entry.get("categories")
    kinds = [str(kind) for kind in (*(categories if isinstance(categories, list) else ()), entry.get("kind"))]
    to_video = any(kind.endswith("video") for kind in kinds)
    return not to_video and any(TO_PICTURE.fullmatch(kind) for kind in kinds)


def published(entry: Any, *, schema: bool) -> Any:
    """An entry as the API gives it."""
    if not isinstance(entry, Mapping):
        return entry
    said = {
        "description": f"{name_of(entry)}, as the sandbox imitates it.",
        "pricing_note": "Sandbox price: nothing is charged.",
        **entry,
    }
    return {key: said[key] for key in said if key != OWN_KEY and (schema or key != "input_schema")}


def _id(entry: Any) -> str:
    return str(entry.get("model_id")) if isinstance(entry, Mapping) else ""


@cache
def _known() -> tuple[Entry, ...]:
    own = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CONTRACTS.glob("*.json"))]
    return (*(one for one in own if "input_schema" in one), *json.loads(SNAPSHOT.read_text(encoding="utf-8")))
