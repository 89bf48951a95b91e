"""The pack is loaded once, from its folder and under one name, as ComfyUI loads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

PACK_FOLDER = Path(__file__).resolve().parent.parent
PACK_NAME = "remote_video_pack"


def _load_pack() -> None:
    if PACK_NAME in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        PACK_NAME, PACK_FOLDER / "__init__.py", submodule_search_locations=[str(PACK_FOLDER)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK_NAME] = module
    spec.loader.exec_module(module)


_load_pack()
