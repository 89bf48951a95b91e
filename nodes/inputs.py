"""A model's fields as inputs of a node: one place where limits, defaults and tooltips cross over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from comfy_api.latest import io

from ..remote_video.models.fields import UNSET, Choice, Field, Flag, Number, Seed, Text
from ..remote_video.models.groups import OFF, Json, Repeated
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import Footage, MediaField, Picture, Sound
from .labels import labelled

FIT_MODES = ("auto", "crop", "pad", "strict")
FRAMES_MODES = ("auto", "all", "none")
ElementSocket = io.Custom("KLING_ELEMENT")
MOST_SOCKETS = 100
"""ComfyUI makes no more of one kind."""
SOCKETS: dict[type[MediaField], Any] = {Picture: io.Image, Footage: io.Video, Sound: io.Audio}


def model_input(field: Field, *, required: bool = False) -> io.Input:
    """The input that offers `field`, with its limits, default and tooltip.

    Args:
        required: ask for it even though it has a default. ComfyUI lists what is required before what isn't.
    """
    if isinstance(field, MediaField):
        return _socket(field)
    if isinstance(field, Elements):
        # None is needed: the socket is optional. min=1 makes frontend 1.37 show the first one.
        template = io.Autogrow.TemplatePrefix(
            ElementSocket.Input("element", optional=True), prefix="element_", min=1, max=field.most
        )
        return io.Autogrow.Input(field.name, template=template, optional=True, **labelled(field))
    if isinstance(field, Repeated):
        options = [
            io.DynamicCombo.Option(choice, [model_input(inner, required=True) for inner in field.inputs(count)])
            for choice, count in field.counts.items()
        ]
        return io.DynamicCombo.Input(field.name, options=options, optional=True, **labelled(field))
    own: dict[str, Any] = {**labelled(field), "advanced": field.advanced or None}
    if isinstance(field, Json):
        return io.String.Input(field.name, optional=not field.required, multiline=True, default="", **own)
    if isinstance(field, Text):
        is_optional = bool(field.default) or not field.required
        return io.String.Input(
            field.name, optional=is_optional, default=field.default, multiline=field.multiline, **own
        )
    return _chosen_input(field, {"optional": not required, **own})


def _socket(field: MediaField) -> io.Input:
    own: dict[str, Any] = {"optional": not field.required, **labelled(field)}
    types = [SOCKETS[type(field)], *([io.String] if field.takes_address else [])]
    if not (field.takes_several and field.takes_address):
        return types[0].Input(field.name, **own) if len(types) == 1 else io.MultiType.Input(field.name, types, **own)
    names = socket_names(field)
    template = io.Autogrow.TemplateNames(io.MultiType.Input(names[0], types, **own), names=names, min=1)
    return io.Autogrow.Input(field.name, template=template, **own)


def socket_names(field: MediaField | Elements) -> list[str]:
    """The sockets of a field that takes several, in order."""
    if isinstance(field, Elements):
        return [f"element_{number}" for number in range(field.most)]
    one = field.name if field.is_numbered else field.name.removesuffix("s")
    return [f"{one}_{number}" for number in range(1, min(field.most or MOST_SOCKETS, MOST_SOCKETS) + 1)]


def _chosen_input(field: Field, own: dict[str, Any]) -> io.Input:
    if isinstance(field, Choice):
        options = [*([UNSET] if field.default is None else []), *field.choices]
        return io.Combo.Input(
            field.name, options=options, default=options[0] if field.default is None else field.default, **own
        )
    if isinstance(field, Flag) and field.default is None:
        return io.Combo.Input(field.name, options=[UNSET, "true", "false"], default=UNSET, **own)
    if isinstance(field, Flag):
        return io.Boolean.Input(field.name, default=field.default, **own)
    if isinstance(field, Number):
        low = field.unset if field.default is None else field.minimum
        default = low if field.default is None else field.default
        if field.whole:
            return io.Int.Input(field.name, default=int(default), min=int(low), max=int(field.maximum), **own)
        return io.Float.Input(field.name, default=default, min=low, max=field.maximum, step=field.step, **own)
    raise TypeError(f"no node input for a {type(field).__name__}")


def unset(field: Field) -> Any:
    """What the widget of `field` shows when nothing is sent; None when something always is."""
    if isinstance(field, Repeated):
        return OFF
    if getattr(field, "default", "") is not None:
        return "" if field.is_left_out("") else None
    return field.unset if isinstance(field, Number) else UNSET if isinstance(field, (Choice, Flag)) else None


@dataclass(frozen=True)
class Common:
    """The inputs all clip nodes have."""

    seed: int | None = None
    filename_prefix: str | None = None
    fit: str = "auto"
    frames: str = "auto"
    max_frames: int = 0
    wait: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Common:
        """Those among `values`."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})


def common_fields(node_id: str, seed: Seed) -> list[Field]:
    """What every clip node takes besides the model's own inputs, in this order."""
    return [
        seed,
        Text(
            "filename_prefix",
            None,
            "Folder and beginning of the file's name, below ComfyUI's output folder.",
            default=f"video/{node_id}",
            multiline=False,
        ),
        Choice(
            "fit",
            None,
            "How an image may be changed for the model. auto: only if the model would refuse it, and the node "
            "says so. crop / pad: fill the clip's aspect ratio by cutting edges off or adding black bars. "
            "strict: never; an image outside the limits, or one whose file would be too large, is an error.",
            choices=FIT_MODES,
            default="auto",
            advanced=True,
        ),
        Choice(
            "frames",
            None,
            "When the clip is decoded into RAM for the `frames` output. auto: when something is wired to it. "
            "all: always. none: never; something wired to `frames` is then an error before anything is paid.",
            choices=FRAMES_MODES,
            default="auto",
            advanced=True,
        ),
        Number(
            "max_frames",
            None,
            "At most this many frames in the `frames` output, from the start; 0 is all. The file keeps all.",
            maximum=100_000,
            whole=True,
            advanced=True,
        ),
        Flag(
            "wait",
            None,
            "Wait for the clip. Off: the node submits the job and ComfyUI goes on with its queue; nodes after it "
            "don't run, the clip is collected in the background, and the next Run passes it on.",
            default=True,
            advanced=True,
        ),
    ]


def common_inputs(fields: list[Field]) -> list[io.Input]:
    """The inputs that offer `common_fields`."""
    seed, *others = fields
    started_fixed = {"optional": True, **labelled(seed), "control_after_generate": "fixed"}
    return [_chosen_input(seed, started_fixed), *map(model_input, others)]
