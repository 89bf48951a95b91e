"""What the browser is told of models: their names, what a clip costs, which are gone. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..remote_video.catalogue import store
from ..remote_video.catalogue.catalogue import Catalogue
from ..remote_video.catalogue.entry import Entry
from ..remote_video.catalogue.model import LENGTHS, in_place_of, video_models
from ..remote_video.catalogue.price import is_from
from ..remote_video.catalogue.refresh import refresh
from ..remote_video.models import MODELS, ModelSpec
from ..remote_video.models.fields import Field
from ..remote_video.providers.client import is_free
from ..remote_video.settings import Settings
from .comfy_host import RUNCOMFY


def offered_view(settings: Settings, _body: Any = None) -> dict[str, Any]:
    """What there is to show on nodes.

    Returns:
        models: by id: {name, retired, price_usd, price_unit, is_from, length: the input that is the clip's length}.
        nodes: by the id of a node that has one model: the same, of that model where it is offered.
        sandbox: whether nothing costs anything.
    """
    known = store.known(settings.home, settings.endpoint(RUNCOMFY))
    return {
        "models": {
            model_id: {"name": model.name, **_priced(model.entry, model.own)}
            for model_id, model in video_models(known).items()
        },
        "nodes": {spec.node_id: _fixed(known, spec) for spec in MODELS if known.get(spec.model_id)},
        "sandbox": is_free(RUNCOMFY, settings),
    }


def instead_view(settings: Settings, query: Mapping[str, Any]) -> dict[str, Any]:
    """{model} -> {instead: the ids of what is offered in its place}."""
    known = store.known(settings.home, settings.endpoint(RUNCOMFY))
    return {"instead": in_place_of(known, str(query.get("model", ""))[:200])}


def renew(settings: Settings, _body: Any = None) -> dict[str, bool]:
    """Ask RunComfy what it offers now -> {changed: whether that is something else than was known}. Blocks."""
    endpoint = settings.endpoint(RUNCOMFY)
    before = store.known(settings.home, endpoint).version
    return {"changed": refresh(settings) and store.known(settings.home, endpoint).version != before}


def _fixed(known: Catalogue, spec: ModelSpec) -> dict[str, Any]:
    return _priced(known.entries[spec.model_id], spec.fields)


def _priced(entry: Entry, fields: tuple[Field, ...]) -> dict[str, Any]:
    names = {field.name for field in fields}
    return {
        "retired": entry.is_retired,
        "price_usd": entry.price_usd,
        "price_unit": entry.price_unit,
        "is_from": is_from(entry),
        "length": next((name for name in LENGTHS if name in names), None),
    }
