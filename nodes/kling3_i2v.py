"""Kling 3.0 Standard: one image becomes a clip of 3 to 15 s, in one shot or several, keeping the looks of elements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from comfy_api.latest import io

from ..remote_video.models import KLING3, KlingElement
from ..remote_video.models.fields import Field
from ..remote_video.models.kling3 import DURATION, MAX_ELEMENTS, MAX_SHOTS, SHOT_COUNTS, shot_duration, shot_prompt
from .clip_node import ClipNode, Common
from .inputs import model_input

ElementSocket = io.Custom("KLING_ELEMENT")


class Kling3I2V(ClipNode, io.ComfyNode):
    SPEC = KLING3

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            display_name="Kling 3.0 Image to Video (RunComfy)",
            description="Animates an image with Kling 3.0 Standard at RunComfy: 3 to 15 s, with sound, in one shot or "
            "up to five, keeping the looks of up to three elements.",
            aliases=["kling", "kling 3", "multi shot", "image to video", "i2v", "runcomfy", "remote video"],
            inputs=[
                model_input(KLING3.field("image")),
                model_input(KLING3.field("prompt")),
                model_input(KLING3.field("negative_prompt")),
                model_input(KLING3.field("duration")),
                model_input(KLING3.field("generate_audio")),
                model_input(KLING3.field("cfg_scale")),
                model_input(KLING3.field("shot_type"), advanced=True),
                io.DynamicCombo.Input(
                    "multi_shot",
                    options=[io.DynamicCombo.Option(choice, _shots(count)) for count, choice in _SHOT_CHOICES],
                    optional=True,
                    tooltip="Several shots in one clip, each with a prompt and a length, s; "
                    "together they must last as long as `duration`.",
                ),
                io.Autogrow.Input(
                    "elements",
                    # None is needed: the socket is optional. min=1 makes frontend 1.37 show the first one.
                    template=io.Autogrow.TemplatePrefix(
                        ElementSocket.Input("element", optional=True), prefix="element_", min=1, max=MAX_ELEMENTS
                    ),
                    optional=True,
                    tooltip="People or things whose looks are to be kept, each from a Kling 3.0 Element node.",
                ),
            ],
            # Without this ComfyUI drops a choice it doesn't know, with all the shots, and says nothing.
            accept_all_inputs=True,
        )

    @classmethod
    def literals(cls) -> dict[str, Field]:
        shots = (field(number) for number in range(1, MAX_SHOTS + 1) for field in (shot_prompt, shot_duration))
        return {**super().literals(), **{f"multi_shot.{field.name}": field for field in shots}}

    @classmethod
    def validate_inputs(
        cls,
        prompt: str | None = None,
        duration: int | None = int(DURATION.default),
        multi_shot: object = None,
        elements: object = None,
    ) -> bool | str:
        # ComfyUI passes dynamic inputs whether they are named or not, of `multi_shot` only the choice, and None for
        # what is wired. The fields that aren't named keep ComfyUI's own checks; their defaults stand in for them in
        # what concerns several fields.
        unnamed = {field.name: getattr(field, "default", None) for field in KLING3.fields}
        named = {"prompt": prompt, "duration": duration, "multi_shot": multi_shot}
        return KLING3.problem({**unnamed, **named}) or True

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
        return await cls.run(
            Common.of(others),
            image=image,
            prompt=prompt,
            negative_prompt=negative_prompt,
            duration=duration,
            generate_audio=generate_audio,
            cfg_scale=cfg_scale,
            shot_type=shot_type,
            multi_shot=multi_shot if isinstance(multi_shot, Mapping) else _dropped("multi_shot", multi_shot, others),
            elements={**(elements or {}), **_dropped("elements", None, others)},
        )


def _dropped(name: str, choice: object, others: Mapping[str, Any]) -> dict[str, Any]:
    """What was given below an input that ComfyUI made nothing of, as nested as it makes the others."""
    below = {key.removeprefix(f"{name}."): value for key, value in others.items() if key.startswith(f"{name}.")}
    return below if choice is None else {name: choice, **below}


def _shots(count: int) -> list[io.Input]:
    numbers = range(1, count + 1)
    return [model_input(field(number), required=True) for number in numbers for field in (shot_prompt, shot_duration)]


_SHOT_CHOICES = [(0 if choice == "off" else int(choice.split()[0]), choice) for choice in SHOT_COUNTS]
