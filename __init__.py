"""Remote Video, a ComfyUI node pack. Nothing heavy is imported before ComfyUI asks for the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import RemoteVideoExtension

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> RemoteVideoExtension:
    """Give ComfyUI the pack's extension."""
    from .nodes import RemoteVideoExtension

    return RemoteVideoExtension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
