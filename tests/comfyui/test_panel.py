"""The accounts dialog, in a real browser against a real ComfyUI."""

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

from ..written_jobs import accepted
from .ui_page import UI_READY

pytestmark = [
    pytest.mark.comfyui,
    pytest.mark.timeout(300),
    pytest.mark.skipif("COMFYUI_PATH" not in os.environ, reason="COMFYUI_PATH says where ComfyUI is; it is not set"),
]

PACK_FOLDER = Path(__file__).resolve().parents[2]
CANARY = "rv-canary-5f0c2b9e77"


@pytest.fixture(scope="module")
def panel_home(tmp_path_factory) -> Path:
    """A home with a job."""
    home = tmp_path_factory.mktemp("panel") / "home"
    accepted(Ledger(home), hashlib.sha256(b"a job").hexdigest())
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


def test_no_setting_of_comfyui_holds_a_key(page, address):
    page.get_by_role("button", name="Accounts...").click()
    page.get_by_label("RunComfy key").fill(CANARY)
    page.keyboard.press("Enter")
    account_row(page, "runcomfy").get_by_text("saved", exact=True).wait_for()
    assert CANARY not in json.dumps(requests.get(f"{address}/api/settings", timeout=10).json())
    assert CANARY not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
