"""Dreamina 3.0 Pro: one image and words become 121 or 241 frames."""

from comfy_api.latest import io

from ..remote_video.models.dreamina3_pro import DREAMINA3_PRO
from .clip_node import ClipNode
from .queue_check import queue_check


class Dreamina3Pro(ClipNode, io.ComfyNode):
    SPEC = DREAMINA3_PRO
    TITLE = "Image to Video with Dreamina 3.0 Pro (RunComfy)"
    ABOUT = "Animates an image with Dreamina 3.0 Pro at RunComfy: about 5 or 10 s, silent."
    ALIASES = ("dreamina", "seedance", "bytedance", "runcomfy", "\u5373\u68a6")
    validate_inputs = queue_check(DREAMINA3_PRO)
