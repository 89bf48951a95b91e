"""A running node as the engine sees it: where to show its clip's progress, and whether the queue needs it again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import comfy.model_management
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..remote_video.engine.host import JobEvent
from ..remote_video.ledger.lifecycle import State
from ..remote_video.outside_text import lines
from .comfy_host import ComfyHost, Prompt, links_of, running_item, waiting_prompts
from .node_status import facts_of, show
from .shown_text import as_letters

if TYPE_CHECKING:
    from ..remote_video.engine.watch import StoredClip
    from ..remote_video.errors import RemoteVideoError

T = TypeVar("T")
LOG = logging.getLogger("remote_video")
LOG_SAME_LINE_AFTER_S = 30.0
"""A line that differs from the last one in its numbers only is logged again after this long."""
STOP_CHECK_S = 0.1
NO_ID = "00000000-0000-0000-0000-000000000000"
"""The id of every workflow that was cleared and not saved since."""
NOT_IN_THE_JOB = frozenset({"filename_prefix", "frames", "max_frames", "wait"})
"""Inputs that change nothing about what is asked of the provider."""


class NodeAsker:
    """The node that is running now. Make it inside the node; its methods may then be called from any thread.

    Args:
        title: the model in people's words.
        provider: the id of who makes the clip.
    """

    def __init__(self, title: str, provider: str = "") -> None:
        context = get_executing_context()
        self.prompt_id = context.prompt_id if context else ""
        self.node_id = context.node_id if context else ""
        self._item = (context.list_index or 0) if context else 0
        self._title = f"{title} #{self.node_id}" if self.node_id else title
        self._page = getattr(PromptServer.instance, "client_id", None)
        self._logged = ("", 0.0)
        self.notices: tuple[str, ...] = ()
        """What was changed about the inputs: it stays below whatever else is shown, to the end."""
        self.file_notices: list[str] = []
        """The same of files, filled as they are read."""
        self.has_left = False
        """Whether the node waits no longer: for choice, by Stop or an error elsewhere. It is still told of the job."""
        item = running_item(self.prompt_id)
        self._prompt: Prompt = item[2] if item else {}
        self._provider = provider
        self._event = JobEvent("", "", model_name=title)
        self._is_background = False
        """Whether the node waits no longer because its `wait` is off."""
        self._asked_at = time.time()
        self.workflow_id = _workflow_id(item[3]) if item else None

    @property
    def is_in_prompt(self) -> bool:
        """False inside another pack's expanded node, and outside of ComfyUI."""
        return self.node_id in self._prompt

    def show(self, event: JobEvent) -> None:
        """Show how the job stands, and a bar where the provider gives a percentage."""
        state = get_progress_state()
        if event.progress is not None and self.node_id and state.prompt_id == self.prompt_id:
            state.update_progress(self.node_id, round(100 * event.progress), 100)
        is_here = event.is_over and event.state is State.STORED
        self._say(event, "working" if not self.has_left else "here" if is_here else "left")

    def says(self, notice: str) -> None:
        """Show something on the way."""
        self._say(replace(self._event, text=notice, words=notice), "working")

    def goes_on(self, event: JobEvent) -> None:
        """The node doesn't wait for its clip."""
        self._is_background = True
        if not self._event.is_over:
            words = "The clip is collected in the background; run again to use it."
            self._say(replace(event, text=f"{event.text}\n{words}", words=words), "left")

    def has_made(self, clip: StoredClip, text: str, remarks: tuple[str, ...]) -> None:
        """The clip is handed on."""
        self.notices = (*remarks, *self.notices)
        known: dict[str, Any] = {"request_id": clip.request_id, "file": clip.path.name, "cost_usd": clip.cost_usd}
        event = replace(self._event, text=text, words=text, sandbox=clip.sandbox, state=State.STORED, **known)
        self._say(replace(event, error=None, progress=None, is_over=True), "made again" if clip.reused else "made")

    def works(self, words: str, progress: float | None = None) -> None:
        """What is being done here, and how much of it is done, 0..1."""
        self.show(replace(self._event, text=words, words=words, progress=progress, since=self._asked_at))

    def has_joined(self, file: str, text: str, remarks: tuple[str, ...]) -> None:
        """The film is handed on."""
        self.notices = remarks
        known: dict[str, Any] = {"file": file, "progress": None, "state": State.STORED, "is_over": True}
        self._say(replace(self._event, text=text, words=text, **known), "made")

    def fails(self, error: RemoteVideoError) -> None:
        """The node ends with an error."""
        text = f"{error.what}\nNext: {error.next_step}"
        known: dict[str, Any] = {
            "error": error,
            "request_id": error.request_id or self._event.request_id,
            "is_over": True,
        }
        self._say(replace(self._event, text=text, words=error.what, **known), "error")

    def ends_early(self, words: str = "The run ended before this clip was asked for. Nothing was billed.") -> None:
        """The run ended before the node did. Of a job that was told of, the engine says what becomes of it."""
        self.has_left = True
        if self._event.state is State.STORED:
            self._say(replace(self._event, is_over=True), "here")
        elif not self._event.key:
            self._say(replace(self._event, text=words, words=words, is_over=True), "over")

    def _say(self, event: JobEvent, phase: str) -> None:
        """Show it on the node, and log it unless only its numbers changed a moment ago.

        Args:
            phase: working, left (the node waits no longer), here (a Run would hand it on), made, made again (it was
                made before), error, or over (there will be no clip).
        """
        is_over = event.is_over and phase != "working"
        if is_over and phase == "left":
            phase = "error" if event.error else "over"
        self._event = event
        if self.node_id:
            told = {
                **facts_of(event),
                "prompt_id": self.prompt_id,
                "node_id": self.node_id,
                "workflow_id": self.workflow_id,
                "item": self._item,
                "asked_at": self._asked_at,
                "provider": self._provider,
                "phase": phase,
                "is_background": self._is_background,
                "notices": [*self.notices, *self.file_notices],
                "is_over": is_over,
            }
            show(self._page, told)
        self._show_text(event.text)

    def _show_text(self, text: str) -> None:
        """As a line of the node, for programs that read along; our own page shows the event."""
        line = lines(f"Clip {self._item + 1}: {text}" if self._item else text)
        if self.node_id and self._page is not None:  # without one, every open page would show it
            shown = "\n".join((line, *self.notices, *self.file_notices))
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


def _workflow_id(extra_data: object) -> str | None:
    """The id of the workflow that a prompt was made from, as the browser gave it."""
    more = extra_data.get("extra_pnginfo") if isinstance(extra_data, Mapping) else None
    workflow = more.get("workflow") if isinstance(more, Mapping) else None
    found = workflow.get("id") if isinstance(workflow, Mapping) else None
    return found if isinstance(found, str) else None


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
