"""Veo through CometAPI: words, an image, or a first and a last frame become a clip."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.models import COMET_VEO
from .clip_node import ClipNode, Common
from .inputs import model_input


class CometVeo(ClipNode, io.ComfyNode):
    SPEC = COMET_VEO

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Veo Text or Image to Video (CometAPI)",
            description="Makes a clip with Google Veo at CometAPI: from words alone, from an image, "
            "or from a first and a last frame.",
            aliases=["comet", "cometapi", "veo", "text to video", "first last frame"],
            inputs=[
                model_input(COMET_VEO.field("prompt")),
                model_input(COMET_VEO.field("image")),
                model_input(COMET_VEO.field("last_image")),
                model_input(COMET_VEO.field("model")),
                model_input(COMET_VEO.field("size")),
            ],
        )

    @classmethod
    def validate_inputs(cls, prompt: str | None = None, model: str | None = None) -> bool | str:
        return COMET_VEO.problem({"prompt": prompt, "model": model}) or True

    @classmethod
    async def execute(
        cls,
        prompt: str,
        image: torch.Tensor | None = None,
        last_image: torch.Tensor | None = None,
        model: str = "veo3-fast",
        size: str = "auto",
        **common: Any,
    ) -> io.NodeOutput:
        return await cls.run(
            Common(**common), prompt=prompt, image=image, last_image=last_image, model=model, size=size
        )
