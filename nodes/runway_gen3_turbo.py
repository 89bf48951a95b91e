"""Runway Gen-3 Alpha Turbo: one image and words become a clip of 5 or 10 s."""

from comfy_api.latest import io

from ..remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from .clip_node import ClipNode
from .queue_check import queue_check


class RunwayGen3Turbo(ClipNode, io.ComfyNode):
    SPEC = RUNWAY_GEN3_TURBO
    TITLE = "Image to Video with Runway Gen-3 Turbo (RunComfy)"
    ABOUT = "Animates an image with Runway Gen-3 Alpha Turbo at RunComfy: 5 or 10 s, wide or tall, silent."
    ALIASES = ("runway", "gen3", "gen-3", "runcomfy")
    validate_inputs = queue_check(RUNWAY_GEN3_TURBO)
