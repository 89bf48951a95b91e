"""Another pack beside ours, as a user has some: nodes that hold a prompt up, fail, expand, and a look inside."""

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import comfy.model_management
import torch
from aiohttp import web
from comfy_execution.graph_utils import GraphBuilder
from server import PromptServer


class Neighbour:
    CATEGORY, FUNCTION, OUTPUT_NODE = "test", "run", True
    RETURN_TYPES: tuple[str, ...] = ()

    @classmethod
    def IS_CHANGED(cls, **_values):
        return float("nan")


class Pause(Neighbour):
    """An async node that takes a while."""

    RETURN_TYPES = ("INT",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 2.0})}}

    async def run(self, seconds):
        await asyncio.sleep(seconds)
        return (1,)


class Sampler(Neighbour):
    """Works on the prompt's own thread, takes Stop itself, and may be slow to let go."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("INT", {"forceInput": True}), "let_go_s": ("FLOAT", {"default": 0.0})}}

    def run(self, after, let_go_s):
        try:
            for _ in range(60_000):
                time.sleep(0.001)
                comfy.model_management.throw_exception_if_processing_interrupted()
        finally:
            time.sleep(let_go_s)
        return ()


class Broken(Neighbour):
    """Fails."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("INT", {"forceInput": True})}}

    def run(self, after):
        raise ValueError("a node of another pack failed")


class Images(Neighbour):
    """Images, each another one, as a list of one-image batches."""

    OUTPUT_NODE = False
    RETURN_TYPES, OUTPUT_IS_LIST = ("IMAGE",), (True,)

    @classmethod
    def INPUT_TYPES(cls):
        size = ("INT", {"default": 512, "max": 8192})
        return {"required": {"count": ("INT", {"default": 1}), "width": size, "height": size}}

    @classmethod
    def IS_CHANGED(cls, **_values):
        return 1

    def run(self, count, width, height):
        slope = torch.linspace(0, 1, width).repeat(height, 1)
        return ([torch.stack([slope, slope, slope * (n + 1) / count], dim=-1)[None] for n in range(count)],)


class Expands(Neighbour):
    """A node that is one of ours and a save node inside."""

    RETURN_TYPES = ("VIDEO",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "prompt": ("STRING", {}), "wait": ("BOOLEAN", {"default": True})}}

    @classmethod
    def IS_CHANGED(cls, **_values):
        return 1

    def run(self, image, prompt, wait):
        graph = GraphBuilder()
        clip = graph.node("Veo3I2V", image=image, prompt=prompt, filename_prefix=prompt, wait=wait)
        return {"result": (clip.out(2),), "expand": graph.finalize()}


@PromptServer.instance.routes.get("/test/inside")
async def inside(_request):
    """The names of the process's threads, and how many files it has open."""
    files = list(Path("/proc/self/fd").glob("*"))
    return web.json_response({"threads": [thread.name for thread in threading.enumerate()], "files": len(files)})


@PromptServer.instance.routes.post("/test/restart")
async def restart(_request):
    """Restart as the Manager does: another program in the same process."""
    os.execv(sys.executable, [sys.executable, *sys.argv])


NODE_CLASS_MAPPINGS = {f"Test{node.__name__}": node for node in (Pause, Sampler, Broken, Images, Expands)}
