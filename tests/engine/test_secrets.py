"""A key goes to its provider's own API and nowhere else: into no ledger, log, error or file, and to no other host."""

from __future__ import annotations

import io
import itertools
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from counts import count
from remote_video_pack.nodes.routes import CHANGES, READS, add_routes
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped
from remote_video_pack.remote_video.providers import PROVIDERS as RECORDS
from remote_video_pack.remote_video.providers.client import SANDBOX_KEY
from remote_video_pack.remote_video.settings import Settings

from ..faults import Answer, Call, Fault, FaultBoard, Sandbox
from .one_job import PROVIDERS, QUICK, RecordingAsker, Setup

SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
CANARY = "sk-canary/5f0c2b9e77+q=Zz"
SOURCES = [(known.id, source) for known in RECORDS.values() for source in ("saved", *known.key_variables)]
ENDINGS = {
    "runcomfy": {
        "runcomfy/submit": (
            "error-400001",
            "error-400002",
            "error-400004-as-401",
            "error-403001",
            "error-422",
            "error-moderation",
            "error-429",
            "error-500:lost",
            "reset-before-body",
            "reset-before-answer:accepted",
            "hang-up:lost",
            "not-http:lost",
            "html-200:lost",
            "redirect-301",
            "refuse",
        ),
        "runcomfy/status": ("error-400004-as-401", "vanished", "error-404001"),
        "runcomfy/result": ("completed-but-failed", "completed-but-flagged", "completed-but-cancelled"),
        "media": (
            "redirect-other-host",
            "redirect-private",
            "redirect-http",
            "not-a-video",
            "redirect-loop",
            "media-403",
        ),
    },
    "cometapi": {
        "comet/create": (
            "error-401",
            "error-402",
            "error-403",
            "error-invalid_request",
            "error-model_not_found-as-503",
            "error-moderation",
            "error-429",
            "reset-before-body",
            "hang-up:accepted",
            "error-in-2xx",
        ),
        "comet/retrieve": ("error-401", "failed", "failed-by-moderation", "vanished"),
        "comet/content": ("redirect-other-host",),
    },
}


SLOW = ("stall", "drip", "endless", "json-huge", "length-terabyte")
"""Faults that add minutes and no words."""


def endings() -> Iterator[tuple[str, str, str]]:
    """Provider, route and fault: one of each kind of ending; under `make soak` the whole menu."""
    for provider, routes in ENDINGS.items():
        for route, faults in routes.items():
            menu = [fault.name for fault in FaultBoard.menu(route) if not fault.name.startswith(SLOW)]
            yield from ((provider, route, fault) for fault in (menu if SOAK else faults))


class Witness:
    """Everything a run leaves behind that somebody could read, searched for the key."""

    def __init__(self, setup: Setup, secret: str = CANARY) -> None:
        self._setup = setup
        self._secret = secret
        self.text = io.StringIO()
        self._log = logging.StreamHandler(self.text)
        self._log.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def __enter__(self) -> Witness:
        self._root_level = logging.getLogger().level
        logging.getLogger().addHandler(self._log)
        logging.getLogger().setLevel(logging.DEBUG)
        for name in ("urllib3", "requests", "remote_video", "asyncio", "sqlalchemy.engine"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._log)
        logging.getLogger().setLevel(self._root_level)
        for name in ("urllib3", "requests", "remote_video", "asyncio", "sqlalchemy.engine"):
            logging.getLogger(name).setLevel(logging.NOTSET)

    def run(self, **job: Any) -> BaseException | None:
        """One press on Run; what it raised."""
        asker = RecordingAsker()
        error: BaseException | None = None
        try:
            self._setup.run_now(asker, **job)
        except (RemoteVideoError, Stopped) as raised:
            error = raised
            self.text.write("".join(traceback.format_exception(raised)))
            self.text.write("\n".join(all_about(raised)))
        self.text.write("\n".join(asker.lines))
        self.text.write("\n".join(map(repr, self._setup.host.published)))
        return error

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        """Ledger, journal, clips, sidecars: all but the account file and the sandbox's own."""
        for file in self._setup.folder.rglob("*"):
            if file.is_file() and file.name != "accounts.json" and self._setup.folder / "sandbox" not in file.parents:
                with suppress(FileNotFoundError):  # SQLite has just taken a journal away
                    yield file, file.read_bytes()

    def check(self) -> None:
        told, known = self.text.getvalue().lower(), self._secret.lower()
        for secret in (known, known.replace("/", "\\/"), known.replace("/", "%2f")):
            assert secret not in told, told[max(0, told.index(secret) - 400) :][:800]
            for name, content in self._files():
                assert secret.encode() not in content.lower(), name
        for logged in self._setup.sandbox.requests:
            assert known not in logged.path.lower()
            if logged.route == "media":
                assert known not in repr(dict(logged.headers)).lower()
                assert "authorization" not in logged.headers


def all_about(error: BaseException) -> Iterator[str]:
    """What an exception, its causes and contexts, and all they hold would show to somebody who prints it."""
    seen: set[int] = set()

    def look(thing: Any, depth: int) -> Iterator[str]:
        if id(thing) in seen or depth > 6:
            return
        seen.add(id(thing))
        yield repr(thing)[:20_000]
        inside: list[Any] = []
        if isinstance(thing, BaseException):
            yield str(thing)
            inside += [thing.__cause__, thing.__context__, *thing.args]
        if isinstance(thing, dict):
            inside += [*thing.keys(), *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset)):
            inside += list(thing)
        elif hasattr(thing, "__dict__") and not isinstance(thing, type):
            inside += list(vars(thing).values())
        for part in inside:
            if part is not None and not callable(part):
                yield from look(part, depth + 1)

    yield from look(error, 0)


@pytest.fixture
def setup(tmp_path: Path, small_mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setup]:
    """As elsewhere, with the canary as key."""
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", CANARY)
    monkeypatch.setenv("COMETAPI_KEY", CANARY)
    with Sandbox(tmp_path / "sandbox", pace=QUICK, prebuilt=small_mp4) as sandbox:
        setup = Setup(sandbox, tmp_path)
        quick = {"submission": 1.0, "request": 1.0, "read": 0.5, "connect": 1.0}
        yield replace(setup, timeouts=replace(setup.timeouts, **quick), more={"timeout_s": 3.0})
        sandbox.faults.clear()
        setup.close()


@pytest.mark.parametrize("provider, source", SOURCES)
def test_a_key_from_any_source_is_left_nowhere_and_a_saved_one_never_goes_to_loopback(
    setup, monkeypatch, provider, source
):
    monkeypatch.delenv("RUNCOMFY_API_TOKEN")
    monkeypatch.delenv("COMETAPI_KEY")
    if source == "saved":
        Accounts(setup.home).save(provider, CANARY)
    else:
        monkeypatch.setenv(source, CANARY)
    setup = replace(setup, provider=provider)
    with Witness(setup) as witness:
        assert witness.run() is None
    witness.check()
    api = [logged for logged in setup.sandbox.requests if logged.route != "media"]
    shown = SANDBOX_KEY if source == "saved" else CANARY
    assert all(logged.headers["authorization"] == f"Bearer {shown}" for logged in api)
    count("account sources with a canary key, found nowhere")


@pytest.mark.parametrize("provider, route, fault", list(endings()))
def test_a_key_is_in_no_error_log_or_file_however_a_run_ends(setup, provider, route, fault):
    setup = replace(setup, provider=provider)
    if route == "comet/content":
        setup.sandbox.faults.set("comet/retrieve", "variant-no-video-url")
    setup.sandbox.faults.set(route, fault)
    with Witness(setup) as witness:
        error = witness.run()
        witness.run()
    assert SOAK or error is not None
    witness.check()
    count("endings with a canary key, found nowhere")


def _repeats_the_key(status: int, shape: str) -> Fault:
    """What a careless gateway does: it quotes the key it was sent."""

    def alter(answer: Answer, call: Call) -> Answer:
        key = call.request.headers.get("authorization", "")
        if shape == "header":
            return Answer(status, b"", {"Location": f"http://127.0.0.1:9/login?key={key.partition(' ')[2]}"})
        if shape == "page":
            return Answer(status, f"<h1>Bad token {key}</h1>".encode(), {"Content-Type": "text/html"})
        bodies = {
            "message": {"message": f"Invalid token {key}", "error_code": 400004},
            "error": {"error": {"message": f"Incorrect key provided: {key}", "type": "comet_api_error", "code": ""}},
            "detail": {"detail": [{"loc": ["header", key], "msg": "no good"}]},
            "id": {"request_id": key, "id": key, "status": "in_queue"},
        }
        return Answer.of(bodies[shape], status)

    routes = ("runcomfy/submit", "runcomfy/status", "runcomfy/result", "comet/create", "comet/retrieve")
    return Fault(f"repeats-the-key-{shape}-{status}", "The key is in the answer.", routes, False, alter=alter)


REPEATED = [
    *((status, shape) for shape in ("message", "error", "detail") for status in (200, 401, 500)),
    (500, "page"),
    (302, "header"),
    (200, "id"),
]


@pytest.mark.parametrize("status, shape", REPEATED)
@pytest.mark.parametrize("route", ["runcomfy/submit", "runcomfy/status", "comet/create", "comet/retrieve"])
def test_a_key_the_provider_repeats_goes_no_further(setup, route, status, shape):
    setup = replace(setup, provider="runcomfy" if route.startswith("runcomfy") else "cometapi", more={"timeout_s": 0.4})
    setup.sandbox.faults.set(route, _repeats_the_key(status, shape))
    with Witness(setup) as witness:
        witness.run()
    witness.check()
    count("answers that repeat the key, found nowhere")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_panels_routes_never_tell_a_key(setup, provider):
    setup = replace(setup, provider=provider)
    route = {"runcomfy": "runcomfy/status", "cometapi": "comet/retrieve"}[provider]
    setup.sandbox.faults.set(route, _repeats_the_key(401, "message"))
    with pytest.raises(RemoteVideoError):
        await setup.run()
    table = web.RouteTableDef()
    add_routes(table, lambda: Settings.from_environment(setup.home))
    app = web.Application()
    app.add_routes(table)
    bodies = ({}, {"provider": provider, "key": CANARY}, {"provider": provider}, {"key": CANARY}, {"key": 1})
    async with TestClient(TestServer(app)) as client:
        told = [await (await client.get(path)).text() for path in READS]
        for path, body in itertools.product(CHANGES, bodies):
            told.append(await (await client.post(path, json=body)).text())
        told.append(await (await client.post("/remote_video/accounts/save", data=CANARY)).text())
    assert CANARY not in "".join(told)
