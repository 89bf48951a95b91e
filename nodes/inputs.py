"""A model's fields as inputs of a node: one place where limits, defaults and tooltips cross over."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..remote_video.models import ModelSpec
from ..remote_video.models.fields import Choice, Field, Flag, Number, Picture, Text

FIT_MODES = ("auto", "crop", "pad", "strict")
FRAMES_MODES = ("auto", "all", "none")


def model_input(field: Field, *, advanced: bool | None = None, required: bool = False) -> io.Input:
    """The input that offers `field`, with its limits, default and tooltip.

    Args:
        advanced: folded away until asked for.
        required: ask for it even though it has a default. ComfyUI lists what is required before what isn't.
    """
    if isinstance(field, Picture):
        return io.Image.Input(field.name, optional=not field.required, tooltip=field.tooltip)
    if isinstance(field, Text):
        return io.String.Input(
            field.name,
            optional=bool(field.default) or not field.required,
            tooltip=field.tooltip,
            default=field.default,
            multiline=field.multiline,
            advanced=advanced,
        )
    return _chosen_input(field, {"optional": not required, "tooltip": field.tooltip, "advanced": advanced})


def _chosen_input(field: Field, own: dict[str, Any]) -> io.Input:
    if isinstance(field, Choice):
        return io.Combo.Input(field.name, options=list(field.choices), default=field.default, **own)
    if isinstance(field, Flag):
        return io.Boolean.Input(field.name, default=field.default, **own)
    if isinstance(field, Number) and field.whole:
        return io.Int.Input(
            field.name, default=int(field.default), min=int(field.minimum), max=int(field.maximum), **own
        )
    if isinstance(field, Number):
        return io.Float.Input(
            field.name, default=field.default, min=field.minimum, max=field.maximum, step=field.step, **own
        )
    raise TypeError(f"no node input for a {type(field).__name__}")


def common_fields(spec: ModelSpec) -> list[Field]:
    """What all five nodes take after the model's own inputs, in this order."""
    return [
        spec.field("seed"),
        Text(
            "filename_prefix",
            None,
            "Folder and beginning of the file's name, below ComfyUI's output folder.",
            default=f"video/{spec.node_id}",
            multiline=False,
        ),
        Choice(
            "fit",
            None,
            "What may be done to an image for the model. auto: only what the model would refuse otherwise, "
            "and it is said. crop / pad: fill the clip's own shape, cutting edges off or adding black bars. "
            "strict: nothing; an image out of bounds, or one whose file would be too large, is an error.",
            choices=FIT_MODES,
            default="auto",
        ),
        Choice(
            "frames",
            None,
            "When the clip is decoded into RAM for the `frames` output. auto: when something is wired to it. "
            "all: always. none: never; something wired to `frames` is then an error before anything is paid.",
            choices=FRAMES_MODES,
            default="auto",
        ),
        Number(
            "max_frames",
            None,
            "At most this many frames in the `frames` output, from the start; 0 is all. The file keeps all.",
            maximum=100_000,
            whole=True,
        ),
        Flag(
            "wait",
            None,
            "Wait for the clip. Off: the node submits and lets ComfyUI go on with its queue; the clip is "
            "collected in the background, nothing after this node runs, and Run again hands the clip on.",
            default=True,
        ),
    ]


def common_inputs(spec: ModelSpec) -> list[io.Input]:
    """The inputs that offer `common_fields`."""
    seed, prefix, *advanced = common_fields(spec)
    return [
        _chosen_input(seed, {"optional": True, "tooltip": seed.tooltip, "control_after_generate": "fixed"}),
        model_input(prefix),
        *(model_input(field, advanced=True) for field in advanced),
    ]
