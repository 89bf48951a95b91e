"""What the pack adds to ComfyUI's start: the time to import it when what ComfyUI ships is loaded already."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNS = 5
LOADED = "aiohttp, av, numpy, PIL.Image, psutil, pydantic, requests, sqlalchemy, torch"
CODE = f"""
import sys, time
import {LOADED}
begun = time.perf_counter()
import remote_video.models, remote_video.settings, remote_video.accounts
at_start = time.perf_counter() - begun
import remote_video.engine.engine, remote_video.media.clip
print(1000 * at_start, 1000 * (time.perf_counter() - begun))
"""


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """Medians of several fresh processes."""
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", CODE]
    printed = [
        subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3 if quick else RUNS)
    ]
    return [
        {"what": what, "import ms": round(statistics.median(float(line[column]) for line in printed), 1)}
        for column, what in enumerate(
            ("specs, settings, accounts (at ComfyUI's start)", "the engine (at the first run)")
        )
    ]
