"""ComfyUI's services behind one small face: folders, prompts and how they end, Stop, and the engine of this process."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import comfy.model_management
import folder_paths
from comfy.cli_args import args
from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..remote_video.catalogue.catalogue import Catalogue, snapshot
from ..remote_video.catalogue.store import known
from ..remote_video.errors import RemoteVideoError
from ..remote_video.operating_system import signals
from ..remote_video.settings import Settings

if TYPE_CHECKING:
    from ..remote_video.engine.engine import Engine
    from ..remote_video.engine.host import JobEvent, PromptEnd

LOG = logging.getLogger("remote_video")
RUNCOMFY = "runcomfy"
JOB_EVENT = "remote_video.job"
"""The websocket event that tells the browser how a job stands."""
OFFERED_EVENT = "remote_video.offered"
"""The websocket event that tells every page that the catalogue was read anew."""
ENDING_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Each ends a process without its exit handlers; SIGBREAK is also what closing a console window sends on Windows."""
Prompt = Mapping[str, Any]
Item = tuple[Any, ...]

_engine: Engine | None = None
_engine_lock = threading.Lock()


def output_folder() -> Path:
    """Where saved files go."""
    return Path(folder_paths.get_output_directory())


def temp_folder() -> Path:
    """Emptied by ComfyUI at every start."""
    return Path(folder_paths.get_temp_directory())


def settings() -> Settings:
    """The settings as they are now. The pack's own folder is one that isn't served over HTTP."""
    found = Settings.from_environment(Path(folder_paths.get_system_user_directory("remote_video")))
    return replace(found, follow_links=saves_through_links())


def catalogue() -> Catalogue:
    """What RunComfy offers, as far as this machine knows: the same object until something changed. Never raises."""
    try:
        there = settings()
        return known(there.home, there.endpoint(RUNCOMFY))
    except RemoteVideoError as error:
        LOG.warning("What RunComfy offers is not looked up: %s %s", error.what, error.next_step)
        return snapshot()


def saves_through_links() -> bool:
    """Whether ComfyUI's own save nodes take a folder that is a link out of the output folder: until they looked it up
    with `is_within_directory`, they did.
    """
    return not hasattr(folder_paths, "is_within_directory")


def is_multi_user() -> bool:
    """Whether ComfyUI keeps what its users set apart (--multi-user); this pack's accounts and jobs are everybody's."""
    return bool(getattr(args, "multi_user", False))


def tell_pages(event: str, data: Mapping[str, Any]) -> None:
    """Tell every open page over ComfyUI's websocket."""
    PromptServer.instance.send_sync(event, dict(data))


def keeps_metadata() -> bool:
    """False when ComfyUI was started with --disable-metadata."""
    return not args.disable_metadata


# -- prompts -----------------------------------------------------------------------------------------------------------


def running_items() -> list[Item]:
    """The prompts under way, each (number, prompt id, prompt, extra data, outputs to run, ...)."""
    running, _ = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    return list(running)


def waiting_prompts() -> Iterator[Prompt]:
    """The prompts that wait for their turn, in API format."""
    _, waiting = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    return (item[2] for item in waiting)


def running_item(prompt_id: str) -> Item | None:
    """The prompt of that id, while it is under way."""
    return next((item for item in running_items() if item[1] == prompt_id), None)


def wired_outputs() -> frozenset[int] | None:
    """The outputs of the running node that something that will run reads; None when that can't be told."""
    context = get_executing_context()
    item = running_item(context.prompt_id) if context else None
    return None if context is None or item is None else outputs_wired_in(item[2], context.node_id, item[4])


def outputs_wired_in(prompt: Prompt, node_id: str, to_run: list[str]) -> frozenset[int] | None:
    """The outputs of `node_id` that are read on the way to the nodes `to_run`; None when it isn't there."""
    if node_id not in prompt:
        return None
    wired, seen, ahead = set(), set(), [str(name) for name in to_run]
    while ahead:
        name = ahead.pop()
        if name in seen or name not in prompt:
            continue
        seen.add(name)
        for source, slot in links_of(prompt[name]).values():
            ahead.append(source)
            if source == node_id:
                wired.add(slot)
    return frozenset(wired)


def links_of(node: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """The outputs a node of a prompt reads, by the input that does: (node id, position)."""
    return {name: (str(value[0]), value[1]) for name, value in node.get("inputs", {}).items() if is_link(value)}


def is_link(value: Any) -> bool:
    """Whether an input of a prompt is a wire, and not a value."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)


# -- the engine --------------------------------------------------------------------------------------------------------


class ComfyHost:
    """ComfyUI as the engine sees it. See `remote_video.engine.host.Host`."""

    def interrupted_prompt(self) -> str | None:
        """The prompt that is running while Stop is pressed; the flag stays for other nodes to see."""
        if not comfy.model_management.processing_interrupted():
            return None
        return next((str(item[1]) for item in running_items()), None)

    def prompt_end(self, prompt_id: str) -> PromptEnd:
        """What ComfyUI's history says of a prompt, without a copy of the whole workflow."""
        from ..remote_video.engine.host import PromptEnd

        if running_item(prompt_id) is not None:
            return PromptEnd.RUNNING
        history = PromptServer.instance.prompt_queue.get_history(prompt_id, map_function=_messages)
        was_stopped = any(message[0] == "execution_interrupted" for message in history.get(prompt_id, ()))
        return PromptEnd.INTERRUPTED if was_stopped else PromptEnd.OTHERWISE

    def output_folder(self) -> Path:
        """ComfyUI's."""
        return output_folder()

    def temp_folder(self) -> Path:
        """ComfyUI's."""
        return temp_folder()

    def publish(self, event: JobEvent) -> None:
        """Tell every open page."""
        from .node_status import facts_of

        tell_pages(JOB_EVENT, facts_of(event))


def _messages(entry: Mapping[str, Any]) -> list[Any]:
    return list((entry.get("status") or {}).get("messages") or ())


class LastGood:
    """The settings for an engine: as they are now, or while their file can't be read, as they were last.

    Args:
        first: how they are at its start.
    """

    def __init__(self, first: Settings) -> None:
        self._good = first
        self._trouble = ""

    def __call__(self) -> Settings:
        try:
            self._good, self._trouble = settings(), ""
        except RemoteVideoError as error:
            if error.what != self._trouble:
                LOG.warning("Jobs under way keep the settings they had: %s %s", error.what, error.next_step)
            self._trouble = error.what
        return self._good


def the_engine() -> Engine:
    """This process's engine, made at its first use; a new one after a fork, or when the last one has ended."""
    from ..remote_video.engine.engine import Engine

    global _engine
    with _engine_lock:
        if _engine is None or _engine.has_ended:
            # An unusable setting is an error here, and never one of the engine's.
            _engine = Engine(LastGood(settings()), ComfyHost())
            atexit.register(_engine.close)
            PromptServer.instance.loop.call_soon_threadsafe(_close_on_signals, _engine)
        return _engine


def running_engine() -> Engine | None:
    """The engine, if anything has needed it so far."""
    return _engine


def collect_at_start() -> None:
    """Start the engine when there is a ledger: earlier jobs are collected and uploaded to the clip store."""

    def start() -> None:
        try:
            known = settings()
            is_there = known.ledger_url is not None or any(known.home.glob("ledger.*"))
            if is_there and (known.collect or known.clips_url):
                the_engine().start()
        except RemoteVideoError as error:
            LOG.warning("Nothing is collected: %s %s", error.what, error.next_step)

    threading.Thread(target=start, name="remote-video-start", daemon=True).start()


def ask_what_is_offered(read: Callable[[], Settings] = settings) -> None:
    """Ask for the catalogue in the background, where there is a key; `REMOTE_VIDEO_CATALOGUE=0` turns it off.

    Every open page is told when it came.
    """

    def ask() -> None:
        from ..remote_video.catalogue.refresh import refresh

        try:
            if refresh(read()):
                tell_pages(OFFERED_EVENT, {})
        except RemoteVideoError as error:  # an unusable setting, which every Run says
            LOG.warning("The catalogue is not asked for: %s %s", error.what, error.next_step)

    threading.Thread(target=ask, name="remote-video-catalogue", daemon=True).start()


def _close_on_signals(engine: Engine) -> None:
    """On the main thread, where the server's loop runs: signals that end the process first let the engine end."""
    for number in signals(*ENDING_SIGNALS):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _closing(engine, signal.getsignal(number)))


def _closing(engine: Engine, before: Any) -> Callable[[int, FrameType | None], None]:
    def close(number: int, frame: FrameType | None) -> None:
        engine.close()
        if callable(before):
            before(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    return close
