"""`comfy_api.latest`: the extension, progress, video values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

from . import _io as io
from . import _ui as ui
from ._video import VideoCodec, VideoComponents, VideoContainer, VideoFromComponents, VideoFromFile, VideoInput


class ComfyExtension(ABC):
    """What `comfy_entrypoint` returns."""

    async def on_load(self) -> None:  # noqa: B027 - may stay as it is
        """Called once, before the nodes are listed."""

    @abstractmethod
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The nodes, in menu order."""


class Input:
    """Types of values that arrive at a node."""

    Video: TypeAlias = VideoInput


class InputImpl:
    """Classes of values a node can make."""

    VideoFromFile = VideoFromFile
    VideoFromComponents = VideoFromComponents


class Types:
    """Names that go with them."""

    VideoCodec = VideoCodec
    VideoContainer = VideoContainer
    VideoComponents = VideoComponents


__all__ = ["ComfyAPI", "ComfyExtension", "Input", "InputImpl", "Types", "io", "ui"]
