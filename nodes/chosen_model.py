"""Which model of the catalogue a prompt names, and its inputs: checked, since ComfyUI drops what it doesn't know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..remote_video.catalogue.catalogue import Catalogue
from ..remote_video.catalogue.model import CatalogueModel, in_place_of, video_models
from ..remote_video.errors import InputRefused
from ..remote_video.models.fields import Field
from ..remote_video.models.groups import Repeated
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import MediaField
from ..remote_video.outside_text import quoted
from .comfy_host import is_link
from .inputs import socket_names
from .nested import COMMON, groups_of, is_of_frontend

MODEL = "model"
BELOW = f"{MODEL}."
"""What the names of a model's own inputs begin with in a prompt."""
BESIDE = COMMON | {"prompt"}


@dataclass(frozen=True)
class Chosen:
    """A model, and what it was given.

    Args:
        values: by field name; what stands below an input is a mapping by its own names.
    """

    model: CatalogueModel
    values: Mapping[str, Any]

    def check(self) -> None:
        """Raise InputRefused for what is known to be wrong before anything has run: wires are still links."""
        known: dict[str, Any] = {}
        for field in self.model.fields:
            value = self.values.get(field.name)
            if isinstance(field, MediaField):
                for socket, one in (value if isinstance(value, Mapping) else {field.name: value}).items():
                    if isinstance(one, str) and one.strip():
                        field.address(one, socket)
            if isinstance(field, (MediaField, Elements)) or is_link(value):
                continue
            if value is None:
                known[field.name] = getattr(field, "default", None)
                continue
            if isinstance(field, Repeated):
                groups = groups_of(field, value)
                if any(is_link(part) for group in groups or () for part in group.values()):
                    continue
                value = groups
            known[field.name] = field.check(value)
        self.model.check_together(known)


def chosen(catalogue: Catalogue, given: Mapping[str, Any]) -> Chosen:
    """The model that a prompt names, and the values of its fields.

    Args:
        catalogue: what there is to choose from.
        given: what the node was given: as posted, by dotted names, or as nested as ComfyUI makes it.

    Raises:
        InputRefused: `model` is missing or unknown, or there is something that it has no input for.
    """
    flat = {name: value for top, value in given.items() for name, value in _flat(top, value)}
    model = _model(catalogue, flat.get(MODEL))
    values: dict[str, Any] = {"prompt": flat["prompt"]} if "prompt" in flat else {}
    places = {place: field for field in model.own for place in _places(field)}
    for name, value in flat.items():
        if name == MODEL or name in BESIDE or value is None or is_of_frontend(name):
            continue
        own = name.removeprefix(BELOW)
        field = places.get(own) if name.startswith(BELOW) else None
        if field is None:
            raise _strange(model, name)
        if isinstance(field, Repeated) or own != field.name:
            values.setdefault(field.name, {})[own.removeprefix(f"{field.name}.")] = value
        else:
            values[field.name] = value
    for field in model.own:
        if isinstance(field, Repeated) and field.name in values:
            _only_chosen(model, field, values[field.name])
    return Chosen(model, values)


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or "waveform" in value:
        yield name, value
        return
    for inner, one in value.items():
        yield from _flat(name if inner == name.rpartition(".")[2] else f"{name}.{inner}", one)


def _model(catalogue: Catalogue, name: Any) -> CatalogueModel:
    models, choose = video_models(catalogue), "Choose one of the list in `model`."
    if name in (None, ""):
        raise InputRefused("No `model` is chosen.", next_step=choose)
    if not isinstance(name, str):
        raise InputRefused("`model` can't be wired: its inputs depend on it.", next_step=f"Unwire it. {choose}")
    if name not in models:
        raise InputRefused(
            f"The model {quoted(name)} is not offered, or not any more.", next_step=instead(catalogue, name)
        )
    return models[name]


def instead(catalogue: Catalogue, name: str) -> str:
    """What to choose in place of a model that is gone, in a sentence."""
    found = in_place_of(catalogue, name)
    if not found:
        return "Choose another one in `model`."
    return f"In its place there is {' or '.join(found)}: choose it in `model`."


def _places(field: Field) -> list[str]:
    """The names below `model` that belong to a field."""
    if isinstance(field, Repeated):
        return [field.name, *(f"{field.name}.{part.name}" for part in field.inputs(field.most))]
    if isinstance(field, Elements) or (isinstance(field, MediaField) and field.takes_several):
        return [f"{field.name}.{socket}" for socket in socket_names(field)]
    return [field.name]


def _only_chosen(model: CatalogueModel, field: Repeated, given: Mapping[str, Any]) -> None:
    groups = groups_of(field, given)
    known = {field.name, *(inner.name for inner in field.inputs(len(groups or ())))}
    for name in given:
        if name not in known:
            raise _strange(model, f"{BELOW}{field.name}.{name}")


def _strange(model: CatalogueModel, name: str) -> InputRefused:
    return InputRefused(
        f"{model.name} has no input `{name.removeprefix(BELOW)[:80]}`, as it is chosen now: it came with another "
        "model's inputs, or with another version of this one's.",
        next_step="Choose the model in `model` again, or remove that input.",
    )
