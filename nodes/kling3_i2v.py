"""Kling 3.0 Standard: one image becomes a clip of 3 to 15 s, in one shot or several, keeping the looks of elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.errors import InputRefused
from ..remote_video.models import KLING3, KlingElement
from ..remote_video.models.kling3 import DURATION, SHOTS
from .clip_node import ClipNode, Common
from .inputs import model_input
from .nested import below, beside, groups_of


class Kling3I2V(ClipNode, io.ComfyNode):
    SPEC = KLING3

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Image to Video with Kling 3.0 (RunComfy)",
            description="Animates an image with Kling 3.0 Standard at RunComfy: 3 to 15 s, with sound, in one shot or "
            "up to five, keeping the looks of up to three elements.",
            aliases=["kling", "kling 3", "multi shot", "runcomfy", "\u53ef\u7075"],
            inputs=[
                model_input(KLING3.field("image")),
                model_input(KLING3.field("prompt")),
                model_input(KLING3.field("negative_prompt")),
                model_input(KLING3.field("duration")),
                model_input(KLING3.field("generate_audio")),
                model_input(KLING3.field("cfg_scale")),
                model_input(KLING3.field("shot_type"), advanced=True),
                model_input(KLING3.field("multi_shot")),
                model_input(KLING3.field("elements")),
            ],
            # Without this ComfyUI drops a choice it doesn't know, with all the shots, and says nothing.
            accept_all_inputs=True,
        )

    @classmethod
    def validate_inputs(
        cls,
        prompt: str | None = None,
        duration: int | None = int(DURATION.default or 0),
        multi_shot: object = None,
        elements: object = None,
    ) -> bool | str:
        # ComfyUI passes dynamic inputs whether they are named or not, of `multi_shot` only the choice, and None for
        # what is wired. The fields that aren't named keep ComfyUI's own checks.
        try:
            shots = groups_of(SHOTS, multi_shot)
            if shots and duration is not None:
                SHOTS.check_room(len(shots), DURATION.check(duration) or 0)
        except InputRefused as refusal:
            return f"{refusal.what} {refusal.next_step}"
        return KLING3.problem({"prompt": prompt, "duration": duration}) or True

    @classmethod
    async def execute(
        cls,
        image: torch.Tensor,
        prompt: str,
        negative_prompt: str = "",
        duration: int = 10,
        generate_audio: bool = True,
        cfg_scale: float = 0.5,
        shot_type: str = "customize",
        multi_shot: object = None,
        elements: Mapping[str, KlingElement] | None = None,
        **others: Any,
    ) -> io.NodeOutput:
        nested = multi_shot if isinstance(multi_shot, Mapping) else below("multi_shot", multi_shot, others)
        return await cls.run(
            Common.of(others),
            image=image,
            prompt=prompt,
            negative_prompt=negative_prompt,
            duration=duration,
            generate_audio=generate_audio,
            cfg_scale=cfg_scale,
            shot_type=shot_type,
            multi_shot=nested,
            elements={**(elements or {}), **below("elements", None, others)},
            **beside(others, KLING3),
        )
