"""Veo 3, image to video, on RunComfy.

Contract: https://www.runcomfy.com/models/google-deepmind/veo-3/image-to-video (published input schema). The page
says `maxLength` 1999 in one place and 2000 in another; 1999 is safe under both.
"""

from __future__ import annotations

from .fields import Flag, Text, Values, seed_field
from .fitting import Size
from .media_fields import Picture
from .runcomfy_limits import ANY_IMAGE
from .spec import ModelSpec, by_orientation


class Veo3(ModelSpec):
    node_id = "Veo3I2V"
    name = "Veo 3"
    provider = "runcomfy"
    model_id = "google-deepmind/veo-3/image-to-video"
    fields = (
        Picture(
            "image",
            "image",
            "The first frame. One image, one clip; a list of images makes one clip each.",
            limits=ANY_IMAGE,
        ),
        Text(
            "prompt",
            "prompt",
            "What happens in the clip: subject, action, camera, style, sound.",
            max_length=1999,
            required=True,
        ),
        Flag(
            "generate_audio",
            "generateAudio",
            "Also make the sound: speech, effects, music. Costs 1,800 credits a clip instead of 1,200.",
            default=False,
        ),
        seed_field(None),
    )

    def canvas(self, values: Values, size: Size) -> Size:
        return by_orientation(size, (1280, 720), (720, 1280))

    def clip_seconds(self, values: Values) -> float:
        return 8.0


VEO3 = Veo3()
