"""Giving a clip its name beside many others."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from remote_video.clips.output_file import Target

from .processes import fresh

COUNTS = (0, 1_000, 20_000)
RUNS = 50


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per number of clips in the folder."""
    return [fresh(_measure, count) for count in COUNTS]


def _measure(folder: Path, clips: int) -> dict[str, Any]:
    target = Target(folder, "clip")
    for number in range(1, clips + 1):
        (folder / f"clip_{number:05}_.mp4").touch()
    spent = [_published(target, number) for number in range(RUNS + 1)]
    return {
        "clips in the folder": clips,
        "first name ms": round(1000 * spent[0], 2),
        "further names, median ms": round(1000 * statistics.median(spent[1:]), 2),
    }


def _published(target: Target, number: int) -> float:
    part = target.part(f"{number:064}"[-16:])
    part.write_bytes(b"clip")
    begun = time.perf_counter()
    target.publish(part)
    spent = time.perf_counter() - begun
    part.unlink(missing_ok=True)
    return spent
