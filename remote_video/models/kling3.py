"""Kling 3.0 Standard, image to video, on RunComfy: one shot or several, with elements that keep their looks.

Contract: https://www.runcomfy.com/models/kling/kling-3.0/standard/image-to-video (published input
schema). Shots last at least 3 s each and add up to `duration`, at most 15 s: five shots at the most.
"""

from __future__ import annotations

from .fields import Choice, Flag, Number, Text, Values, seed_field
from .fitting import Size
from .groups import Repeated
from .kling_elements import Elements
from .media_fields import Picture
from .runcomfy_limits import ANY_IMAGE
from .spec import ModelSpec, nearest_ratio

MIN_SHOT_S, MAX_CLIP_S = 3, 15

DURATION = Number(
    "duration",
    "duration",
    "Length of the clip, s; with several shots, their durations must add up to it.",
    minimum=MIN_SHOT_S,
    maximum=MAX_CLIP_S,
    default=10,
    whole=True,
)
SHOTS = Repeated(
    "multi_shot",
    "multi_prompt",
    "Several shots in one clip, each with a prompt and a length, s; together they must last as long as `duration`.",
    of=(
        Text("prompt", "prompt", "What happens in shot {number}.", required=True),
        Number(
            "duration",
            "duration",
            "Length of shot {number}, s. All shots together must last as long as `duration`.",
            minimum=MIN_SHOT_S,
            maximum=MAX_CLIP_S,
            default=5,
            whole=True,
        ),
    ),
    fewest=2,
    most=MAX_CLIP_S // MIN_SHOT_S,
    adds_up=("duration", DURATION),
)


class Kling3(ModelSpec):
    node_id = "Kling3I2V"
    name = "Kling 3.0 Standard"
    provider = "runcomfy"
    model_id = "kling/kling-3.0/standard/image-to-video"
    fields = (
        Picture("image", "start_image_url", "The first frame.", limits=ANY_IMAGE),
        Text("prompt", "prompt", "What happens in the clip, or, with several shots, what they share.", required=True),
        Text("negative_prompt", "negative_prompt", "What should not appear."),
        DURATION,
        Flag("generate_audio", "generate_audio", "Also make the sound.", default=True),
        Number(
            "cfg_scale",
            "cfg_scale",
            "How closely the clip follows the prompt: 0 is free, 1 is strict (no unit).",
            minimum=0,
            maximum=1,
            default=0.5,
            step=0.05,
        ),
        Choice(
            "shot_type",
            "shot_type",
            "How shots are planned; the model knows only `customize`: as written here.",
            choices=("customize",),
            default="customize",
            advanced=True,
        ),
        SHOTS,
        Elements(
            "elements",
            "elements",
            "People or things to keep consistent, each from a Kling 3.0 Element node.",
        ),
        seed_field(None),
    )
    length_inputs = ("duration",)

    def canvas(self, values: Values, size: Size) -> Size:
        return nearest_ratio(size, (1280, 720), (720, 1280), (960, 960))

    def clip_seconds(self, values: Values) -> float:
        return float(values["duration"])


KLING3 = Kling3()
