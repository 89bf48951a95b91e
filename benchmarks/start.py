"""What ComfyUI does with the pack at its start, timed in a process of its own: `python -m benchmarks.start HOME`.

It is ComfyUI's own code that `COMFYUI_PATH` names, else the stand-in of the tests, which makes no node definitions.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp.web import RouteTableDef

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("av", "numpy", "PIL.Image", "psutil", "pydantic", "requests", "sqlalchemy", "torch")
HOSTS = (
    *("comfy_api.latest", "comfy.model_management", "comfy_execution.graph_utils", "comfy_execution.progress"),
    *("comfy_execution.utils", "folder_paths", "server"),
)
PACK = "remote_video_pack"


def main() -> None:
    """Print {what: milliseconds of this thread's processor time, or bytes} as JSON."""
    os.environ["REMOTE_VIDEO_HOME"] = sys.argv[1]
    _load_what_is_there()
    begun = time.thread_time()
    nodes = asyncio.run(_nodes())
    imported = time.thread_time()
    spent: dict[str, float] = {"import": imported - begun}
    for node in nodes:
        node.define_schema()
    spent["schemas"] = time.thread_time() - imported
    found = {what: 1000 * seconds for what, seconds in spent.items()}
    video = next(node for node in nodes if node.__name__ == "RunComfyVideo")
    if hasattr(video, "GET_NODE_INFO_V1"):
        begun = time.thread_time()
        text = json.dumps(video.GET_NODE_INFO_V1())
        found |= {"info": 1000 * (time.thread_time() - begun), "bytes": len(text)}
    begun = time.thread_time()
    for name in ("engine.engine", "media.clip"):
        importlib.import_module(f"{PACK}.remote_video.{name}")
    print(json.dumps({**found, "engine": 1000 * (time.thread_time() - begun)}))


def _load_what_is_there() -> None:
    """Import what ComfyUI has loaded when it comes to its packs."""
    for name in SHIPPED:
        importlib.import_module(name)
    real = os.environ.get("COMFYUI_PATH")
    if real:
        sys.path.insert(0, real)
        sys.argv[1:] = ["--cpu"]
        importlib.import_module("comfy.options").enable_args_parsing()
    else:
        sys.path.append(str(ROOT / "tests" / "comfy_standin"))
    modules: dict[str, Any] = {name: importlib.import_module(name) for name in HOSTS}
    if not real:
        modules["folder_paths"].BASE = Path(os.environ["REMOTE_VIDEO_HOME"])
    # All that a pack sees of the server at its start: a whole one would make folders of its own.
    modules["server"].PromptServer.instance = SimpleNamespace(
        routes=RouteTableDef(), app=SimpleNamespace(on_startup=[]), add_on_prompt_handler=lambda handler: None
    )


async def _nodes() -> list[Any]:
    """As ComfyUI loads a pack."""
    found = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert found is not None and found.loader is not None
    pack = importlib.util.module_from_spec(found)
    sys.modules[PACK] = pack
    found.loader.exec_module(pack)
    extension: Any = await pack.comfy_entrypoint()
    nodes: list[Any] = await extension.get_node_list()
    return nodes


if __name__ == "__main__":
    main()
