"""Runway Gen-3 Alpha Turbo: one image and words become a clip of 5 or 10 s."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.models import RUNWAY_GEN3_TURBO
from .clip_node import ClipNode, Common
from .inputs import model_input


class RunwayGen3Turbo(ClipNode, io.ComfyNode):
    SPEC = RUNWAY_GEN3_TURBO

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Image to Video with Runway Gen-3 Turbo (RunComfy)",
            description="Animates an image with Runway Gen-3 Alpha Turbo at RunComfy: 5 or 10 s, wide or tall, silent.",
            aliases=["runway", "gen3", "gen-3", "runcomfy"],
            inputs=[
                model_input(RUNWAY_GEN3_TURBO.field("image")),
                model_input(RUNWAY_GEN3_TURBO.field("prompt")),
                model_input(RUNWAY_GEN3_TURBO.field("ratio")),
                model_input(RUNWAY_GEN3_TURBO.field("duration")),
            ],
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None = None, seed: int | None = None) -> bool | str:
        return RUNWAY_GEN3_TURBO.problem({"prompt": prompt, "seed": seed}) or True

    @classmethod
    async def execute(
        cls, image: torch.Tensor, prompt: str, ratio: str = "1280:768", duration: int = 5, **common: Any
    ) -> io.NodeOutput:
        return await cls.run(Common(**common), image=image, prompt=prompt, ratio=ratio, duration=duration)
