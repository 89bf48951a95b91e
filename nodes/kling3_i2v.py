"""Kling 3.0 Standard: one image becomes a clip of 3 to 15 s, in one shot or several, with consistent elements."""

from comfy_api.latest import io

from ..remote_video.models.kling3 import KLING3
from .clip_node import ClipNode
from .queue_check import queue_check


class Kling3I2V(ClipNode, io.ComfyNode):
    SPEC = KLING3
    TITLE = "Image to Video with Kling 3.0 (RunComfy)"
    ABOUT = (
        "Animates an image with Kling 3.0 Standard at RunComfy: 3 to 15 s, with sound, in one shot or up to "
        "five, with up to three consistent elements."
    )
    ALIASES = ("kling", "kling 3", "multi shot", "runcomfy", "\u53ef\u7075")
    validate_inputs = queue_check(KLING3)
