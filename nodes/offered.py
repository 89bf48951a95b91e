"""What the browser is told of models: their names, what a clip costs, which are gone. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..remote_video.catalogue import store
from ..remote_video.catalogue.aliases import aliases
from ..remote_video.catalogue.catalogue import Catalogue
from ..remote_video.catalogue.entry import Entry
from ..remote_video.catalogue.length import length_of
from ..remote_video.catalogue.model import CatalogueModel, in_place_of, video_models
from ..remote_video.catalogue.price import is_from, priced_inputs
from ..remote_video.catalogue.refresh import refresh
from ..remote_video.models import MODELS, ModelSpec
from ..remote_video.models.fields import Field, Number, Text
from ..remote_video.models.groups import Repeated
from ..remote_video.models.media_fields import MediaField
from ..remote_video.providers.client import is_free
from ..remote_video.settings import Settings
from .comfy_host import RUNCOMFY
from .inputs import unset


def offered_view(settings: Settings, _body: Any = None) -> dict[str, Any]:
    """What there is to show on nodes.

    Returns:
        models: by id, in the order of the node's list: {name, vendor, kinds: what it makes a video of, retired,
            price_usd, price_unit, is_from: whatever is set, dearer_by: the inputs that may change the price when they
            are sent, length: as `Length`, unset: by input, what its widget shows when it is not sent, shots: see
            `_sum_of`}.
        nodes: by the id of a node that has one model: the same, of that model where it is offered.
        shots: by the id of a node that has one model: its groups.
        providers: by the id of a node, the id of who makes its clips.
        sandbox: whether nothing costs anything.
    """
    known = store.known(settings.home, settings.endpoint(RUNCOMFY))
    return {
        "models": {
            model_id: {
                "name": model.name,
                "vendor": model.entry.vendor,
                "kinds": sorted(model.entry.video_kinds),
                "shots": _shots(model.own),
                **_priced(model.entry, model.fields),
            }
            for model_id, model in video_models(known).items()
        },
        "nodes": {spec.node_id: _fixed(known, spec) for spec in MODELS if known.get(spec.model_id)},
        "shots": {spec.node_id: _shots(spec.fields) for spec in MODELS if _shots(spec.fields)},
        "providers": {
            **{spec.node_id: spec.provider for spec in MODELS},
            CatalogueModel.node_id: CatalogueModel.provider,
        },
        "sandbox": is_free(RUNCOMFY, settings),
    }


def instead_view(settings: Settings, query: Mapping[str, Any]) -> dict[str, Any]:
    """{model} -> {instead: the ids of what is offered in its place}."""
    known = store.known(settings.home, settings.endpoint(RUNCOMFY))
    return {"instead": in_place_of(known, str(query.get("model", ""))[:200])}


def aliases_view(settings: Settings, _query: Any = None) -> dict[str, Any]:
    """-> {names: what CometAPI calls its models of Veo now, asked_at: seconds since 1970 or null, sandbox}. Blocks."""
    known = aliases(settings)
    return {"names": list(known.names), "asked_at": known.asked_at, "sandbox": settings.sandbox}


def renew(settings: Settings, _body: Any = None) -> dict[str, bool]:
    """Ask RunComfy what it offers now -> {changed: whether that is something else than was known}. Blocks."""
    endpoint = settings.endpoint(RUNCOMFY)
    before = store.known(settings.home, endpoint).version
    return {"changed": refresh(settings) and store.known(settings.home, endpoint).version != before}


def _fixed(known: Catalogue, spec: ModelSpec) -> dict[str, Any]:
    return _priced(known.entries[spec.model_id], spec.fields)


def _priced(entry: Entry, fields: tuple[Field, ...]) -> dict[str, Any]:
    priced, length = set(priced_inputs(entry)), length_of(fields, entry.schema)
    dearer_by = [field.name for field in fields if priced & {field.wire, f"{field.wire}_1"}]
    return {
        "retired": entry.is_retired,
        "price_usd": entry.price_usd,
        "price_unit": entry.price_unit,
        "is_from": is_from(entry, {}),
        "dearer_by": dearer_by,
        "length": vars(length) if length else None,
        "unset": {field.name: unset(field) for field in fields if not isinstance(field, MediaField)},
    }


def _shots(fields: tuple[Field, ...]) -> list[dict[str, Any]]:
    return [_sum_of(field, *field.adds_up) for field in fields if isinstance(field, Repeated) and field.adds_up]


def _sum_of(group: Repeated, part: str, whole: Number) -> dict[str, Any]:
    """Which parts of a group add up to which input, how long one may be, s, and which one is words."""
    length: Number = next(inner for inner in group.of if isinstance(inner, Number) and inner.name == part)
    return {
        "group": group.name,
        "one": group.one,
        "part": part,
        "whole": whole.name,
        "least": length.minimum,
        "most": length.maximum,
        "whole_numbers": length.whole,
        "start": length.default,
        "words": next((inner.name for inner in group.of if isinstance(inner, Text)), None),
    }
