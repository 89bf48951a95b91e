"""The extension: the pack's nodes in menu order."""

from __future__ import annotations

from aiohttp.web import Application
from comfy_api.latest import ComfyExtension, io
from server import PromptServer

from ..remote_video.console import never_raise
from ..remote_video.version import version
from .clip_node import ClipMaker
from .comet_veo import CometVeo
from .comfy_host import LOG, ask_what_is_offered, collect_at_start, settings
from .dreamina3_pro import Dreamina3Pro
from .join_clips import JoinClips
from .kling3_element import Kling3Element
from .kling3_i2v import Kling3I2V
from .literals import read_prompt
from .routes import add_routes
from .runcomfy_video import RunComfyVideo
from .runway_gen3_turbo import RunwayGen3Turbo
from .veo3_i2v import Veo3I2V

NODES: list[type[io.ComfyNode]] = [
    Veo3I2V,
    RunwayGen3Turbo,
    Kling3I2V,
    Kling3Element,
    Dreamina3Pro,
    CometVeo,
    RunComfyVideo,
    JoinClips,
]


class RemoteVideoExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        never_raise()
        # ComfyUI 0.12 never calls on_load.
        add_routes(PromptServer.instance.routes, settings)
        PromptServer.instance.app.on_startup.append(_started)
        readers = {node.__name__: node for node in NODES if issubclass(node, ClipMaker)}
        PromptServer.instance.add_on_prompt_handler(lambda posted: read_prompt(posted, readers))
        return NODES


async def _started(_app: Application) -> None:
    LOG.info("Remote Video %s", version())
    collect_at_start()
    ask_what_is_offered()
