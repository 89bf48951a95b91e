"""Veo through CometAPI's shared video route: text, image, or first and last frame to video.

Contract: https://apidoc.cometapi.com (POST /v1/videos). `seconds` and `enhance_prompt` are not documented for Veo and
are not sent. Clips are 8 s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InputRefused
from ..media.fit import ImageLimits
from .fields import Choice, Picture, Text, seed_field
from .request import Image
from .spec import ModelSpec, Size, Values

IMAGE = ImageLimits(max_bytes=50_000_000)
"""CometAPI publishes no limit; a larger file than this is nobody's first frame."""
CANVASES = {"16x9": (1280, 720), "9x16": (720, 1280)}
_FIRST = Picture(
    "image",
    None,
    "The first frame. Without any image the clip is made from the prompt alone.",
    IMAGE,
    required=False,
)
_LAST = Picture("last_image", None, "The last frame; needs `image` as well.", IMAGE, required=False)


def _canvas(values: Values, size: Size) -> Size:
    return CANVASES[values["size"]]


def _follow_the_first_image(values: Values) -> dict[str, Any]:
    if values["size"] != "auto":
        return {}
    image = values.get("image")
    tall = image is not None and image.ndim >= 3 and image.shape[-3] > image.shape[-2]
    return {"size": "9x16" if tall else "16x9"}


def _rule(values: Values) -> None:
    if values.get("last_image") is not None and values.get("image") is None:
        raise InputRefused(
            "`last_image` is connected but `image` is not; the provider takes the first image as the first frame.",
            next_step="Connect the first frame to `image`, or move the picture there.",
        )


def _references(values: Values, fitted: Callable[[Any, Picture], Image]) -> dict[str, Any]:
    given = [(values.get("image"), _FIRST), (values.get("last_image"), _LAST)]
    return {"input_reference": [fitted(tensor, picture) for tensor, picture in given if tensor is not None]}


COMET_VEO = ModelSpec(
    node_id="CometVeo",
    name="Veo (CometAPI)",
    provider="cometapi",
    model_id="cometapi/veo",
    fields=(
        Text("prompt", "prompt", "What happens in the clip: subject, action, camera, style, sound.", required=True),
        _FIRST,
        _LAST,
        Text(
            "model",
            "model",
            "CometAPI's name of the model, for example veo3-fast, veo3, veo3-pro, veo3.1, veo3.1-pro. The list moves.",
            required=True,
            default="veo3-fast",
            multiline=False,
        ),
        Choice(
            "size",
            "size",
            "Shape of the clip; auto follows the first image (without one: 16x9).",
            choices=("auto", "16x9", "9x16"),
            default="auto",
        ),
        seed_field(None),
    ),
    canvas=_canvas,
    rule=_rule,
    settle=_follow_the_first_image,
    rest=_references,
    clip_seconds=lambda values: 8.0,
)
