"""What the pack adds to ComfyUI's start, when what ComfyUI ships is loaded already; and what its largest node weighs.

ComfyUI itself is the checkout that `COMFYUI_PATH` names; without one the tests' stand-in, which makes no node
definitions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

RUNS = 9
MANY = 60
"""Video models of a large catalogue."""
ROWS = (
    ("the pack, its nodes and their schemas (at ComfyUI's start)", ("import", "schemas"), ""),
    ("of it the schemas", ("schemas",), ""),
    ("RunComfyVideo in /object_info", ("info",), "bytes"),
)


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """The least of several fresh processes: a disturbance only ever adds."""
    with tempfile.TemporaryDirectory() as folder:
        shipped, many = Path(folder, "shipped"), Path(folder, "many")
        shipped.mkdir()
        counts = {shipped: _count(shipped), many: _keep(many)}
        measured = {home: _least(home, 3 if quick else RUNS) for home in counts}
    found = [
        _row(f"{what}, {counts[home]} models", spent, parts, size)
        for home, spent in measured.items()
        for what, parts, size in ROWS
        if all(part in spent for part in parts)
    ]
    return [*found, _row("the engine (at the first run)", measured[shipped], ("engine",), "")]


def _row(what: str, spent: Mapping[str, float], parts: tuple[str, ...], size: str) -> dict[str, Any]:
    row: dict[str, Any] = {"what": what, "CPU ms": round(sum(spent[part] for part in parts), 1)}
    return {**row, "kB": round(spent[size] / 1000, 1)} if size else row


def _least(home: Path, runs: int) -> dict[str, float]:
    found = [_started(home) for _ in range(runs + 1)][1:]  # the first one compiles
    return {what: min(one[what] for one in found) for what in found[0]}


def _started(home: Path) -> dict[str, float]:
    python = os.environ.get("COMFYUI_PYTHON", sys.executable) if os.environ.get("COMFYUI_PATH") else sys.executable
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [python, "-m", "benchmarks.start", str(home)]
    root = Path(__file__).resolve().parents[1]
    answer = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"the start failed:\n{answer.stderr[-2000:]}")
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _count(home: Path) -> int:
    from remote_video.catalogue.model import video_models
    from remote_video.catalogue.store import known

    return len(video_models(known(home)))


def _keep(home: Path) -> int:
    """Keep a catalogue of MANY models in a folder: those that ship, under further ids."""
    from remote_video.catalogue.catalogue import published_snapshot, snapshot
    from remote_video.catalogue.model import video_models
    from remote_video.catalogue.store import USUAL_ENDPOINT, file_of, keep

    offered = [one for one in published_snapshot() if one.get("model_id") in video_models(snapshot())]
    more = ({**one, "model_id": f"{one['model_id']}-{number}"} for number in range(MANY) for one in offered)
    keep(file_of(home, USUAL_ENDPOINT), [*offered, *islice(more, MANY - len(offered))])
    return _count(home)
