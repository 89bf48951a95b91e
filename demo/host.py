"""A ComfyUI small enough for a demo: the tests' stand-in, its folders in demo_output/, its progress on the terminal.

What runs on it are the pack's own node classes, loaded from the pack's folder as ComfyUI loads them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

PACK_FOLDER = Path(__file__).resolve().parent.parent
PACK_NAME = "remote_video_pack"
PROMPT_ID = "demo"
SHEET = "contact sheet"

Say = Callable[[str, str], None]
Percent = Callable[[str, float], None]


class DemoHost:
    """Runs nodes by their id.

    Args:
        output: the folder that takes the place of ComfyUI's output folder.
        say: shows a line for a node id.
        percent: shows a percentage, 0..100, for a node id.
    """

    def __init__(self, output: Path, say: Say, percent: Percent) -> None:
        sys.path.append(str(PACK_FOLDER / "tests" / "comfy_standin"))
        _point_folders_at(output)
        self._server = _show_progress(say, percent)
        self.pack = _load_pack()
        nodes = asyncio.run(_nodes(self.pack))
        self.nodes = {node.define_schema().node_id: node for node in nodes}

    def engine(self, module: str) -> ModuleType:
        """A module of the engine, under the one name it has."""
        return importlib.import_module(f"{PACK_NAME}.remote_video.{module}")

    def wire_frames_of(self, *node_ids: str) -> None:
        """Say that these nodes' `frames` outputs are wired to something, as the running graph would."""
        graph: dict[str, Any] = {node_id: {"inputs": {}} for node_id in self.nodes}
        graph[SHEET] = {"inputs": {node_id: [node_id, 0] for node_id in node_ids}}
        self._server.prompt_queue.running = [(0, PROMPT_ID, graph, {}, list(graph))]

    async def run(self, node_id: str, values: dict[str, Any]) -> tuple[Any, ...]:
        """Run a node as ComfyUI's executor does: its seven outputs."""
        from comfy_execution.utils import CurrentNodeContext

        node = self.nodes[node_id]
        defaults = {i.id: i.default for i in node.define_schema().inputs if getattr(i, "default", None) is not None}
        with CurrentNodeContext(PROMPT_ID, node_id):
            output = await node.execute(**{**defaults, "filename_prefix": node_id, **values})
        return output.args


async def _nodes(pack: ModuleType) -> list[Any]:
    extension = await pack.comfy_entrypoint()
    return await extension.get_node_list()


def _load_pack() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        PACK_NAME, PACK_FOLDER / "__init__.py", submodule_search_locations=[str(PACK_FOLDER)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK_NAME] = module
    spec.loader.exec_module(module)
    return module


def _point_folders_at(output: Path) -> None:
    import folder_paths

    folder_paths.BASE = output
    folder_paths.get_output_directory = lambda: str(output)


def _show_progress(say: Say, percent: Percent) -> Any:
    import server
    from comfy_execution import progress

    class Server(server.PromptServer):
        def send_progress_text(self, text: bytes | bytearray | str, node_id: str, sid: str | None = None) -> None:
            say(node_id, text if isinstance(text, str) else bytes(text).decode("utf-8"))

    class Bars(progress.ProgressRegistry):
        def update_progress(self, node_id: str, value: float, max_value: float, image: object = None) -> None:
            percent(node_id, 100 * value / max_value)

    server.PromptServer.instance = Server()
    progress.STATE = Bars(PROMPT_ID)
    return server.PromptServer.instance
