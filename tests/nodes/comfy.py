"""ComfyUI as a node sees it: its folders, a prompt that runs, the answers it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
import torch
from comfy_api.latest import io
from comfy_execution import progress
from comfy_execution.utils import CurrentNodeContext
from server import PromptServer

NODE_ID = "7"
PROMPT_ID = "the-prompt"
WORKFLOW_ID = "the-workflow"


class Comfy:
    """One ComfyUI with folders of its own."""

    def __init__(self, base: Path) -> None:
        folder_paths.BASE = base
        comfy.model_management.interrupt_current_processing(False)
        progress.STATE = progress.ProgressRegistry(PROMPT_ID)
        PromptServer.instance = PromptServer()
        self.output = base / "output"

    @property
    def texts(self) -> list[str]:
        """What the node showed."""
        return [text for node_id, text in PromptServer.instance.texts if node_id == NODE_ID]

    @property
    def told(self) -> list[dict[str, Any]]:
        """What its page was told of the node, by events."""
        return [data for event, data, page in PromptServer.instance.sent if event == "remote_video.node" and page]

    def queue(
        self,
        node: type,
        wired: Mapping[int, str],
        inputs: Mapping[str, Any] | None = None,
        more: Mapping[str, dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Begin a prompt in which the outputs `wired` (position: reader) of `node` are read; it replaces the last.

        `more`: other nodes of it; the inputs of `node` are wired to the first output of the one of their name,
        which a nested input has with dots.
        """
        readers = {
            str(100 + slot): {"class_type": reader, "inputs": {"in": [NODE_ID, slot]}} for slot, reader in wired.items()
        }
        widgets = {name: value for name, value in (inputs or {}).items() if isinstance(value, (str, int, float))}
        wires = {name: [name, 0] for name in more or {} if name.split(".")[0] in (inputs or {})}
        prompt = {NODE_ID: {"class_type": node.__name__, "inputs": {**widgets, **wires}}, **readers, **(more or {})}
        workflow = {"id": WORKFLOW_ID}
        queued = {"create_time": int(time.time() * 1000), "extra_pnginfo": {"workflow": workflow}}
        PromptServer.instance.prompt_queue.running = [(0, PROMPT_ID, prompt, queued, [NODE_ID, *readers])]
        return prompt

    async def run(
        self,
        node: type,
        wired: Mapping[int, str] | None = None,
        more: Mapping[str, dict[str, Any]] | None = None,
        **inputs: Any,
    ) -> io.NodeOutput:
        """Run `node` as the prompt worker does, in a clone with what an output node is told unasked."""
        prompt = self.queue(node, wired or {}, inputs, more)
        workflow = {"nodes": [{"id": int(NODE_ID), "type": node.__name__}]}
        hidden = io.HiddenHolder(prompt=prompt, extra_pnginfo={"workflow": workflow})
        with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
            return await locked_clone(node, hidden).execute(**inputs)

    async def run_list(self, node: type, items: list[dict[str, Any]], **inputs: Any) -> list[io.NodeOutput]:
        """Run `node` for each item as the prompt worker does: begun one after the other, then side by side."""
        self.queue(node, {}, inputs)

        async def run(index: int, item: dict[str, Any]) -> io.NodeOutput:
            with CurrentNodeContext(PROMPT_ID, NODE_ID, index):
                return await locked_clone(node).execute(**inputs, **item)

        tasks = []
        for index, item in enumerate(items):
            tasks.append(asyncio.create_task(run(index, item)))
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks)

    def fingerprint(self, node: type, wired: Mapping[int, str] | None = None, **inputs: Any) -> Any:
        """Ask what a cached result would depend on."""
        self.queue(node, wired or {}, inputs)
        with CurrentNodeContext(PROMPT_ID, NODE_ID, 0):
            return locked_clone(node).fingerprint_inputs(**inputs)


class _Locked(type):
    def __setattr__(cls, name: str, value: Any) -> None:
        raise AttributeError(f"Cannot modify class attribute '{name}' on locked class '{cls.__name__}'")


def locked_clone(node: type, hidden: io.HiddenHolder | None = None) -> Any:
    """The class that ComfyUI calls a node's methods on: for each call another one, in which nothing can be set."""
    name, own = f"{node.__name__}Clone", {**vars(node), "hidden": hidden}
    return _Locked(name, (node, *node.__bases__), own)


def picture(width: int = 640, height: int = 480) -> torch.Tensor:
    """An IMAGE, float32 [1, H, W, 3], 0..1."""
    across, down = torch.linspace(0, 1, width), torch.linspace(0, 1, height)
    return torch.stack(torch.broadcast_tensors(across[None, :], down[:, None], torch.tensor(0.5)), dim=-1)[None]
