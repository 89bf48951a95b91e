"""Trying a key for nothing: what each answer says of it, over real sockets against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.providers.trial import Trial, Verdict
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .conftest import HASTE
from .scripted import ScriptedProvider, says

CANARY = "rv-canary-5f0c2b9e77"
ROUTES = {"runcomfy": "runcomfy/balance", "cometapi": "comet/models"}
each = pytest.mark.parametrize("provider_id", PROVIDERS)
each_stand_in = pytest.mark.parametrize("provider_id", ROUTES)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), pace=Pace(0, 0), prebuilt=b"clip") as running:
        yield running


def tried(sandbox: Sandbox, provider_id: str, key: str = CANARY) -> Trial:
    base = sandbox.base_urls[provider_id]
    return PROVIDERS[provider_id].client(base, key, endpoint=base, timeouts=HASTE).try_key()


@each_stand_in
def test_an_accepted_key_tells_what_there_is(sandbox, provider_id):
    trial = tried(sandbox, provider_id)
    assert (trial.verdict, trial.words) == (Verdict.ACCEPTED, "")
    assert trial.balance_usd == (100 if provider_id == "runcomfy" else None)
    assert trial.models is not None
    assert trial.models > 3


@each_stand_in
def test_a_key_that_is_refused_is_said_to_be_in_the_providers_words(sandbox, provider_id):
    trial = tried(sandbox, provider_id, "bad-key")
    assert trial.verdict is Verdict.REFUSED
    assert trial.words
    assert (trial.balance_usd, trial.models) == (None, None)


@each_stand_in
@pytest.mark.parametrize("fault", ["hang-up", "stall", "html-200", "json-null", "error-429"])
def test_no_usable_answer_says_nothing_of_the_key(sandbox, provider_id, fault):
    sandbox.faults.set(ROUTES[provider_id], fault)
    try:
        trial = tried(sandbox, provider_id)
    finally:
        sandbox.faults.clear()
    assert trial.verdict is Verdict.UNANSWERED
    assert trial.words
    assert CANARY not in trial.words


ANSWERS = [
    (401, {"message": f"no such token {CANARY}"}, Verdict.REFUSED),
    (403, {"error_code": 403001, "error_message": "no permission"}, Verdict.REFUSED),
    (400, {"error_code": 400004, "error_message": "revoked"}, Verdict.REFUSED),
    (200, {"error_code": 400004, "error_message": "revoked"}, Verdict.REFUSED),
    (200, {"error": {"code": "invalid_api_key", "message": "no"}}, Verdict.REFUSED),
    (404, {"message": "no such page"}, Verdict.UNANSWERED),
    (429, {"message": "slow down"}, Verdict.UNANSWERED),
    (302, {}, Verdict.UNANSWERED),
    (200, {"error_code": 500, "error_message": "we are sorry"}, Verdict.UNANSWERED),
]


@each
@pytest.mark.parametrize(("status", "body", "verdict"), ANSWERS, ids=str)
def test_what_an_answer_says_of_the_key(provider_id, status, body, verdict):
    with ScriptedProvider([says(body, status=status)] * 3) as provider:
        client = PROVIDERS[provider_id].client(provider.origin, CANARY, endpoint=provider.origin, timeouts=HASTE)
        trial = client.try_key()
    assert trial.verdict is verdict
    assert CANARY not in trial.words


def test_nothing_is_submitted_by_it(sandbox):
    for provider_id in ROUTES:
        tried(sandbox, provider_id)
    assert sandbox.accepted_posts == 0
    assert all(request.method == "GET" for request in list(sandbox.requests))


def test_what_has_to_be_set_on_this_machine_is_said(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "ftp://proxy.example")
    far = "http://provider.invalid"
    trial = PROVIDERS["runcomfy"].client(far, CANARY, endpoint=far, timeouts=HASTE).try_key()
    assert trial.verdict is Verdict.UNANSWERED
    assert "HTTP_PROXY" in trial.words and "restart ComfyUI" in trial.words
