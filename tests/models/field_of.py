"""One field of a model, by the name of its input."""

from __future__ import annotations

from typing import Any

from remote_video_pack.remote_video.models import ModelSpec


def field_of(spec: ModelSpec, name: str) -> Any:
    return next(field for field in spec.fields if field.name == name)
