"""What stands on each node: told to the page that asked as it changes, and to any page that comes later."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from server import PromptServer

from ..remote_video.engine.host import JobEvent
from ..remote_video.errors import RemoteVideoError
from ..remote_video.settings import Settings

NODE_EVENT = "remote_video.node"
"""The websocket event that tells a page how the clip of one of its nodes stands."""
MOST = 300
"""Nodes and items of lists that are remembered, the latest."""

Place = tuple[str, str]
"""A node: the id of its workflow, or of its prompt where that has none, and its own."""

_shown: dict[Place, dict[int, dict[str, Any]]] = {}
"""By node, the last prompt's items of a list; who changed last stands last."""
_lock = threading.Lock()


def facts_of(event: JobEvent) -> dict[str, Any]:
    """An event as JSON values: what all pages and the page that asked are told alike."""
    return {
        "key": event.key,
        "text": event.text,
        "words": event.words or event.text,
        "state": event.state.value if event.state else None,
        "request_id": event.request_id,
        "progress": event.progress,
        "model": event.model_name,
        "place": event.place,
        "since": event.since,
        "elapsed_s": _elapsed(event.since),
        "usually_s": event.usually_s,
        "sandbox": event.sandbox,
        "estimate_usd": event.estimate_usd,
        "cost_usd": event.cost_usd,
        "file": event.file,
        "error": error_facts(event.error) if event.error else None,
        "is_over": event.is_over,
    }


def error_facts(error: RemoteVideoError) -> dict[str, Any]:
    """An error's parts, each as its message has it, and the buttons that take the next step."""
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "billed": error.billed.sentence,
        "next_step": error.next_step,
        "request_id": error.request_id,
        "code": error.code,
        "cost_usd": error.cost_usd,
        "actions": [action.value for action in error.actions],
        "successors": list(error.successors),
    }


def show(page: str | None, status: dict[str, Any]) -> None:
    """Remember how a node stands, unless a later prompt has it by now, and tell its page."""
    place = (status["workflow_id"] or status["prompt_id"], status["node_id"])
    with _lock:
        items = _shown.pop(place, {})
        known = next(iter(items.values()), status)
        if known["prompt_id"] != status["prompt_id"]:
            if known["asked_at"] > status["asked_at"]:
                _shown[place] = items
                return
            items = {}
        items[status["item"]] = status
        _shown[place] = items
        _forget_some()
    if page is not None:
        PromptServer.instance.send_sync(NODE_EVENT, status, page)


def _forget_some() -> None:
    while sum(map(len, _shown.values())) > MOST and len(_shown) > 1:
        ended = (place for place, items in _shown.items() if all(one["is_over"] for one in items.values()))
        del _shown[next(ended, next(iter(_shown)))]


def nodes_view(settings: Settings, _body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """{nodes: what stands on each, as events have it, sandbox: bool}, for a page that comes later."""
    with _lock:
        told = [dict(status) for items in _shown.values() for status in items.values()]
    return {
        "nodes": [{**status, "elapsed_s": _elapsed(status["since"])} for status in told],
        "sandbox": settings.sandbox,
    }


def _elapsed(since: float | None) -> float | None:
    """A page's clock may differ from this machine's."""
    return None if since is None else round(max(0.0, time.time() - since), 1)
