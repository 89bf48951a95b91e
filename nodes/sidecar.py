"""The workflow that made a clip, kept beside the clip: the MP4 itself stays as it came from the provider."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOG = logging.getLogger("remote_video")


def save_workflow(clip: Path, workflow: Mapping[str, Any] | None, prompt: Mapping[str, Any] | None) -> Path | None:
    """Write `<clip>.json`, which opens in ComfyUI when it is dropped on the canvas.

    Args:
        clip: the saved MP4.
        workflow: the graph as the browser sent it; without one `prompt` (API format) is kept instead.

    Returns:
        The file, or None when there was nothing to write. An existing one stays: it tells how the clip came to be.
    """
    kept = workflow or prompt
    if not kept:
        return None
    sidecar = clip.with_suffix(".json")
    try:
        with sidecar.open("x", encoding="utf-8") as file:
            json.dump(kept, file, ensure_ascii=False, indent=1)
    except FileExistsError:
        return sidecar
    except OSError as error:
        LOG.warning("The workflow could not be saved beside %s: %s", clip.name, error)
        return None
    return sidecar
