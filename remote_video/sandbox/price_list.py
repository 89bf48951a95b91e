"""The sandbox's prices: made up, in the shape of the real ones. Nothing is ever charged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .clip_plan import FPS, ClipPlan

SOUND_SURCHARGE = 1.5


@dataclass(frozen=True)
class Price:
    """USD per `unit`, which is "output" (one clip) or "second" (of the clip)."""

    display_name: str
    base_usd: float
    unit: str


PRICES: Mapping[str, Price] = {
    "google-deepmind/veo-3/image-to-video": Price("Veo 3", 1.2, "output"),
    "runwayml/runway-gen-3-alpha/turbo/image-to-video": Price("Runway Gen-3 Alpha Turbo", 0.05, "second"),
    "kling/kling-3.0/standard/image-to-video": Price("Kling 3.0 Standard", 0.084, "second"),
    "bytedance/dreamina-3-0/pro/image-to-video": Price("Dreamina 3.0 Pro", 0.3, "output"),
}
COMET_ALIASES: Mapping[str, float] = {
    "veo3": 0.8,
    "veo3-fast": 0.2,
    "veo3-pro": 2.0,
    "veo3.1": 0.8,
    "veo3.1-pro": 2.0,
}
"""USD per clip."""


def cost_of(model_id: str, inputs: Mapping[str, Any], plan: ClipPlan) -> float:
    """What a RunComfy clip would cost here, USD."""
    price = PRICES[model_id]
    seconds = inputs.get("duration") or round(plan.frames / FPS)
    cost = price.base_usd * (seconds if price.unit == "second" else 1)
    return round(cost * (SOUND_SURCHARGE if plan.sound else 1), 4)
