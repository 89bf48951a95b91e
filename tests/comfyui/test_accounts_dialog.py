"""The dialog of accounts and settings in a browser: from the first start to a clip, and what a key goes through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.settings import Settings

from ..routes.far_provider import FarProvider
from ..tls_proxy import TlsProxy, piped_to
from .comfy_server import ComfyServer
from .contrast import MEASURE
from .ui_page import LOADED_WITHIN_MS, RUN, UI_READY, open_ui, run_clip

CANARY = "rv-canary-5f0c2b9e77"
PALETTES = ("dark", "light", "solarized", "arc")
TWO_NODES = """() => {
    app.graph.clear();
    const node = LiteGraph.createNode("Veo3I2V");
    node.pos = [500, 150];
    app.graph.add(node);
    app.canvas.ds.reset();
    app.canvas.selectItems ? app.canvas.selectItems([node]) : app.canvas.selectNodes([node]);
    document.activeElement.blur();
}"""
OVER_THE_GRAPH = (
    "Control+v",
    "Control+z",
    "Control+y",
    "Control+Shift+z",
    "Delete",
    "Backspace",
    "Control+x",
    "Control+Enter",
)
DROPPED = """() => {
    const carried = new DataTransfer();
    const graph = '{"1": {"class_type": "Veo3I2V", "inputs": {}}}';
    carried.items.add(new File([graph], "api.json", { type: "application/json" }));
    const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
    document.querySelector("dialog.remote-video-accounts").dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def far(tmp_path_factory) -> Iterator[FarProvider]:
    with FarProvider(tmp_path_factory.mktemp("far")) as running:
        yield running


@pytest.fixture(scope="module")
def server(start_comfy, far) -> ComfyServer:
    """A first start: no key, no sandbox; RunComfy is asked at its own addresses, through a proxy into a sandbox."""
    return start_comfy(**far.environment)


@pytest.fixture(scope="module")
def shared(browser, server) -> Iterator[Any]:
    with open_ui(browser, server.address) as page:
        yield page


@pytest.fixture
def page(shared, server) -> Iterator[Any]:
    """The page with nothing set and no window open."""
    for path, body in (("sandbox", {"on": False}), ("budget/save", {})):
        server.post(f"/remote_video/{path}", **body)
    for provider in ("runcomfy", "cometapi"):
        server.post("/remote_video/accounts/forget", provider=provider)
    yield shared
    while shared.locator("dialog").count():
        shared.keyboard.press("Escape")


def open_dialog(page: Any) -> Any:
    page.evaluate("app.extensionManager.command.execute('RemoteVideo.Accounts')")
    page.locator("dialog.remote-video-accounts:not([aria-busy])").wait_for()
    return page.locator("dialog.remote-video-accounts")


def row(page: Any, provider: str) -> Any:
    return page.locator(f"form.account[data-provider={provider}]")


def save(page: Any, provider: str, key: str) -> Any:
    found = row(page, provider)
    found.locator("input[type=password]").fill(key)
    page.keyboard.press("Enter")
    return found


def nodes(page: Any) -> int:
    return page.evaluate("app.graph.nodes.length")


def test_from_the_first_start_to_a_clip_without_a_key(page, server):
    dialog = open_dialog(page)
    dialog.get_by_role("switch", name="Sandbox").click()
    dialog.get_by_text("Next: close this window and press Run.").wait_for()
    assert Settings.from_environment(server.home, {}).sandbox
    dialog.get_by_role("button", name="Close").click()
    assert run_clip(page, prompt="from the dialog") == "execution_success"
    page.wait_for_function("""() => app.graph.nodes.find((node) => node.type === "Veo3I2V").badges
        .some((badge) => (typeof badge === "function" ? badge() : badge).text === "sandbox")""")
    dialog = open_dialog(page)
    dialog.get_by_role("switch", name="Sandbox").click()
    dialog.get_by_text("Next: Run makes clips that are paid for.").wait_for()
    page.keyboard.press("Escape")
    page.evaluate(RUN)
    assert page.evaluate("window.ended") == "execution_error", "it is not served from ComfyUI's cache as a paid clip"


def test_a_key_is_tried_when_it_is_saved_and_kept_when_it_is_accepted(page, server):
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.text()) if "/remote_video/" in answer.url else None)
    dialog = open_dialog(page)
    found = save(page, "runcomfy", CANARY)
    found.get_by_text("Saved. RunComfy accepts the key. Balance: $100.00.").wait_for()
    assert "Next: close this window and press Run." in found.inner_text()
    assert found.locator(".state").inner_text() == "saved"
    found.get_by_role("button", name="Check").click()
    found.get_by_text("RunComfy accepts the key. Balance: $100.00.").wait_for()
    assert Accounts(server.home, {}).require("runcomfy").key == CANARY
    assert CANARY not in page.content() + "".join(answers)
    assert dialog.locator("input[type=password]").first.input_value() == ""


def test_a_refused_key_is_not_kept_unless_one_insists(page, server):
    open_dialog(page)
    found = save(page, "runcomfy", "bad-key")
    found.get_by_text("RunComfy does not accept this key.").wait_for()
    assert found.locator(".state").inner_text() == "not set"
    assert Accounts(server.home, {}).find("runcomfy") is None
    found.get_by_role("button", name="Save it anyway").click()
    found.get_by_text("Saved. Next:").wait_for()
    assert Accounts(server.home, {}).require("runcomfy").key == "bad-key"


def test_a_key_that_nobody_answers_for_is_kept_and_that_is_said(page):
    open_dialog(page)
    found = save(page, "cometapi", CANARY)
    found.get_by_text("Whether CometAPI accepts the key is not known").wait_for()
    assert found.locator(".state").inner_text() == "saved"


def test_removing_a_key_asks_first(page, server):
    Accounts(server.home, {}).save("cometapi", CANARY)
    dialog = open_dialog(page)
    remove = row(page, "cometapi").get_by_role("button", name="Remove")
    question = page.get_by_role("alertdialog")
    for refuse in (
        lambda: page.keyboard.press("Escape"),
        lambda: question.get_by_role("button", name="Keep it").click(),
    ):
        remove.click()
        assert "It can't be shown again" in question.inner_text()
        refuse()
        question.wait_for(state="detached")
        assert dialog.is_visible()
        assert Accounts(server.home, {}).find("cometapi") is not None
    remove.click()
    question.get_by_role("button", name="Remove the key").click()
    row(page, "cometapi").get_by_text("Removed.").wait_for()
    assert Accounts(server.home, {}).find("cometapi") is None


def content(file: Path) -> bytes:
    """What is in it; nothing where it is gone meanwhile, as SQLite's side files are."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def test_a_key_for_this_session_is_in_no_file_and_another_page_sees_it(page, browser, server):
    open_dialog(page)
    row(page, "runcomfy").get_by_label("For this session only").check()
    save(page, "runcomfy", CANARY).get_by_text("Saved.").wait_for()
    assert row(page, "runcomfy").locator(".state").inner_text() == "for this session"
    files = [file for file in server.base.rglob("*") if file.is_file() and not file.is_symlink()]
    assert files
    assert [file for file in files if CANARY.encode() in content(file)] == []
    server.post("/remote_video/accounts/forget", provider="runcomfy")
    row(page, "runcomfy").get_by_text("not set").wait_for()


def test_a_budget_and_the_collector_are_saved_in_the_dialog(page, server):
    dialog = open_dialog(page)
    dialog.get_by_label("USD a day").fill("12.5")
    page.keyboard.press("Enter")
    dialog.locator("form.budget").get_by_text("Saved.").wait_for()
    assert server.get("/remote_video/money")["budget"]["day_usd"] == 12.5
    dialog.get_by_label("USD a day").fill("-1")
    dialog.locator("form.budget").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
    dialog.locator("form.budget .error").wait_for()
    for on in (False, True):
        with page.expect_response("**/remote_video/settings/save"):
            dialog.get_by_label("Collect clips in the background").set_checked(on)
        dialog.locator(".settings").get_by_text("Saved.").wait_for()
        assert server.get("/remote_video/settings")["collect"] is on
    assert str(server.home / "ledger.sqlite3") in dialog.inner_text()


@pytest.mark.parametrize("focus", ["field", "button", "nothing"])
def test_nothing_typed_pasted_or_dropped_over_the_dialog_reaches_the_graph(page, server, focus):
    page.evaluate(TWO_NODES)
    for keys in ("Control+c", "Control+v"):
        page.keyboard.press(keys)
        page.wait_for_timeout(300)
    assert nodes(page) == 2, "the test's own copying works"
    dialog = open_dialog(page)
    if focus == "button":
        dialog.get_by_role("button", name="Close").focus()
    if focus == "nothing":
        page.evaluate("document.activeElement.blur()")
    for keys in OVER_THE_GRAPH:
        page.keyboard.press(keys)
        page.wait_for_timeout(100)
        assert nodes(page) == 2, keys
    page.evaluate(DROPPED)
    page.wait_for_timeout(300)
    assert nodes(page) == 2
    queue = server.get("/queue")
    assert not queue["queue_running"] + queue["queue_pending"]


def test_what_is_pasted_into_a_field_arrives_there(page):
    open_dialog(page)
    field = page.get_by_label("RunComfy key")
    field.fill("pasted")
    for keys in ("Control+a", "Control+c", "End", "Control+v"):
        page.keyboard.press(keys)
    assert field.input_value() in ("pastedpasted", "pasted"), "browsers keep a password from being copied"
    amount = page.get_by_label("USD a day")
    amount.fill("12")
    for keys in ("Control+a", "Control+c", "End", "Control+v"):
        page.keyboard.press(keys)
    assert amount.input_value() == "1212"


@pytest.mark.parametrize("palette", PALETTES)
def test_everything_can_be_told_apart_in_every_palette(page, server, palette):
    """WCAG 2.2 AA by computed colours: 4.5 for text, 3 for borders, dots and marks."""
    before = page.evaluate("app.extensionManager.setting.get('Comfy.ColorPalette')")
    page.evaluate("(name) => app.extensionManager.setting.set('Comfy.ColorPalette', name)", palette)
    try:
        Accounts(server.home, {}).save("runcomfy", CANARY)
        dialog = open_dialog(page)
        save(page, "cometapi", "two words").locator(".error").wait_for()
        for _ in range(2):
            assert page.evaluate(MEASURE)["bad"] == []
            dialog.get_by_role("switch", name="Sandbox").click()
            dialog.locator(".sandbox .message:not(:empty)").wait_for()
    finally:
        page.evaluate("(name) => app.extensionManager.setting.set('Comfy.ColorPalette', name)", before)


def test_whoever_cannot_see_it_is_told_what_each_part_is(page):
    dialog = open_dialog(page)
    assert page.get_by_role("dialog", name="Remote Video: accounts and settings").count() == 1
    for name in ("RunComfy account", "CometAPI account", "Budget"):
        assert dialog.get_by_role("form", name=name).count() == 1
    for name in ("Sandbox", "Settings"):
        assert dialog.get_by_role("region", name=name).count() == 1
    assert dialog.get_by_role("contentinfo").count() + dialog.get_by_role("banner").count() == 0
    missing = dialog.evaluate("""(dialog) => [...dialog.querySelectorAll("[aria-describedby], [for]")]
        .flatMap((one) => (one.getAttribute("aria-describedby") ?? one.htmlFor).split(" "))
        .filter((id) => !document.getElementById(id))""")
    assert missing == []


def test_a_hosters_machine_and_several_users_are_said(browser, start_comfy):
    server = start_comfy("--multi-user", RUNCOMFY_API_TOKEN_FILE="/run/token", REMOTE_VIDEO_SANDBOX="1")
    user = server.post("/users", username="artist")
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.add_init_script(f"localStorage['Comfy.userId'] = '{user}'; localStorage['Comfy.userName'] = 'artist';")
    page.goto(server.address)
    page.wait_for_function(UI_READY, timeout=LOADED_WITHIN_MS)
    dialog = open_dialog(page)
    assert row(page, "runcomfy").get_by_label("For this session only").is_checked()
    said = dialog.inner_text()
    assert "RUNCOMFY_API_TOKEN_FILE" in said
    assert "whoever presses Run pays" in said
    assert "Set by REMOTE_VIDEO_SANDBOX." in said
    assert dialog.get_by_role("switch", name="Sandbox").is_disabled()
    page.close()
    server.kill()


def test_a_page_that_was_opened_over_public_https_offers_its_address_for_images(browser, server, tmp_path):
    host = "pod-1234.hoster.net"
    with TlsProxy((host,), tmp_path, piped_to(server.port)) as proxy:
        around = browser.new_context(proxy={"server": proxy.address}, ignore_https_errors=True)
        page = around.new_page()
        page.set_default_timeout(LOADED_WITHIN_MS)
        page.goto(f"https://{host}")
        page.wait_for_function(UI_READY, timeout=LOADED_WITHIN_MS)
        dialog = open_dialog(page)
        assert "a plain GET can fetch" in dialog.locator(".offer").inner_text()
        dialog.get_by_role("button", name=f"Show images at https://{host}").click()
        dialog.locator(".settings").get_by_text("Saved.").wait_for()
        assert dialog.locator(".offer").is_hidden()
        around.close()
    settings = Settings.from_environment(server.home, {})
    assert (settings.uploads, settings.public_origin) == ("public-origin", f"https://{host}")
    server.post("/remote_video/settings/save", uploads="data-uri", public_origin=None)
