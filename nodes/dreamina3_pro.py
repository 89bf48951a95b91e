"""Dreamina 3.0 Pro: one image and words become 121 or 241 frames."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.models import DREAMINA3_PRO
from .clip_node import ClipNode, Common
from .inputs import model_input


class Dreamina3Pro(ClipNode, io.ComfyNode):
    SPEC = DREAMINA3_PRO

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Image to Video with Dreamina 3.0 Pro (RunComfy)",
            description="Animates an image with Dreamina 3.0 Pro at RunComfy: about 5 or 10 s, silent.",
            aliases=["dreamina", "seedance", "bytedance", "runcomfy", "\u5373\u68a6"],
            inputs=[
                model_input(DREAMINA3_PRO.field("image")),
                model_input(DREAMINA3_PRO.field("prompt")),
                model_input(DREAMINA3_PRO.field("num_frames")),
            ],
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None = None, seed: int | None = None) -> bool | str:
        return DREAMINA3_PRO.problem({"prompt": prompt, "seed": seed}) or True

    @classmethod
    async def execute(cls, image: torch.Tensor, prompt: str, num_frames: int = 121, **common: Any) -> io.NodeOutput:
        return await cls.run(Common(**common), image=image, prompt=prompt, num_frames=num_frames)
