"""The browser side, in a real browser against a real ComfyUI: the accounts dialog and the jobs panel."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event

from ..written_jobs import ENGINE, accepted, begun
from .ui_page import UI_READY

pytestmark = [
    pytest.mark.comfyui,
    pytest.mark.timeout(300),
    pytest.mark.skipif("COMFYUI_PATH" not in os.environ, reason="COMFYUI_PATH says where ComfyUI is; it is not set"),
]

PACK_FOLDER = Path(__file__).resolve().parents[2]
CANARY = "rv-canary-5f0c2b9e77"
MARKUP = "<img src=x onerror=\"document.title='broken into'\">"


def key_of(name: str) -> str:
    """A job key, as SHA-256 gives it."""
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture(scope="module")
def panel_home(tmp_path_factory) -> Path:
    """A home with four jobs: on its way, saved, failed, uncertain (oldest first)."""
    home = tmp_path_factory.mktemp("panel") / "home"
    ledger = Ledger(home)
    leases = {}
    for name in ("on-its-way", "saved", "failed", "uncertain"):
        put = begun if name == "uncertain" else accepted
        leases[name] = put(ledger, key_of(name), model_name=f"Model of {name}")
    ledger.record(leases["saved"], Event.SUCCEEDED, cost_usd=0.84)
    clip = home / "clip_00001_.mp4"
    clip.write_bytes(b"clip")
    ledger.record(leases["saved"], Event.STORED, path=str(clip))
    ledger.record(leases["failed"], Event.FAILED, error=f"{MARKUP} internal error")
    ledger.record(leases["uncertain"], Event.LOST, error="The connection was reset.")
    ledger.retire(ENGINE)
    return home


@pytest.fixture(scope="module")
def address(panel_home, tmp_path_factory):
    """A ComfyUI of its own, without key or sandbox."""
    base = tmp_path_factory.mktemp("comfyui")
    (base / "custom_nodes").mkdir()
    (base / "custom_nodes" / "remote-video").symlink_to(PACK_FOLDER, target_is_directory=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    main = Path(os.environ["COMFYUI_PATH"]) / "main.py"
    database = f"sqlite:///{base / 'comfyui.db'}"
    options = [
        "--cpu",
        "--disable-auto-launch",
        "--port",
        str(port),
        "--base-directory",
        base,
        "--database-url",
        database,
    ]
    address = f"http://127.0.0.1:{port}"
    with (base / "log.txt").open("w", encoding="utf-8") as log:
        environment = {**os.environ, "REMOTE_VIDEO_HOME": str(panel_home)}
        server = subprocess.Popen([python, main, *options], stdout=log, stderr=log, env=environment)
        try:
            wait_for(server, address, base / "log.txt")
            requests.post(f"{address}/api/settings/Comfy.TutorialCompleted", json=True, timeout=10)
            yield address
        finally:
            server.kill()
            server.wait()


def wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    while server.poll() is None:
        try:
            if requests.get(f"{address}/system_stats", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.5)
    pytest.fail(f"ComfyUI ended while starting:\n{log.read_text(encoding='utf-8')[-3000:]}")


@pytest.fixture
def page(browser, address):
    """The UI with the Remote Video tab open; fails the test on an exception in the page."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    exceptions: list[str] = []
    page.on("pageerror", lambda error: exceptions.append(str(error)))
    page.goto(address)
    page.wait_for_function(UI_READY, timeout=120_000)
    page.evaluate("window.app.extensionManager.command.execute('Workspace.ToggleSidebarTab.remote-video')")
    page.locator("li.job").first.wait_for()
    yield page
    page.close()
    assert exceptions == []


def account_row(page, provider: str):
    return page.locator(f"form.account[data-provider={provider}]")


def test_a_key_is_saved_and_removed_in_the_dialog_and_never_comes_back(page, panel_home):
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.text()) if "/remote_video/" in answer.url else None)
    page.get_by_role("button", name="Accounts...").click()
    page.get_by_label("RunComfy key").fill(CANARY)
    page.keyboard.press("Enter")
    row = account_row(page, "runcomfy")
    row.get_by_text("saved", exact=True).wait_for()
    assert Accounts(panel_home, {}).require("runcomfy").key == CANARY
    assert page.get_by_label("RunComfy key").input_value() == ""
    assert CANARY not in page.content()

    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove the key").click()
    row.get_by_text("not set").wait_for()
    assert Accounts(panel_home, {}).find("runcomfy") is None
    assert answers
    assert CANARY not in "".join(answers)


def test_a_bad_key_is_refused_in_the_dialog_with_the_reason(page):
    page.get_by_role("button", name="Accounts...").click()
    page.get_by_label("CometAPI key").fill("two words")
    account_row(page, "cometapi").get_by_role("button", name="Save").click()
    account_row(page, "cometapi").get_by_text("contains a space").wait_for()


def test_the_dialog_opens_by_command_and_escape_closes_it_wherever_the_focus_is(page):
    for focus in ("input", "body"):
        page.evaluate("window.app.extensionManager.command.execute('RemoteVideo.Accounts')")
        page.get_by_label("RunComfy key").wait_for()
        if focus == "body":
            page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Escape")
        page.locator("dialog.remote-video-modal").wait_for(state="detached")


def test_the_panel_lists_jobs_newest_first_as_text(page):
    names = page.locator("li.job strong").all_inner_texts()
    assert [name.removeprefix("Model of ") for name in names][-3:] == ["failed", "saved", "on-its-way"]
    saved = page.locator("li.job", has_text="Model of saved").inner_text()
    assert "$0.84" in saved
    assert "clip_00001_.mp4" in saved
    assert f"id-of-{key_of('saved')}" in saved
    assert MARKUP in page.locator("li.job", has_text="Model of failed").inner_text()
    assert page.title() != "broken into"


def test_only_what_cannot_be_followed_can_be_forgotten_and_only_after_a_warning(page, panel_home):
    for followable in ("on-its-way", "saved"):
        row = page.locator("li.job", has_text=f"Model of {followable}")
        assert row.get_by_role("button", name="Forget this job").count() == 0

    uncertain = page.locator("li.job", has_text="Model of uncertain")
    uncertain.get_by_role("button", name="Forget this job").click()
    warning = page.get_by_role("dialog")
    assert "paid for again" in warning.inner_text()
    warning.get_by_role("button", name="Keep it").click()
    assert Ledger(panel_home).get(key_of("uncertain")) is not None

    uncertain.get_by_role("button", name="Forget this job").click()
    warning.get_by_role("button", name="Forget this job").click()
    uncertain.wait_for(state="detached")
    assert Ledger(panel_home).get(key_of("uncertain")) is None


def test_no_setting_of_comfyui_holds_a_key(page, address):
    page.get_by_role("button", name="Accounts...").click()
    page.get_by_label("RunComfy key").fill(CANARY)
    page.keyboard.press("Enter")
    account_row(page, "runcomfy").get_by_text("saved", exact=True).wait_for()
    assert CANARY not in json.dumps(requests.get(f"{address}/api/settings", timeout=10).json())
    assert CANARY not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
