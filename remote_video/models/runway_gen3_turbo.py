"""Runway Gen-3 Alpha Turbo, image to video, on RunComfy.

Contract: https://www.runcomfy.com/models/runwayml/runway-gen-3-alpha/turbo/image-to-video (published input schema).
"""

from __future__ import annotations

from ..media.fit import Bound, ImageLimits
from .fields import Choice, Picture, Text, seed_field
from .spec import ModelSpec, Size, Values

IMAGE = ImageLimits(
    max_bytes=16_000_000 - 1,
    width=Bound(lt=8000),
    height=Bound(lt=8000),
    ratio=Bound(gt=0.5, lt=2),
)


def _canvas(values: Values, size: Size) -> Size:
    width, height = str(values["ratio"]).split(":")
    return int(width), int(height)


RUNWAY_GEN3_TURBO = ModelSpec(
    node_id="RunwayGen3Turbo",
    name="Runway Gen-3 Alpha Turbo",
    provider="runcomfy",
    model_id="runwayml/runway-gen-3-alpha/turbo/image-to-video",
    fields=(
        Picture(
            "image",
            "promptImage",
            "The first frame: width and height under 8,000 px, width / height between 0.5 and 2, under 16 MB.",
            IMAGE,
        ),
        Text(
            "prompt",
            "promptText",
            "What happens in the clip. 1 to 512 characters.",
            max_length=512,
            required=True,
        ),
        Choice(
            "ratio",
            "ratio",
            "Width and height of the clip, px.",
            choices=("1280:768", "768:1280"),
            default="1280:768",
        ),
        Choice("duration", "duration", "Length of the clip, s.", choices=(5, 10), default=5),
        seed_field("seed"),
    ),
    canvas=_canvas,
    clip_seconds=lambda values: float(values["duration"]),
)
