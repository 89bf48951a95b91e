"""ComfyUI's nested values, flattened: a DynamicCombo's choice and the inputs below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..remote_video.models import ModelSpec
from ..remote_video.models.groups import Repeated
from ..remote_video.models.media_fields import Footage, Picture
from ..remote_video.outside_text import quoted
from .inputs import Common
from .mp4_file import mp4_file

Groups = list[dict[str, Any]]
OF_FRONTENDS = ("control_after_generate",)
COMMON = {field.name for field in fields(Common)}


def groups_of(field: Repeated, given: Any) -> Groups | None:
    """The groups that were chosen: their values by name, or nothing but their number when only the choice is known.

    Args:
        given: the choice, or a mapping of it and of what stands below it.

    Raises:
        InputRefused: a choice that doesn't exist, or none with something below it: ComfyUI drops it all and goes on.
    """
    values = given if isinstance(given, Mapping) else {field.name: given}
    choice = values.get(field.name)
    written = [name for name, value in values.items() if value is not None]
    if choice is None and not written:
        return None
    counts = field.counts
    if not isinstance(choice, str) or choice not in counts:
        found = f"missing, though there is `{written[0]}`" if choice is None else quoted(choice)
        listed = ", ".join(counts)
        raise field.refuse(found, f"it can be {listed}", f"Choose one of {listed}.")
    numbers = range(1, counts[choice] + 1)
    return [
        {inner.name: values.get(named.name) for inner, named in zip(field.of, field.group(number), strict=True)}
        for number in numbers
    ]


def unpacked(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a node as its model wants them. Blocks while videos become files. Raises InputRefused."""
    repeated = [field for field in spec.fields if isinstance(field, Repeated)]
    footage = [field for field in spec.fields if isinstance(field, Footage) and field.name in values]
    return {
        **values,
        **{field.name: groups_of(field, values.get(field.name)) for field in repeated},
        **{field.name: _files(values[field.name], field.name) for field in footage},
    }


def _files(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {socket: _files(one, socket) for socket, one in value.items()}
    return value if value is None or isinstance(value, (str, bytes)) else mp4_file(value, name)


def image_names(spec: ModelSpec, values: Mapping[str, Any], below: str = "") -> dict[str, str]:
    """What each image is called in messages, by the name of the prompt's input that it comes by."""
    return {
        f"{below}{field.name}{socket and f'.{socket}'}": called
        for field in spec.fields
        if isinstance(field, Picture)
        for socket, called in field.called(values.get(field.name)).items()
    }


def nested(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a node was given besides the common inputs, by field name: as nested as ComfyUI makes it, also where it made
    nothing of it. What the model has no input for is among it; a frontend's own isn't.
    """
    known = {field.name for field in spec.fields}
    own: dict[str, Any] = {}
    for name, value in given.items():
        if name in known - COMMON or not (name.split(".")[0] in known | COMMON or is_of_frontend(name)):
            own[name] = value
    for field in spec.fields:
        if inner := below(field.name, given):
            value = own.get(field.name)
            above = value if isinstance(value, Mapping) else {} if value is None else {field.name: value}
            own[field.name] = {**inner, **above}
    return own


def is_of_frontend(name: str) -> bool:
    """Whether an input is one that a frontend made up for itself, such as the text shown on a node."""
    return name.startswith("$$") or name in OF_FRONTENDS


def below(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands below an input that ComfyUI made nothing of."""
    return {key.removeprefix(f"{name}."): value for key, value in given.items() if key.startswith(f"{name}.")}
