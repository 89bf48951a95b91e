"""The sandbox as a whole: both providers and the media host behind one loopback port."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from ..loopback import is_loopback_host
from .account import Account
from .answer import JSON_TYPE, Answer, Incoming
from .cometapi import CometApi
from .exchange import serving
from .faults import FaultBoard
from .job_store import Job, JobStore, Pace, write_whole
from .listener import Listener
from .listing import Listing
from .media_files import MediaFiles
from .reception import Reception
from .renders import Renders
from .request_log import LoggedRequest, RequestLog
from .routes import Route
from .runcomfy_api import RunComfyApi


class Sandbox:
    """Both providers on 127.0.0.1.

    Args:
        folder: where jobs and clips are kept; another Sandbox on the same folder knows the same jobs.
        port: 0 takes a free one.
        pace: how long new jobs wait and run, s.
        short_clips: render half a second at 320 px (fast tests).
        prebuilt: an MP4 to serve for every job; nothing is rendered then.
        catalogue: what RunComfy offers, as it would publish it, from now on in this folder; see also `listing`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        pace: Pace | None = None,
        short_clips: bool = False,
        prebuilt: bytes | None = None,
        catalogue: Iterable[Any] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.faults = FaultBoard()
        self.listing = Listing(folder)
        self.account = Account()
        if catalogue is not None:
            self.listing.set(catalogue)
        self._store = JobStore(folder)
        prebuilt_file = folder / "prebuilt.mp4" if prebuilt is not None else None
        if prebuilt is not None and prebuilt_file is not None:
            write_whole(prebuilt_file, prebuilt)
        self._renders = Renders(self._store, prebuilt_file)
        self._log = RequestLog()
        reception = Reception(self._store, self._renders, pace or Pace(), short_clips)
        media = MediaFiles(reception, self._renders)
        routes = [
            *RunComfyApi(reception, self.listing, self.account).routes(),
            *CometApi(reception, media).routes(),
            *media.routes(),
            *self._own_routes(),
        ]
        handler = serving(routes, self._log, self.faults)
        self._listener = Listener(port, handler)
        handler.listener = self._listener
        self.faults.connect(self._listener)

    def start(self) -> Sandbox:
        """Listen. Raises OSError when the port is taken."""
        self._listener.open()
        return self

    def stop(self) -> None:
        """Close every connection, end stalls, let running renders end."""
        self.faults.clear()
        self._listener.stop()
        self._renders.stop()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runcomfy_base_url(self) -> str:
        return f"{self.origin}/runcomfy"

    @property
    def cometapi_base_url(self) -> str:
        return f"{self.origin}/cometapi/v1"

    @property
    def base_urls(self) -> dict[str, str]:
        """By provider id, as the settings name them."""
        return {"runcomfy": self.runcomfy_base_url, "cometapi": self.cometapi_base_url}

    @property
    def accepted_posts(self) -> int:
        """Submissions ever accepted in this folder, by any process."""
        return self._store.accepted_posts

    @property
    def jobs(self) -> list[Job]:
        """Every accepted job, oldest first."""
        return self._store.all()

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every request this process served, oldest first."""
        return self._log.all()

    def _own_routes(self) -> list[Route]:
        return [
            Route("sandbox/state", "GET", "/sandbox/state", self._state),
            Route("sandbox/menu", "GET", "/sandbox/faults", self._menu),
            Route("sandbox/set", "POST", "/sandbox/faults", partial(_told, self._set)),
            Route("sandbox/clear", "DELETE", "/sandbox/faults", self._clear),
            Route("sandbox/listing", "POST", "/sandbox/catalogue", partial(_told, self._change_listing)),
            Route("sandbox/balance", "POST", "/sandbox/balance", partial(_told, self._set_balance)),
        ]

    def _state(self, request: Incoming) -> Answer:
        return Answer.of({"accepted_posts": self.accepted_posts, "requests": len(self.requests)})

    def _menu(self, request: Incoming) -> Answer:
        faults = [
            {"route": route, "fault": fault.name, "says": fault.says, "options": dict(fault.options)}
            for fault in self.faults.menu()
            for route in fault.routes
        ]
        active = [{"route": a.route, "fault": a.fault.name, "fired": a.fired} for a in self.faults.active()]
        return Answer.of({"menu": faults, "active": active})

    def _set(self, told: Any) -> Any:
        """Body: {"route", "fault", "on_call"?, "times"?, "options"?}."""
        counts = {"on_call": told.get("on_call"), "times": told.get("times")}
        self.faults.set(told["route"], told["fault"], **counts, **told.get("options", {}))
        return {"set": told["fault"], "route": told["route"]}

    def _clear(self, request: Incoming) -> Answer:
        refusal = _not_from_here(request)
        if refusal:
            return refusal
        self.faults.clear(request.query("route") or None)
        return Answer.of({"cleared": request.query("route") or "all"})

    def _change_listing(self, told: Any) -> Any:
        """Body, any of it: {"set": [models], "put": [models], "remove": [ids]}; {}: what is offered without a word."""
        if not told:
            self.listing.reset()
        if "set" in told:
            self.listing.set(told["set"])
        if "put" in told:
            self.listing.put(*told["put"])
        if "remove" in told:
            self.listing.remove(*told["remove"])
        return {"models": len(self.listing.all())}

    def _set_balance(self, told: Any) -> Any:
        """Body: {"balance_usd", "charges"?}."""
        self.account.set(told["balance_usd"], charges=told.get("charges", False))
        return {"balance_usd": self.account.balance_usd}


def _told(act: Callable[[Any], Any], request: Incoming) -> Answer:
    """Do what a test says in JSON; what it says wrongly is a 400."""
    refusal = _not_from_here(request)
    if refusal:
        return refusal
    try:
        return Answer.of(act(json.loads(request.body)))
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        return Answer.of({"message": str(problem)}, 400)


def _not_from_here(request: Incoming) -> Answer | None:
    """Keep web pages from switching faults: they can't send JSON to another origin, nor our own host name."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if is_loopback_host(host) and request.headers.get("content-type", "").startswith(JSON_TYPE):
        return None
    return Answer.of({"message": f"send {JSON_TYPE} to a loopback address"}, 403)


_shared: dict[Path, Sandbox] = {}
_shared_lock = threading.Lock()


def shared_sandbox(folder: Path) -> Sandbox:
    """This process's one running sandbox on a folder, started when first asked for; it ends with the process."""
    place = folder.resolve()
    with _shared_lock:
        if place not in _shared:
            _shared[place] = Sandbox(place).start()
        return _shared[place]
