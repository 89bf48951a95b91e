"""What the demo asks of each of the five nodes, all from one photograph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image


@dataclass(frozen=True)
class Shot:
    """One node and the values of its inputs, as wires and widgets would give them."""

    node_id: str
    about: str
    values: dict[str, Any] = field(repr=False)


def astronaut() -> torch.Tensor:
    """Eileen Collins, NASA (public domain), from scikit-image: IMAGE float32 [1, 512, 512, 3], 0..1."""
    from skimage.data import astronaut as photograph

    return _image(photograph())


def close_up(image: torch.Tensor) -> torch.Tensor:
    """Her face, cut out and enlarged: IMAGE [1, 576, 1024, 3]."""
    pixels = (image[0].numpy() * 255).round().astype(np.uint8)
    face = Image.fromarray(pixels).crop((65, 0, 385, 180)).resize((1024, 576), Image.Resampling.LANCZOS)
    return _image(np.asarray(face))


def shots() -> list[Shot]:
    """The five, in menu order."""
    image = astronaut()
    return [
        Shot(
            "Veo3I2V",
            "sound on",
            {"image": image, "prompt": "She smiles at the camera; the flag behind her moves.", "generate_audio": True},
        ),
        Shot(
            "RunwayGen3Turbo",
            "upright, filled by cropping",
            {"image": image, "prompt": "Slow push-in, studio light.", "ratio": "768:1280", "fit": "crop"},
        ),
        Shot(
            "Kling3I2V",
            "two shots",
            {
                "image": image,
                "prompt": "An astronaut before a launch.",
                "duration": 6,
                "multi_shot": {
                    "multi_shot": "2 shots",
                    "shot_1_prompt": "She looks into the camera.",
                    "shot_1_duration": 3,
                    "shot_2_prompt": "She puts on the helmet.",
                    "shot_2_duration": 3,
                },
            },
        ),
        Shot("Dreamina3Pro", "121 frames, no sound", {"image": image, "prompt": "Dust floats in a beam of light."}),
        Shot(
            "CometVeo",
            "first and last frame",
            {"image": image, "last_image": close_up(image), "prompt": "The camera moves in on her face."},
        ),
    ]


def _image(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255)[None]
