"""Dreamina 3.0 Pro, image to video, on RunComfy.

Contract: https://www.runcomfy.com/models/bytedance/dreamina-3-0/pro/image-to-video (published input schema).
"""

from __future__ import annotations

from ..media.fit import Bound, ImageLimits
from .fields import Choice, Text, Values, seed_field
from .fitting import Size
from .media_fields import Picture
from .spec import ModelSpec, nearest_ratio

IMAGE = ImageLimits(
    mimes=("image/png", "image/jpeg"),
    max_bytes=4_700_000 - 1,
    width=Bound(gt=320, le=4096),
    height=Bound(gt=320, le=4096),
    ratio=Bound(gt=0.33, lt=3),
)
FRAMES_PER_SECOND = 24


class Dreamina3Pro(ModelSpec):
    node_id = "Dreamina3Pro"
    name = "Dreamina 3.0 Pro"
    provider = "runcomfy"
    model_id = "bytedance/dreamina-3-0/pro/image-to-video"
    fields = (
        Picture("image", "image_urls", "The first frame.", is_list=True, limits=IMAGE),
        Text("prompt", "prompt", "What happens in the clip.", max_length=800, required=True),
        Choice(
            "num_frames",
            "frames",
            "Length of the clip in frames: 121 is about 5 s, 241 about 10 s.",
            choices=(121, 241),
            default=121,
        ),
        seed_field("seed", minimum=-1, default=-1),
    )
    length_inputs = ("num_frames",)

    def canvas(self, values: Values, size: Size) -> Size:
        return nearest_ratio(size, (1920, 1088), (1664, 1248), (1440, 1440), (1248, 1664), (1088, 1920), (2176, 928))

    def clip_seconds(self, values: Values) -> float:
        return float(values["num_frames"]) / FRAMES_PER_SECOND


DREAMINA3_PRO = Dreamina3Pro()
