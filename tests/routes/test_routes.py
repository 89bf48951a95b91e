"""Promises of the HTTP routes, through a real server: keys go in and never out, other sites stay out, jobs are told."""

from __future__ import annotations

import json
import logging

import pytest
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.routes import CHANGES, READS
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.catalogue.store import USUAL_ENDPOINT, file_of, keep
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.providers.client import SANDBOX_KEY
from remote_video_pack.remote_video.version import version
from server import PromptServer

from ..catalogue.listing import models, paged
from ..providers.scripted import ScriptedProvider
from ..written_jobs import accepted

CANARY = "rv-canary-5f0c2b9e77"
CometVeo = NODES[5]


async def test_a_saved_key_is_used_and_never_told(client, home, caplog):
    caplog.set_level(logging.DEBUG)
    saved = await client.post("/remote_video/accounts/save", json={"provider": "runcomfy", "key": f" {CANARY}\n"})
    told = [await saved.text()]
    for path in READS:
        told.append(await (await client.get(path)).text())
    assert saved.status == 200
    assert Accounts(home, {}).require("runcomfy").key == CANARY
    assert json.loads(told[0])["accounts"][0]["source"] == "saved"
    assert CANARY not in "".join(told) + caplog.text


async def test_a_removed_key_is_gone(client, home):
    Accounts(home, {}).save("cometapi", CANARY)
    PromptServer.instance.sent.clear()
    answer = await client.post("/remote_video/accounts/forget", json={"provider": "cometapi"})
    assert [account["set"] for account in (await answer.json())["accounts"]] == [False, False]
    assert PromptServer.instance.sent == [("remote_video.accounts", {}, None)]
    assert CANARY not in (home / "accounts.json").read_text(encoding="utf-8")


async def test_the_environment_is_named_as_a_source(client, monkeypatch):
    monkeypatch.setenv("COMETAPI_KEY", CANARY)
    text = await (await client.get("/remote_video/accounts")).text()
    assert json.loads(text)["accounts"][1]["source"] == "COMETAPI_KEY"
    assert CANARY not in text


async def test_the_sandbox_is_told(client, monkeypatch):
    assert (await (await client.get("/remote_video/accounts")).json())["sandbox"] is False
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    for name in ("accounts", "jobs", "money", "models"):
        assert (await (await client.get(f"/remote_video/{name}")).json())["sandbox"] is True, name


async def test_the_version_is_told_with_the_jobs(client):
    assert (await (await client.get("/remote_video/jobs")).json())["version"] == version()


async def test_what_a_price_depends_on_is_told_by_input(client, home):
    frames = {"type": "integer", "minimum": 1, "maximum": 300, "default": 121, "description": "At 24 fps."}
    choice = {"type": "string", "enum": ["720p", "1080p"], "description": "1080p costs twice as much."}
    properties = {"prompt": {"type": "string"}, "num_frames": frames, "resolution": choice}
    schema = {"type": "object", "properties": properties}
    priced = {"model_id": "a/b/text-to-video", "categories": ["text-to-video"], "input_schema": schema}
    keep(file_of(home, USUAL_ENDPOINT), [{**priced, "base_price_usd": 0.1, "price_unit": "second"}])
    told = (await (await client.get("/remote_video/models")).json())["models"]["a/b/text-to-video"]
    assert (told["is_from"], told["dearer_by"]) == (False, ["resolution"])
    assert told["length"] == {"name": "num_frames", "per_second": 24}
    assert told["unset"] == {"prompt": "", "num_frames": None, "resolution": "model default", "seed": None}


@pytest.mark.parametrize(
    ("model", "begins"),
    [("kling/kling-9/pro/image-to-video", "kling/"), ("nobody/x/y", None), ("", None), (None, None)],
)
async def test_what_is_offered_in_place_of_a_model_that_is_gone_is_told(client, home, model, begins):
    query = {} if model is None else {"model": model}
    told = await (await client.get("/remote_video/models/instead", params=query)).json()
    assert told.keys() == {"instead"}
    assert [name.startswith(begins) for name in told["instead"]][:1] == ([True] if begins else [])


async def test_what_a_clip_of_a_node_of_one_model_costs_is_told_where_that_is_offered(client, home):
    assert (await (await client.get("/remote_video/models")).json())["nodes"] == {}
    veo = {"model_id": "google-deepmind/veo-3/image-to-video", "categories": ["image-to-video"], "input_schema": {}}
    keep(file_of(home, USUAL_ENDPOINT), [{**veo, "base_price_usd": 1.2, "price_unit": "video"}])
    told = (await (await client.get("/remote_video/models")).json())["nodes"]
    assert told.keys() == {"Veo3I2V"}
    assert (told["Veo3I2V"]["price_usd"], told["Veo3I2V"]["retired"]) == (1.2, False)


@pytest.mark.parametrize(
    ("base_url", "key", "is_free"),
    [
        ("http://127.0.0.1:8199", None, True),
        ("http://127.0.0.1:8199", SANDBOX_KEY, True),
        ("http://127.0.0.1:8199", "a-key-of-an-account", False),
        ("https://model-api.runcomfy.net", SANDBOX_KEY, False),
    ],
)
async def test_no_price_is_told_of_a_stand_in_where_nothing_is_paid(client, monkeypatch, base_url, key, is_free):
    monkeypatch.setenv("RUNCOMFY_API_BASE_URL", base_url)
    if key:
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", key)
    assert (await (await client.get("/remote_video/models")).json())["sandbox"] is is_free


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"provider": "runcomfy"},
        {"provider": "runcomfy", "key": None},
        {"provider": "runcomfy", "key": [CANARY]},
        {"provider": "../runcomfy", "key": CANARY},
        {"provider": "runcomfy", "key": f"{CANARY} {CANARY}"},
        {"provider": "runcomfy", "key": CANARY * 300},
    ],
    ids=["nothing", "no-key", "null", "list", "no-such-provider", "space-in-it", "too-long"],
)
async def test_what_cannot_be_saved_is_refused_with_a_sentence(client, home, body):
    answer = await client.post("/remote_video/accounts/save", json=body)
    text = await answer.text()
    assert answer.status == 400
    assert json.loads(text)["error"].endswith(".")
    assert CANARY not in text
    assert not (home / "accounts.json").exists()


@pytest.mark.parametrize("path", CHANGES)
async def test_changes_are_json_posts_only(client, path):
    body = json.dumps({"provider": "runcomfy", "key": CANARY})
    assert (await client.get(path, params={"provider": "runcomfy", "key": CANARY})).status == 405
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert (await client.post(path, data=body, headers={"Content-Type": content_type})).status == 415


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (CANARY.encode() + b"{", 400),
        (b"\xff", 400),
        (b"[" * 9000, 400),
        (b" " * 2_000_000, 413),
    ],
    ids=["empty", "list", "broken", "not-utf8", "deep", "large"],
)
async def test_a_body_that_is_no_small_json_object_is_refused(client, path, body, status):
    answer = await client.post(path, data=body, headers={"Content-Type": "application/json"})
    text = await answer.text()
    assert answer.status == status
    assert json.loads(text)["error"]
    assert CANARY not in text


async def test_an_unusable_ledger_or_setting_is_told_in_a_sentence(client, home, monkeypatch):
    home.mkdir()
    (home / "ledger.sqlite3").mkdir()
    answer = await client.get("/remote_video/jobs")
    assert answer.status == 500
    assert "record of paid jobs" in (await answer.json())["error"]
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "maybe")
    assert "REMOTE_VIDEO_SANDBOX" in (await (await client.get("/remote_video/accounts")).json())["error"]


async def test_a_broken_account_file_is_told_and_can_be_replaced(client, home):
    Accounts(home, {}).save("runcomfy", CANARY)
    (home / "accounts.json").write_text(f"{{{CANARY}", encoding="utf-8")
    text = await (await client.get("/remote_video/accounts")).text()
    assert "broken" in json.loads(text)["accounts"][0]["error"]
    assert CANARY not in text
    answer = await client.post("/remote_video/accounts/save", json={"provider": "runcomfy", "key": "new"})
    runcomfy = (await answer.json())["accounts"][0]
    assert (runcomfy["source"], runcomfy["error"]) == ("saved", None)


# -- money -------------------------------------------------------------------------------------------------------------


async def test_what_is_spent_and_what_may_be_is_told(client, home, monkeypatch):
    ledger = Ledger(home)
    ledger.note(accepted(ledger, "a" * 64), cost_usd=0.5)
    accepted(ledger, "b" * 64, estimate_usd=1.12)
    ledger.note(accepted(ledger, "c" * 64, base="sandbox"), cost_usd=1.8)
    monkeypatch.setenv("REMOTE_VIDEO_BUDGET_USD_DAY", "10")
    told = await (await client.get("/remote_video/money")).json()
    assert told["day"] == told["month"] | {"opens_at": told["day"]["opens_at"]}
    assert {name: told["day"][name] for name in ("spent_usd", "expected_usd", "unknown", "jobs")} == {
        "spent_usd": 0.5,
        "expected_usd": 1.12,
        "unknown": 0,
        "jobs": 2,
    }
    assert told["budget"]["day_usd"] == 10
    assert told["budget"]["day_variable"] == "REMOTE_VIDEO_BUDGET_USD_DAY"
    jobs = (await (await client.get("/remote_video/jobs")).json())["jobs"]
    figures = {job["key"][0]: (job["cost_usd"], job["estimate_usd"], job["sandbox"]) for job in jobs}
    assert figures == {"a": (0.5, None, False), "b": (None, 1.12, False), "c": (None, None, True)}


async def test_a_budget_is_saved_and_taken_away(client, home):
    PromptServer.instance.sent.clear()
    told = await (await client.post("/remote_video/budget/save", json={"day_usd": "12.5", "month_usd": None})).json()
    assert PromptServer.instance.sent == [("remote_video.accounts", {}, None)]
    assert (told["budget"]["day_usd"], told["budget"]["month_usd"]) == (12.5, None)
    assert (await (await client.get("/remote_video/money")).json())["budget"]["day_usd"] == 12.5
    refused = await client.post("/remote_video/budget/save", json={"day_usd": "-1"})
    assert refused.status == 400
    assert "12.50" in (await refused.json())["error"]
    told = await (await client.post("/remote_video/budget/save", json={})).json()
    assert told["budget"]["day_usd"] is None


async def test_what_is_offered_is_asked_for_when_the_browser_says_so(client, monkeypatch):
    listed = models(2)
    with ScriptedProvider([lambda exchange: paged(listed)(exchange)]) as provider:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", provider.origin)
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", CANARY)

        async def renewed() -> bool:
            answer = await client.post("/remote_video/models/renew", json={})
            return (await answer.json())["changed"]

        assert [await renewed(), await renewed()] == [True, False]
        listed += models(1, start=2)
        assert await renewed()
        offered = (await (await client.get("/remote_video/models")).json())["models"]
        assert set(offered) >= {model["model_id"] for model in listed}
    assert not await renewed()
