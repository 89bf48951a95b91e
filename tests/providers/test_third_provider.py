"""A third provider is one record and one client: its clip is made, by its own key, and its errors carry its name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.engine.engine import Engine
from remote_video_pack.remote_video.engine.order import place_order
from remote_video_pack.remote_video.engine.watch import StoredClip
from remote_video_pack.remote_video.errors import AccountError, RemoteVideoError, SettingsError
from remote_video_pack.remote_video.models import Request
from remote_video_pack.remote_video.models.fields import Text, seed_field
from remote_video_pack.remote_video.models.spec import ModelSpec
from remote_video_pack.remote_video.providers import PROVIDERS, Provider
from remote_video_pack.remote_video.providers.classify import classify_no_status, classify_submission
from remote_video_pack.remote_video.providers.client import Submission, connect
from remote_video_pack.remote_video.providers.http import Api
from remote_video_pack.remote_video.providers.status import (
    STATES,
    CancelOutcome,
    JobState,
    JobStatus,
    MediaSource,
)
from remote_video_pack.remote_video.providers.trial import Trial, ask_with_key
from remote_video_pack.remote_video.settings import Settings
from remote_video_pack.remote_video.timeouts import Timeouts
from remote_video_pack.remote_video.uploads import Upload

from ..engine.one_job import HURRY, Prompts, RecordingAsker, small_clip
from .scripted import Exchange, ScriptedProvider, reply, says

KEY = "key-of-acme"
OURS = ("RUNCOMFY_API_TOKEN", "COMETAPI_KEY")


class Acme:
    """All the wire that a provider needs."""

    name = "Acme"
    reports_cost = False

    def __init__(self, base_url: str, key: str, *, endpoint: str, timeouts: Timeouts) -> None:
        self.endpoint = endpoint
        self._base_url = base_url
        self._api = Api(self.name, base_url, key, timeouts)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        return Submission("/jobs", [json.dumps(request.body).encode()], "application/json", request.model_id)

    def submit(self, submission: Submission) -> str:
        return classify_submission(
            self._api.submit(submission),
            provider=self.name,
            model=submission.model,
            request_id_in=lambda body: body.get("job") if isinstance(body, Mapping) else None,
            says_no=lambda body: False,
            instead="Choose another model.",
            size=submission.size,
        ).accepted()

    def status(self, request_id: str) -> JobStatus:
        response = self._api.get("/jobs/" + quote(request_id, safe=""))
        body = response.json()
        word = body.get("state") if isinstance(body, Mapping) else None
        if response.status >= 300 or not isinstance(word, str):
            return classify_no_status(response, provider=self.name, request_id=request_id)
        state = STATES.get(word, JobState.RUNNING)
        return JobStatus(state, word, sources=(MediaSource(self._base_url + "/clip.mp4"),))

    def cancel(self, request_id: str) -> CancelOutcome:
        return CancelOutcome.NOT_OFFERED

    def balance_usd(self) -> float | None:
        return None

    def try_key(self) -> Trial:
        return ask_with_key(self._api, "/me")[0]

    def auth_headers(self, url: str) -> dict[str, str]:
        return {}

    def offered(self, request: Request) -> Mapping[str, Any]:
        return {}


class AcmeWords(ModelSpec):
    node_id = "AcmeWords"
    name = "Acme Words"
    provider = "acme"
    model_id = "acme/words"
    fields = (Text("prompt", "words", "What happens.", required=True), seed_field(None))


RECORD = Provider(
    id="acme",
    name="Acme",
    key_variables=("ACME_KEY",),
    base_url="https://api.acme.example",
    base_url_variable="ACME_BASE_URL",
    key_page="https://acme.example/keys",
    key_hint="Keys",
    transports=(),
    client=Acme,
)


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch, server: ScriptedProvider) -> Iterator[ScriptedProvider]:
    """Its API, with its record beside the others'."""
    monkeypatch.setitem(PROVIDERS, "acme", RECORD)
    monkeypatch.setenv("ACME_BASE_URL", server.origin)
    monkeypatch.setenv("ACME_KEY", KEY)
    for name in OURS:
        monkeypatch.setenv(name, f"never to be sent: {name}")
    yield server


async def made(folder: Path) -> StoredClip:
    settings = replace(Settings.from_environment(folder / "home"), timeouts=HURRY, collect=False)
    order = place_order(
        AcmeWords().request({"prompt": "a sea"}),
        settings,
        output_folder=folder / "output",
        filename_prefix="video/acme",
        temp_folder=folder / "temp",
    )
    engine, asker = Engine(lambda: settings, Prompts(folder / "output")), RecordingAsker()
    engine.host.askers[asker.prompt_id] = asker
    try:
        return await engine.watch(order, asker).clip()
    finally:
        engine.close()


def answers(clip: bytes):
    """A script that takes a job, says that it is done, and gives the clip."""

    def script(exchange: Exchange) -> bool | None:
        seen = exchange.seen
        if seen.method == "POST":
            return says({"job": "acme-1"})(exchange)
        if seen.path == "/clip.mp4":
            return reply(200, clip, {"Content-Type": "video/mp4"})(exchange)
        return says({"state": "done"})(exchange)

    return script


async def test_its_clip_is_made_and_paid_once_with_its_own_key(acme, tmp_path):
    clip = small_clip(tmp_path)
    acme.will(answers(clip))
    first = await made(tmp_path)
    assert (first.path.read_bytes(), first.request_id) == (clip, "acme-1")
    assert first.path.is_relative_to(tmp_path / "output" / "video")
    assert (await made(tmp_path)).path == first.path
    posts = [seen for seen in acme.requests if seen.method == "POST"]
    assert [seen.path for seen in posts] == ["/jobs"]
    asked = [seen.headers.get("authorization") for seen in acme.requests if seen.path.startswith("/jobs")]
    assert set(asked) == {f"Bearer {KEY}"}
    assert [seen.headers.get("authorization") for seen in acme.requests if seen.path == "/clip.mp4"] == [None]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says({"error": {"message": "no such key"}}, 401), AccountError),
        (says({"error": {"message": "nothing here for you"}}, 400), RemoteVideoError),
    ],
)
async def test_its_errors_carry_its_name_and_its_words(acme, tmp_path, answer, kind):
    acme.will(answer)
    with pytest.raises(kind) as caught:
        await made(tmp_path)
    assert "Acme" in str(caught.value)
    assert not any(other in str(caught.value) for other in ("RunComfy", "CometAPI", "RUNCOMFY", "COMETAPI"))


def test_its_key_is_asked_for_by_its_own_variable(acme, tmp_path, monkeypatch):
    assert Accounts(tmp_path).require("acme").key == KEY
    monkeypatch.delenv("ACME_KEY")
    with pytest.raises(AccountError) as caught:
        Accounts(tmp_path).require("acme")
    assert "ACME_KEY" in str(caught.value) and "Acme" in str(caught.value)


def test_the_sandbox_says_that_it_stands_in_for_others_only(acme, tmp_path, monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    with pytest.raises(SettingsError, match="no stand-in for Acme"):
        connect("acme", Settings.from_environment(tmp_path))
    assert acme.requests == []
