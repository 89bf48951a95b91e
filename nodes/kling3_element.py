"""A person or thing that Kling 3.0 keeps consistent: pictures of it, a video of how it moves, or both."""

from __future__ import annotations

import asyncio
from typing import Any

import torch
from comfy_api.latest import Input, io

from ..remote_video.errors import InputRefused
from ..remote_video.models import KlingElement
from ..remote_video.models.fields import Field
from ..remote_video.models.kling_elements import ONE_PART
from .clip_node import CATEGORY
from .inputs import ElementSocket
from .labels import labelled
from .mp4_file import mp4_file


def _part(kind: Any, name: str, what: str) -> io.Input:
    part: io.Input = kind.Input(name, optional=True, **labelled(Field(name, None, what)))
    return part


class Kling3Element(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Kling3Element",
            display_name="Kling 3.0 Element",
            category=CATEGORY,
            description="A person or thing that Kling 3.0 keeps consistent through the clip: a front view, more "
            "views, a video of how it moves, or any of these. Costs nothing by itself.",
            search_aliases=["kling element", "character", "reference", "subject", "remote video"],
            inputs=[
                _part(io.Image, "frontal_image", "The front view; one image."),
                _part(io.Image, "reference_images", "More views of it, as a batch."),
                _part(io.Video, "video", "A motion reference: how it moves. Sent as MP4 (H.264), at most 100 MB."),
            ],
            outputs=[ElementSocket.Output("element", tooltip="Wire it to `elements` of Kling 3.0 Image to Video.")],
        )

    @classmethod
    async def execute(
        cls,
        frontal_image: torch.Tensor | None = None,
        reference_images: torch.Tensor | None = None,
        video: Input.Video | None = None,
    ) -> io.NodeOutput:
        mp4 = None if video is None else await asyncio.to_thread(mp4_file, video, "video")
        element = KlingElement(frontal_image, reference_images, mp4)
        if element.is_empty:
            raise InputRefused("This element is empty.", next_step=ONE_PART)
        return io.NodeOutput(element)
