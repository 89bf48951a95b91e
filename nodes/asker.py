"""A running node as the engine sees it: where to show how its clip stands, and whether the queue wants it again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import comfy.model_management
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..remote_video.outside_text import lines
from .comfy_host import ComfyHost, Prompt, links_of, running_item, waiting_prompts
from .shown_text import as_letters

if TYPE_CHECKING:
    from ..remote_video.engine.host import JobEvent

T = TypeVar("T")
LOG = logging.getLogger("remote_video")
LOG_SAME_LINE_AFTER_S = 30.0
"""A line that differs from the last one in its numbers only is logged again after this long."""
STOP_CHECK_S = 0.1
NOT_IN_THE_JOB = frozenset({"filename_prefix", "frames", "max_frames", "wait"})
"""Inputs that change nothing about what is asked of the provider."""


class NodeAsker:
    """The node that is running now. Make it inside the node; its methods may then be called from any thread.

    Args:
        title: the model in people's words.
    """

    def __init__(self, title: str) -> None:
        context = get_executing_context()
        self.prompt_id = context.prompt_id if context else ""
        self.node_id = context.node_id if context else ""
        self._item = (context.list_index or 0) if context else 0
        self._title = f"{title} #{self.node_id}" if self.node_id else title
        self._page = getattr(PromptServer.instance, "client_id", None)
        self._logged = ("", 0.0)
        self.notices: Sequence[Sequence[str]] = ()
        """What was changed about the inputs: it stays below whatever else is shown, to the end."""
        item = running_item(self.prompt_id)
        self._prompt: Prompt = item[2] if item else {}

    @property
    def is_in_prompt(self) -> bool:
        """False inside another pack's expanded node, and outside of ComfyUI."""
        return self.node_id in self._prompt

    def show(self, event: JobEvent) -> None:
        """Show how the job stands, and a bar where the provider gives a percentage."""
        state = get_progress_state()
        if event.progress is not None and self.node_id and state.prompt_id == self.prompt_id:
            state.update_progress(self.node_id, round(100 * event.progress), 100)
        self.say(event.text)

    def say(self, text: str) -> None:
        """Show `text` on the node, and log it unless only its numbers changed a moment ago."""
        line = lines(f"Clip {self._item + 1}: {text}" if self._item else text)
        if self.node_id and self._page is not None:  # without one, every open page would show it
            shown = "\n".join((line, *chain(*self.notices)))
            PromptServer.instance.send_progress_text(as_letters(shown), self.node_id, self._page)
        shape, now = re.sub(r"\d+", "0", line), time.monotonic()
        last_shape, last_at = self._logged
        if shape != last_shape or now - last_at >= LOG_SAME_LINE_AFTER_S:
            self._logged = (shape, now)
            LOG.info("%s: %s", self._title, line.replace("\n", " "))

    def is_waiting(self) -> bool:
        """Whether a prompt that waits for its turn asks for the same clip."""
        if not self.is_in_prompt:
            return False
        kind = self._prompt[self.node_id].get("class_type")
        same_kind = [(p, name) for p in waiting_prompts() for name, node in p.items() if node.get("class_type") == kind]
        mine = origin(self._prompt, self.node_id) if same_kind else ""
        return any(origin(prompt, name) == mine for prompt, name in same_kind)

    async def unless_stopped(self, work: Future[T]) -> T:
        """The result of a call on a thread. Raises InterruptProcessingException as soon as Stop is pressed."""
        waiting = asyncio.wrap_future(work)
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=STOP_CHECK_S)
            if not waiting.done() and self.prompt_id and self.prompt_id == ComfyHost().interrupted_prompt():
                waiting.cancel()
                raise comfy.model_management.InterruptProcessingException()
        return waiting.result()


def origin(prompt: Prompt, node_id: str) -> str:
    """All that a node's job comes from: its inputs, and those of the nodes that feed it, whatever their ids. Hex."""
    known: dict[str, str] = {}

    def of(name: str, left_out: frozenset[str] = frozenset()) -> str:
        if name not in known:
            known[name] = ""  # a graph that feeds itself ends here
            node = prompt.get(name, {})
            links = links_of(node)
            told = {
                each: [of(links[each][0]), links[each][1]] if each in links else value
                for each, value in node.get("inputs", {}).items()
                if each not in left_out
            }
            text = json.dumps([node.get("class_type"), told], sort_keys=True, default=str)
            known[name] = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return known[name]

    return of(node_id, NOT_IN_THE_JOB)
