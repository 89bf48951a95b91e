"""Veo 3: one image and words become an 8 s clip, with sound if wanted."""

from comfy_api.latest import io

from ..remote_video.models.veo3 import VEO3
from .clip_node import ClipNode
from .queue_check import queue_check


class Veo3I2V(ClipNode, io.ComfyNode):
    SPEC = VEO3
    TITLE = "Image to Video with Veo 3 (RunComfy)"
    ABOUT = "Animates an image with Google Veo 3 at RunComfy: a clip of about 8 s, optionally with sound."
    ALIASES = ("veo", "veo3", "google veo", "runcomfy")
    validate_inputs = queue_check(VEO3)
