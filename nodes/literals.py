"""Literal values of a prompt, understood before ComfyUI casts them: to it "false" is true, 5.7 is 5, null is "None"."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Protocol

from ..remote_video.errors import InputRefused
from ..remote_video.models.fields import Field
from ..remote_video.models.groups import Json, Repeated
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import MediaField
from ..remote_video.outside_text import quoted
from .comfy_host import is_link
from .inputs import unset

Fields = Mapping[str, Field]


class Reader(Protocol):
    """A kind of node that looks at what was posted for it before ComfyUI does."""

    @classmethod
    def read_posted(cls, inputs: dict[str, Any]) -> None:
        """Put into `inputs` what its values mean."""


class Misread(str):
    """A value that means nothing to its input. ComfyUI fails to cast it, and refuses the prompt with the reason."""

    reason: InputRefused

    @classmethod
    def of(cls, value: Any, reason: InputRefused) -> Misread:
        """The value, with the reason."""
        misread = cls(quoted(value))
        misread.reason = reason
        return misread

    def _refuse(self) -> NoReturn:
        raise ValueError(f"{self.reason.what} {self.reason.next_step}")

    __bool__ = __int__ = __float__ = _refuse


def read_prompt(posted: Any, nodes: Mapping[str, type[Reader]]) -> Any:
    """What was posted to /prompt, with the values of our nodes as they are meant; wires stay.

    Args:
        posted: the body, whatever it is.
        nodes: ours, by class type.
    """
    prompt = posted.get("prompt") if isinstance(posted, dict) else None
    for node in prompt.values() if isinstance(prompt, dict) else ():
        reader = nodes.get(str(node.get("class_type"))) if isinstance(node, dict) else None
        if reader and isinstance(inputs := node.get("inputs"), dict):
            reader.read_posted(inputs)
    return posted


def read_literals(inputs: dict[str, Any], fields: Fields) -> None:
    """Put in place of the literals among `inputs` what they mean to the field of that name."""
    for name in fields.keys() & inputs.keys():
        inputs[name] = _read(fields[name], inputs[name])


def literals_of(fields: Iterable[Field], below: str = "") -> dict[str, Field]:
    """Those that may stand as a literal in a prompt, by the name they have there.

    Args:
        below: what those names begin with.
    """
    found: dict[str, Field] = {}
    for field in fields:
        if isinstance(field, Repeated):
            found.update({f"{below}{field.name}.{inner.name}": inner for inner in field.inputs(field.most)})
        elif not isinstance(field, (MediaField, Elements)):
            found[f"{below}{field.name}"] = field
    return found


def _read(field: Field, value: Any) -> Any:
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    if isinstance(field, Json):
        return value if isinstance(value, str) or value is None or is_link(value) else json.dumps(value)
    if isinstance(value, (list, dict)):
        return value
    try:
        meant = field.read(value)
        return unset(field) if meant is None else meant
    except InputRefused as refusal:
        return Misread.of(value, refusal)
