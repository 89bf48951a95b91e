"""The provider and the clip of the nodes' tests."""

from __future__ import annotations

from ..nodes.conftest import sandbox, small_clip

__all__ = ["sandbox", "small_clip"]
