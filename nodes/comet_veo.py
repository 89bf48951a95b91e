"""Veo through CometAPI: words, an image, or a first and a last frame become a clip."""

from comfy_api.latest import io

from ..remote_video.models.comet_veo import COMET_VEO
from .clip_node import ClipNode
from .queue_check import queue_check


class CometVeo(ClipNode, io.ComfyNode):
    SPEC = COMET_VEO
    TITLE = "Veo Text or Image to Video (CometAPI)"
    ABOUT = (
        "Makes a clip with Google Veo at CometAPI: from words alone, from an image, or from a first and a last frame."
    )
    ALIASES = ("comet", "cometapi", "veo", "text to video", "first last frame")
    validate_inputs = queue_check(COMET_VEO)
