"""Literal values of a prompt, understood before ComfyUI casts them: to it "false" is true, 5.7 is 5, null is "None"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ..remote_video.errors import InputRefused
from ..remote_video.models.fields import Field
from ..remote_video.outside_text import quoted

Fields = Mapping[str, Field]


class Misread(str):
    """A value that means nothing to its input. ComfyUI fails to cast it, and refuses the prompt with the reason."""

    reason: InputRefused

    def _refuse(self) -> NoReturn:
        raise ValueError(f"{self.reason.what} {self.reason.next_step}")

    __bool__ = __int__ = __float__ = _refuse


def read_literals(posted: Any, nodes: Mapping[str, Fields]) -> Any:
    """What was posted to /prompt, with the literals of our nodes as the values they mean; wires stay.

    Args:
        posted: the body, whatever it is.
        nodes: by class type, the fields that may stand as a literal.
    """
    prompt = posted.get("prompt") if isinstance(posted, dict) else None
    for node in prompt.values() if isinstance(prompt, dict) else ():
        if isinstance(node, dict) and isinstance(inputs := node.get("inputs"), dict):
            fields = nodes.get(str(node.get("class_type")), {})
            for name in fields.keys() & inputs.keys():
                inputs[name] = _read(fields[name], inputs[name])
    return posted


def _read(field: Field, value: Any) -> Any:
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    if isinstance(value, (list, dict)):
        return value
    try:
        return field.read(value)
    except InputRefused as refusal:
        misread = Misread(quoted(value))
        misread.reason = refusal
        return misread
