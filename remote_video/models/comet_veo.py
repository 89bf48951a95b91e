"""Veo through CometAPI's shared video route: text, image, or first and last frame to video.

Contract: https://apidoc.cometapi.com (POST /v1/videos). `seconds` and `enhance_prompt` are not documented for Veo and
are not sent. Clips are 8 s.
"""

from __future__ import annotations

from ..errors import InputRefused
from ..media.fit import ImageLimits
from .fields import Choice, Text, Values, seed_field
from .fitting import Fitting, Size
from .media_fields import Picture
from .spec import ModelSpec

IMAGE = ImageLimits(max_bytes=50_000_000)
"""CometAPI publishes no limit; a first frame is never larger than this."""
CANVASES = {"16x9": (1280, 720), "9x16": (720, 1280)}
REFERENCES = "input_reference"


class CometVeo(ModelSpec):
    node_id = "CometVeo"
    name = "Veo (CometAPI)"
    provider = "cometapi"
    model_id = "cometapi/veo"
    fields = (
        Text("prompt", "prompt", "What happens in the clip: subject, action, camera, style, sound.", required=True),
        Picture(
            "image",
            REFERENCES,
            "The first frame. Without any image the clip is made from the prompt alone.",
            required=False,
            is_list=True,
            limits=IMAGE,
        ),
        Picture(
            "last_image",
            REFERENCES,
            "The last frame; needs `image` as well.",
            required=False,
            is_list=True,
            limits=IMAGE,
        ),
        Text(
            "model",
            "model",
            "CometAPI's name of the model, for example veo3-fast, veo3, veo3-pro, veo3.1, veo3.1-pro. The list "
            "changes.",
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
    )
    shape_inputs = ("size",)

    def canvas(self, values: Values, size: Size) -> Size:
        return CANVASES[values["size"]]

    def clip_seconds(self, values: Values) -> float:
        return 8.0

    def check_together(self, values: Values) -> None:
        if values.get("last_image") is not None and values.get("image") is None:
            raise InputRefused(
                "`last_image` is connected but `image` is not; the provider takes the first image as the first frame.",
                next_step="Connect the first frame to `image`, or move the picture there.",
            )

    def settle(self, values: Values) -> dict[str, object]:
        if values["size"] != "auto":
            return {}
        image = values.get("image")
        tall = image is not None and image.ndim >= 3 and image.shape[-3] > image.shape[-2]
        return {"size": "9x16" if tall else "16x9"}

    def body(self, values: Values, fitting: Fitting) -> dict[str, object]:
        return {REFERENCES: [], **super().body(values, fitting)}

    def asked_of(self, body: Values) -> str | None:
        return str(body["model"])


COMET_VEO = CometVeo()
