"""Veo 3: one image and words become an 8 s clip, with sound if wanted."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.models import VEO3
from .clip_node import ClipNode, Common
from .inputs import model_input


class Veo3I2V(ClipNode, io.ComfyNode):
    SPEC = VEO3

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Image to Video with Veo 3 (RunComfy)",
            description="Animates an image with Google Veo 3 at RunComfy: a clip of about 8 s, with sound if wanted.",
            aliases=["veo", "veo3", "google veo", "runcomfy"],
            inputs=[
                model_input(VEO3.field("image")),
                model_input(VEO3.field("prompt")),
                model_input(VEO3.field("generate_audio")),
            ],
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None = None) -> bool | str:
        return VEO3.problem({"prompt": prompt}) or True

    @classmethod
    async def execute(
        cls, image: torch.Tensor, prompt: str, generate_audio: bool = False, **common: Any
    ) -> io.NodeOutput:
        return await cls.run(Common(**common), image=image, prompt=prompt, generate_audio=generate_audio)
