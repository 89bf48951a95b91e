"""What each model accepts: one declarative spec per model, and how a request is built from it.

A module of this package that holds a spec is a model of the pack: there is no list to add it to.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from .kling_elements import KlingElement
from .request import Request
from .spec import ModelSpec

FIRST = ("veo3", "runway_gen3_turbo", "kling3", "dreamina3_pro", "comet_veo")
"""Modules that are listed before the others, in this order."""


def _specs() -> Iterator[ModelSpec]:
    others = sorted(module.name for module in iter_modules(__path__) if module.name not in FIRST)
    for name in (*FIRST, *others):
        yield from (
            found for found in vars(import_module(f".{name}", __name__)).values() if isinstance(found, ModelSpec)
        )


MODELS: tuple[ModelSpec, ...] = tuple(_specs())
"""The models that have a node of their own."""

__all__ = ["MODELS", "KlingElement", "ModelSpec", "Request"]
