"""Runway Gen-3 Alpha Turbo, image to video, on RunComfy.

Contract: https://www.runcomfy.com/models/runwayml/runway-gen-3-alpha/turbo/image-to-video (published input schema).
"""

from __future__ import annotations

from ..media.fit import Bound, ImageLimits
from .fields import Choice, Text, Values, seed_field
from .fitting import Size
from .media_fields import Picture
from .spec import ModelSpec

IMAGE = ImageLimits(
    max_bytes=16_000_000 - 1,
    width=Bound(lt=8000),
    height=Bound(lt=8000),
    ratio=Bound(gt=0.5, lt=2),
)


class RunwayGen3Turbo(ModelSpec):
    node_id = "RunwayGen3Turbo"
    name = "Runway Gen-3 Alpha Turbo"
    provider = "runcomfy"
    model_id = "runwayml/runway-gen-3-alpha/turbo/image-to-video"
    fields = (
        Picture("image", "promptImage", "The first frame.", limits=IMAGE),
        Text("prompt", "promptText", "What happens in the clip.", max_length=512, required=True),
        Choice(
            "ratio",
            "ratio",
            "Width and height of the clip, px.",
            choices=("1280:768", "768:1280"),
            default="1280:768",
        ),
        Choice("duration", "duration", "Length of the clip, s.", choices=(5, 10), default=5),
        seed_field("seed"),
    )
    length_inputs = ("duration",)
    shape_inputs = ("ratio",)

    def canvas(self, values: Values, size: Size) -> Size:
        width, height = str(values["ratio"]).split(":")
        return int(width), int(height)

    def clip_seconds(self, values: Values) -> float:
        return float(values["duration"])


RUNWAY_GEN3_TURBO = RunwayGen3Turbo()
