"""How a time is written."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """1:05 for 65 s; 1:00:05 for an hour and 5 s."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
