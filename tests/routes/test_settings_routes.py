"""Promises of the routes behind the dialog: keys are tried, a session's key is in no file, settings hold at once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import folder_paths
import pytest
from comfy.cli_args import args
from remote_video_pack.nodes import comfy_host
from remote_video_pack.nodes.routes import READS
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.catalogue.store import file_of
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.saved_settings import SavedSettings
from remote_video_pack.remote_video.settings import Settings
from server import PromptServer

from ..providers.scripted import ScriptedProvider
from .far_provider import FarProvider

CANARY = "rv-canary-5f0c2b9e77"


@pytest.fixture
def pages() -> list[tuple[str, object]]:
    """What every open page was told."""
    PromptServer.instance.sent.clear()
    return PromptServer.instance.sent


async def saved(client, **body: object) -> dict[str, object]:
    answer = await client.post("/remote_video/accounts/save", json={"provider": "runcomfy", "key": CANARY, **body})
    text = await answer.text()
    assert CANARY not in text
    return json.loads(text)


@pytest.fixture
def far_provider(tmp_path_factory, monkeypatch):
    """RunComfy at its own addresses: a TLS proxy leads to what a test has it answer."""
    with FarProvider(tmp_path_factory.mktemp("far")) as far:
        for name, value in far.environment.items():
            monkeypatch.setenv(name, value)
        yield far


async def test_a_key_that_its_provider_refuses_is_not_kept_unless_one_insists(client, home, pages, far_provider):
    told = await saved(client, key="bad-key")
    assert (told["kept"], told["trial"]["verdict"]) == (False, "refused")
    assert told["trial"]["words"]
    assert (Accounts(home, {}).find("runcomfy"), pages) == (None, [])
    told = await saved(client, key="bad-key", insist=True)
    assert (told["kept"], told["trial"], told["accounts"][0]["source"]) == (True, None, "saved")
    assert pages == [("remote_video.accounts", {}, None)]


async def test_a_key_that_is_accepted_is_kept_and_the_balance_told(client, home, far_provider):
    told = await saved(client)
    assert (told["kept"], told["trial"]["verdict"], told["trial"]["balance_usd"]) == (True, "accepted", 100)
    checked = await (await client.post("/remote_video/accounts/check", json={"provider": "runcomfy"})).json()
    assert checked == {"trial": told["trial"]}
    asked = {request.path.partition("?")[0] for request in far_provider.sandbox.requests}
    assert {path.rpartition("/")[2] for path in asked} == {"balance", "models"}


async def test_a_saved_key_is_checked_at_its_provider_though_the_sandbox_is_on(client, home, far_provider, monkeypatch):
    Accounts(home, {}).save("runcomfy", CANARY)
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    checked = await (await client.post("/remote_video/accounts/check", json={"provider": "runcomfy"})).json()
    assert (checked["trial"]["verdict"], bool(far_provider.sandbox.requests)) == ("accepted", True)


async def test_with_a_key_the_catalogue_is_asked_for_and_every_page_told(client, home, pages, far_provider):
    path = file_of(home, Settings.from_environment(home).endpoint("runcomfy"))
    assert not path.exists()
    await saved(client)
    for _ in range(1000):
        if path.exists() and pages[-1:] == [("remote_video.offered", {}, None)]:
            break
        await asyncio.sleep(0.02)
    assert (pages[-1], path.exists()) == (("remote_video.offered", {}, None), True)


async def test_a_key_that_nobody_answers_for_is_kept_and_that_is_said(client, home, far_provider):
    far_provider.sandbox.faults.set("runcomfy/balance", "html-200")
    told = await saved(client)
    assert (told["kept"], told["trial"]["verdict"]) == (True, "unanswered")
    assert Accounts(home, {}).require("runcomfy").key == CANARY


async def test_a_stand_in_on_this_machine_is_never_shown_a_key_to_try(client, home, monkeypatch):
    with ScriptedProvider([]) as provider:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", provider.origin)
        told = await saved(client)
        assert (told["kept"], told["trial"]["verdict"]) == (True, "unanswered")
        assert "RUNCOMFY_API_BASE_URL" in told["trial"]["words"]
        assert provider.requests == []


async def test_a_key_for_this_session_is_in_no_file(client, home, tmp_path):
    told = await saved(client, session=True, insist=True)
    assert told["accounts"][0]["source"] == "session"
    await client.post("/remote_video/sandbox", json={"on": True})
    await client.post("/remote_video/budget/save", json={"day_usd": "5"})
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"settings.json", "budget.json"}
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []
    answer = await client.post("/remote_video/accounts/forget", json={"provider": "runcomfy"})
    assert (await answer.json())["accounts"][0]["set"] is False


async def test_whose_machine_it_is_and_who_shares_it_is_told(client, monkeypatch):
    told = await (await client.get("/remote_video/accounts")).json()
    assert (told["hoster"], told["multi_user"]) == (None, False)
    monkeypatch.setenv("RUNCOMFY_API_TOKEN_FILE", "/run/token")
    monkeypatch.setattr(args, "multi_user", True, raising=False)
    told = await (await client.get("/remote_video/accounts")).json()
    assert told["hoster"] == {"name": "RunComfy", "variable": "RUNCOMFY_API_TOKEN_FILE"}
    assert told["multi_user"] is True


async def test_the_sandbox_is_switched_at_once_for_every_page_and_after_a_restart(client, home, pages):
    for on in (True, False):
        answer = await client.post("/remote_video/sandbox", json={"on": on})
        assert (answer.status, await answer.json()) == (200, {"sandbox": on})
        assert (await (await client.get("/remote_video/jobs")).json())["sandbox"] is on
        assert Settings.from_environment(home).sandbox is on
    assert pages == [("remote_video.sandbox", {"on": on}, None) for on in (True, False)]
    for body in ({}, {"on": "yes"}, {"on": 1}):
        assert (await client.post("/remote_video/sandbox", json=body)).status == 400


async def test_what_the_environment_sets_is_named_and_not_changed(client, monkeypatch, pages):
    monkeypatch.setenv("REMOTE_VIDEO_SANDBOX", "1")
    monkeypatch.setenv("REMOTE_VIDEO_COLLECT", "0")
    told = await (await client.get("/remote_video/settings")).json()
    assert (told["sandbox"], told["sandbox_variable"]) == (True, "REMOTE_VIDEO_SANDBOX")
    assert (told["collect"], told["collect_variable"], told["uploads_variable"]) == (
        False,
        "REMOTE_VIDEO_COLLECT",
        None,
    )
    for path, body in (("sandbox", {"on": False}), ("settings/save", {"collect": True})):
        answer = await client.post(f"/remote_video/{path}", json=body)
        assert answer.status == 400
        assert "REMOTE_VIDEO_" in (await answer.json())["error"]
    assert pages == []


async def test_settings_are_saved_and_places_told(client, home, tmp_path):
    chosen = {"collect": False, "uploads": "public-origin", "public_origin": "https://pod-1.hoster.net/comfy"}
    told = await (await client.post("/remote_video/settings/save", json=chosen)).json()
    assert {name: told[name] for name in chosen} == chosen
    assert (await (await client.get("/remote_video/settings")).json()) == told
    assert (told["home"], told["ledger"]) == (str(home), str(home / "ledger.sqlite3"))
    assert told["clips"] == str(tmp_path / "comfy" / "output")


@pytest.mark.parametrize(
    "address", ["http://pod-1.hoster.net", "https://127.0.0.1:8188", "https://10.0.0.1", "https://u:p@x.net", "me", 5]
)
async def test_an_address_that_no_provider_can_fetch_from_is_refused(client, home, address):
    answer = await client.post("/remote_video/settings/save", json={"public_origin": address})
    assert answer.status == 400
    assert not (home / "settings.json").exists()


async def test_a_broken_settings_file_is_told_by_its_name(client, home):
    home.mkdir(mode=0o700)
    (home / "settings.json").write_bytes(b"{")
    for path in READS:
        answer = await client.get(path)
        assert answer.status == 400
        assert str(home / "settings.json") in (await answer.json())["error"]


async def test_an_engine_keeps_its_settings_while_their_file_is_broken(home, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(folder_paths, "BASE", tmp_path)
    SavedSettings(home).change(collect=False)
    settings = comfy_host.LastGood(comfy_host.settings())
    (home / "settings.json").write_bytes(b"{")
    assert [settings().collect for _ in range(3)] == [False] * 3
    assert caplog.text.count("settings.json") == 1
    (home / "settings.json").unlink()
    assert settings().collect is True


async def test_the_settings_name_providers_as_their_records_do(client, monkeypatch):
    """A third provider's name needs no change of the page."""
    takes_addresses = replace(PROVIDERS["runcomfy"], id="acme", name="Acme", unpromised=())
    monkeypatch.setitem(PROVIDERS, "acme", takes_addresses)
    now = await (await client.get("/remote_video/settings")).json()
    assert now["shown_to"] == ["RunComfy", "Acme"]
    assert (now["in_request"], now["unpromised_by"]) == (["CometAPI"], ["RunComfy"])
