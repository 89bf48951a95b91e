"""How time and memory grow with the clip's length: our decode of one picture size, from seconds to half a minute."""

from __future__ import annotations

from typing import Any

import psutil

from .decode import CLIPS, FPS, in_a_process, realistic_clip

WIDTH, HEIGHT = 1280, 720
LENGTHS_S = (1, 2, 5, 10, 20, 30)
ROUNDS = 3


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per length: the fastest of several fresh processes, and the RSS they grew by."""
    return [row for seconds in (LENGTHS_S[:4] if quick else LENGTHS_S) if (row := _row(seconds))]


def _row(seconds: int) -> dict[str, Any] | None:
    tensor_bytes = seconds * FPS * WIDTH * HEIGHT * 12
    if 1.2 * tensor_bytes > psutil.virtual_memory().available:
        return None
    path = realistic_clip(CLIPS, WIDTH, HEIGHT, seconds * FPS)
    runs = [in_a_process("ours", path, tensor_bytes) for _ in range(ROUNDS)]
    return {
        "clip_s": seconds,
        "tensor_gb": round(tensor_bytes / 1e9, 2),
        "seconds": round(min(run["seconds"] for run in runs), 3),
        "rss_gb": round(max(run["growth_bytes"] for run in runs) / 1e9, 2),
    }
