"""What is looked at when a prompt is queued, before anything has run: the literal values that ComfyUI can't judge."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any

from ..remote_video.errors import InputRefused
from ..remote_video.models.fields import LARGEST_SEED, Field, Seed, Text
from ..remote_video.models.groups import Repeated
from ..remote_video.models.spec import ModelSpec
from .nested import groups_of


def queue_check(spec: ModelSpec) -> Any:
    """The `validate_inputs` of a node that offers `spec`.

    ComfyUI passes it what its signature names, None for what is wired, and leaves out its own check of those: so it
    names what `checked_here` says and the choices of groups, no more and no less. Dynamic inputs come whether they are
    named or not, but without what was chosen.
    """

    def validate_inputs(cls: type, /, **values: Any) -> bool | str:
        return _problem(spec, values) or True

    choices = [field.name for field in spec.fields if isinstance(field, Repeated)]
    names = (*checked_here(spec.fields), *choices)
    named = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in names]
    first = Parameter("cls", Parameter.POSITIONAL_OR_KEYWORD)
    validate_inputs.__signature__ = Signature([first, *named])  # type: ignore[attr-defined]
    return classmethod(validate_inputs)


def checked_here(fields: tuple[Field, ...]) -> list[str]:
    """Names of the inputs of which ComfyUI would take too much, or too little."""
    sums = {field.adds_up[1].name for field in fields if isinstance(field, Repeated) and field.adds_up}
    return [
        field.name
        for field in fields
        if field.name in sums
        or (isinstance(field, Text) and (field.required or field.limits_text))
        or (isinstance(field, Seed) and field.maximum < LARGEST_SEED)
    ]


def _problem(spec: ModelSpec, values: Mapping[str, Any]) -> str | None:
    try:
        for field in spec.fields:
            if isinstance(field, Repeated):
                _check_room(field, values)
    except InputRefused as refusal:
        return f"{refusal.what} {refusal.next_step}"
    return spec.problem({name: values.get(name) for name in checked_here(spec.fields)})


def _check_room(field: Repeated, values: Mapping[str, Any]) -> None:
    """Check whether that many groups fit, if their number and their required sum are known. Raises InputRefused."""
    groups = groups_of(field, values.get(field.name))
    if not groups or field.adds_up is None:
        return
    whole = field.adds_up[1]
    if (length := values.get(whole.name, whole.default)) is not None:
        field.check_room(len(groups), whole.check(length) or 0)
