"""The clips that cached results stand for: a result whose clip is gone has to be made again.

ComfyUI hands a cached result on without asking; only what `fingerprint_inputs` answers can tell it not to.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path

from comfy_execution.utils import get_executing_context

MOST = 200
"""Of one node that are looked for at each Run, the latest."""

_handed_on: dict[str, dict[Path, int]] = defaultdict(dict)
"""By node, each clip and its size."""
_gone: dict[str, int] = defaultdict(int)
_lock = threading.Lock()


def note_handed_on(clip: Path) -> None:
    """The running node hands this clip on."""
    node_id, size = _node_id(), _size(clip)
    if size is None:
        return
    with _lock:
        clips = _handed_on[node_id]
        clips.pop(clip, None)
        clips[clip] = size
        while len(clips) > MOST:
            del clips[next(iter(clips))]


def times_gone() -> int:
    """How often a clip that the node handed on was found gone, or cut short: another number after each time."""
    node_id = _node_id()
    with _lock:
        clips = _handed_on[node_id]
        for clip, size in list(clips.items()):
            if _size(clip) != size:
                del clips[clip]
                _gone[node_id] += 1
        return _gone[node_id]


def _node_id() -> str:
    context = get_executing_context()
    return str(context.node_id) if context else ""


def _size(clip: Path) -> int | None:
    try:
        return clip.stat().st_size
    except OSError:
        return None
