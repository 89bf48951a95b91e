"""When a node has to run again though nothing about it has changed: its clip was not there yet, or is gone by now.

ComfyUI hands a cached result on without asking, a blocked one and all below it too; only what `fingerprint_inputs`
answers can tell it not to. So that a clip is picked up once and kept from then on, that is a count.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from pathlib import Path

from comfy_execution.utils import get_executing_context

from .comfy_host import links_of, running_item

MOST = 200
"""Clips of one place that are looked for at each Run, the latest."""

_due: Counter[str] = Counter()
"""By place: the node with its widgets."""
_handed_on: defaultdict[str, dict[Path, int]] = defaultdict(dict)
"""By position, each clip of a result, and its size."""
_lock = threading.Lock()


def note_blocked() -> None:
    """The running node returns before its clip is there."""
    with _lock:
        _due[_place()] += 1


def note_handed_on(clip: Path) -> None:
    """The running node hands this clip on."""
    place, size = _place(), _size(clip)
    if size is None:
        return
    with _lock:
        clips = _handed_on[place]
        clips.pop(clip, None)
        clips[clip] = size
        while len(clips) > MOST:
            del clips[next(iter(clips))]


def times_due() -> int:
    """How often the running node, with these widgets, had to run again in this process."""
    place = _place()
    with _lock:
        clips = _handed_on[place]
        for clip, size in list(clips.items()):
            if _size(clip) != size:
                del clips[clip]
                _due[place] += 1
        return _due[place]


def _place() -> str:
    context = get_executing_context()
    item = running_item(context.prompt_id) if context else None
    node = item[2].get(context.node_id) if context and item else None
    if context is None or node is None:
        return str(context.node_id) if context else ""
    linked = links_of(node)
    widgets = {name: value for name, value in node.get("inputs", {}).items() if name not in linked}
    return json.dumps([context.node_id, widgets], sort_keys=True, default=str)


def _size(clip: Path) -> int | None:
    try:
        return clip.stat().st_size
    except OSError:
        return None
