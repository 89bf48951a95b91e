"""A model's inputs: one of them by its name, and values for what it needs."""

from __future__ import annotations

from typing import Any

import torch
from remote_video_pack.remote_video.models import ModelSpec
from remote_video_pack.remote_video.models.fields import Text
from remote_video_pack.remote_video.models.media_fields import Footage, MediaField, Picture

PICTURE = torch.rand(1, 400, 600, 3)


def field_of(spec: ModelSpec, name: str) -> Any:
    return next(field for field in spec.fields if field.name == name)


def needed(spec: ModelSpec) -> dict[str, Any]:
    """A value for every input that the model can't do without."""
    words = {field.name: "a wave" for field in spec.fields if isinstance(field, Text) and field.required}
    words = {name: value for name, value in words.items() if not field_of(spec, name).default}
    files = {field.name: file_for(field) for field in spec.fields if isinstance(field, MediaField) and field.required}
    return {**words, **files}


def file_for(field: MediaField) -> Any:
    """What may be wired into it."""
    if isinstance(field, Picture):
        return PICTURE
    return b"mp4" if isinstance(field, Footage) else {"waveform": torch.zeros(1, 1, 80), "sample_rate": 8000}


def pictures(spec: ModelSpec) -> dict[str, Any]:
    """One for each of its pictures, whether needed or not."""
    return {field.name: PICTURE for field in spec.fields if isinstance(field, Picture)}
