"""What each model accepts: one declarative spec per model, and how a request is built from it."""

from .comet_veo import COMET_VEO
from .dreamina3_pro import DREAMINA3_PRO
from .kling3 import KLING3
from .kling_elements import KlingElement
from .request import Request
from .runway_gen3_turbo import RUNWAY_GEN3_TURBO
from .spec import ModelSpec
from .veo3 import VEO3

MODELS: tuple[ModelSpec, ...] = (VEO3, RUNWAY_GEN3_TURBO, KLING3, DREAMINA3_PRO, COMET_VEO)
"""All models, in menu order."""

__all__ = [
    "COMET_VEO",
    "DREAMINA3_PRO",
    "KLING3",
    "MODELS",
    "RUNWAY_GEN3_TURBO",
    "VEO3",
    "KlingElement",
    "ModelSpec",
    "Request",
]
