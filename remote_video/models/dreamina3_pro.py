"""Dreamina 3.0 Pro, image to video, on RunComfy.

Contract: https://www.runcomfy.com/models/bytedance/dreamina-3-0/pro/image-to-video (published input schema).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..media.fit import Bound, ImageLimits
from .fields import Choice, Picture, Text, seed_field
from .request import Image
from .spec import ModelSpec, Values, nearest_ratio

IMAGE = ImageLimits(
    mimes=("image/png", "image/jpeg"),
    max_bytes=4_700_000 - 1,
    width=Bound(gt=320, le=4096),
    height=Bound(gt=320, le=4096),
    ratio=Bound(gt=0.33, lt=3),
)
FRAMES_PER_SECOND = 24
_PICTURE = Picture(
    "image",
    None,
    "The first frame: each side over 320 and up to 4,096 px, width / height between 0.33 and 3, under 4.7 MB.",
    IMAGE,
)


def _image_list(values: Values, fitted: Callable[[Any, Picture], Image]) -> dict[str, Any]:
    return {"image_urls": [fitted(values["image"], _PICTURE)]}


DREAMINA3_PRO = ModelSpec(
    node_id="Dreamina3Pro",
    name="Dreamina 3.0 Pro",
    provider="runcomfy",
    model_id="bytedance/dreamina-3-0/pro/image-to-video",
    fields=(
        _PICTURE,
        Text(
            "prompt",
            "prompt",
            "What happens in the clip. 1 to 800 characters.",
            max_length=800,
            required=True,
        ),
        Choice(
            "num_frames",
            "frames",
            "Length of the clip in frames: 121 is about 5 s, 241 about 10 s.",
            choices=(121, 241),
            default=121,
        ),
        seed_field("seed", minimum=-1, default=-1),
    ),
    canvas=nearest_ratio((1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920), (2176, 928)),
    rest=_image_list,
    clip_seconds=lambda values: values["num_frames"] / FRAMES_PER_SECOND,
)
