"""A file in memory, as it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EncodedMedia:
    """A file as it is sent, and what was given up to make it fit."""

    data: bytes = field(repr=False)
    mime: str
    notices: tuple[str, ...] = ()
