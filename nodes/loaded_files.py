"""The files behind a node's images, where they come straight from LoadImage.

ComfyUI's versions read the same file with different libraries, which give other pixels; the bytes of the file stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import folder_paths

from .comfy_host import Prompt, links_of, running_item

LOADER, LOADED = "LoadImage", 0
"""Core's node, and its output that is the image."""


def loaded_files(prompt_id: str, node_id: str, called: Mapping[str, str]) -> dict[str, str]:
    """By what an image is called, the SHA-256 (hex) of the file it is. Blocks.

    Args:
        called: what the image is called that comes by an input, by the input's name in the prompt.

    Left out is what comes from elsewhere, and a file that was changed after its prompt was queued: what was loaded of
    that is not known.
    """
    item = running_item(prompt_id)
    if item is None or node_id not in item[2]:
        return {}
    found = dict(files_behind(item[2], node_id, called))
    return {name: digest for name, path in found.items() if (digest := _digest(path, item[3])) is not None}


def files_behind(prompt: Prompt, node_id: str, called: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """By what an image is called, the file that LoadImage reads for it; see `loaded_files`."""
    links = links_of(prompt[node_id])
    for name in links.keys() & called.keys():
        source, slot = links[name]
        loader = prompt.get(source, {})
        file = loader.get("inputs", {}).get("image")
        if (loader.get("class_type"), slot) == (LOADER, LOADED) and isinstance(file, str):
            yield called[name], Path(folder_paths.get_annotated_filepath(file))


def _digest(path: Path, extra_data: Any) -> str | None:
    queued_ms = extra_data.get("create_time") if isinstance(extra_data, dict) else None
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        about = path.stat()
    except OSError:
        return None
    changed_ms = 1000 * max(about.st_mtime, about.st_ctime)
    return digest if isinstance(queued_ms, int) and changed_ms < queued_ms else None
