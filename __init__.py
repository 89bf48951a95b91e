"""Remote Video, a ComfyUI node pack. Nothing heavy is imported before ComfyUI asks for the nodes."""

from __future__ import annotations

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """Give ComfyUI the pack's extension."""
    from .nodes import RemoteVideoExtension

    return RemoteVideoExtension()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
