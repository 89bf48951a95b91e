"""ComfyUI's services behind one small face: folders, progress, Stop, and who is wired to the running node."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
from comfy.cli_args import args
from comfy_api.latest import ComfyAPI
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..remote_video.settings import Settings

LOG = logging.getLogger("remote_video")
LOG_SAME_LINE_AFTER_S = 30.0
"""A line that differs from the last one in its numbers only is logged again after this long."""


class ComfyHost:
    """What a clip's way through the engine needs of ComfyUI, for the node that is running now.

    Make it inside a running node, on its event loop; its methods may then be called from any thread.
    """

    def __init__(self, title: str) -> None:
        context = get_executing_context()
        self.node_id = context.node_id if context else ""
        self._item = (context.list_index or 0) if context else 0
        self._title = f"{title} #{self.node_id}" if self.node_id else title
        self._loop = asyncio.get_running_loop()
        self._logged = ("", 0.0)

    def stopped(self) -> bool:
        """Whether Stop was pressed. Does not clear the flag: other waiting nodes have to see it too."""
        return comfy.model_management.processing_interrupted()

    def say(self, text: str) -> None:
        """Show `text` on the node, and log it unless only its numbers changed a moment ago."""
        line = f"Clip {self._item + 1}: {text}" if self._item else text
        if self.node_id:
            PromptServer.instance.send_progress_text(line, self.node_id)
        self._log(line)

    def progress(self, fraction: float) -> None:
        """Show a bar on the node, 0..1."""
        if self.node_id:
            shown = ComfyAPI.Execution().set_progress(round(100 * fraction), 100, node_id=self.node_id)
            asyncio.run_coroutine_threadsafe(shown, self._loop).add_done_callback(_log_failure)

    def _log(self, line: str) -> None:
        shape, now = re.sub(r"\d+", "0", line), time.monotonic()
        last_shape, last_at = self._logged
        if shape != last_shape or now - last_at >= LOG_SAME_LINE_AFTER_S:
            self._logged = (shape, now)
            LOG.info("%s: %s", self._title, line.replace("\n", " "))


def _log_failure(shown: Future[None]) -> None:
    if not shown.cancelled() and (error := shown.exception()) is not None:
        LOG.warning("The progress bar could not be shown: %s", error)


def output_folder() -> Path:
    """Where saved files go."""
    return Path(folder_paths.get_output_directory())


def temp_folder() -> Path:
    """Emptied by ComfyUI at every start."""
    return Path(folder_paths.get_temp_directory())


def settings() -> Settings:
    """The settings as they are now. The pack's own folder is one that isn't served over HTTP."""
    return Settings.from_environment(Path(folder_paths.get_system_user_directory("remote_video")))


def keeps_metadata() -> bool:
    """False when ComfyUI was started with --disable-metadata."""
    return not args.disable_metadata


def wired_outputs() -> frozenset[int] | None:
    """The outputs of the running node that something is wired to; None when that can't be told."""
    context = get_executing_context()
    if context is None:
        return None
    running, _ = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    prompt = next((item[2] for item in running if item[1] == context.prompt_id), None)
    return None if prompt is None else outputs_wired_in(prompt, context.node_id)


def outputs_wired_in(prompt: Mapping[str, Any], node_id: str) -> frozenset[int] | None:
    """The outputs of `node_id` that `prompt` (API format) links to; None when the node isn't in it."""
    if node_id not in prompt:
        return None
    values = (value for node in prompt.values() for value in node.get("inputs", {}).values())
    links = (value for value in values if isinstance(value, list) and len(value) == 2)
    return frozenset(slot for source, slot in links if str(source) == node_id and isinstance(slot, int))
