"""A server of several users: a page where nobody has signed in, one that signs in, and one whose user is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .comfy_server import ComfyServer
from .ui_page import LOADED_WITHIN_MS, UI_READY, run_clip, toggle_panel
from .watched import Watched, watch

SIGNED_OUT = "() => { for (const name of ['Comfy.userId', 'Comfy.userName']) localStorage.removeItem(name); }"


@pytest.fixture(scope="module")
def server(start_comfy) -> ComfyServer:
    return start_comfy("--multi-user", REMOTE_VIDEO_SANDBOX="1")


@pytest.fixture
def opened(browser, server) -> Iterator[tuple[Any, Watched]]:
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(LOADED_WITHIN_MS)
    watched = watch(page)
    page.route(lambda url: not url.startswith((server.address, "data:", "blob:")), lambda route: route.abort())
    page.goto(f"{server.address}/")
    yield page, watched
    context.close()


def sign_in(page: Any, name: str) -> None:
    """Make a user on ComfyUI's own page, as its form does."""
    page.wait_for_url("**/user-select**")
    page.locator("input").first.fill(name)
    page.get_by_role("button").filter(has_text="Next").or_(page.locator("button.comfy-user-button-next")).first.click()
    page.wait_for_function(UI_READY)


def test_nobody_signed_in_and_then_somebody_does(opened, server):
    page, watched = opened
    page.wait_for_url("**/user-select**")
    page.wait_for_timeout(2000)
    assert (watched.failed, watched.console) == ([], [])
    sign_in(page, "artist")
    assert run_clip(page, prompt="by somebody who signed in") == "execution_success"
    toggle_panel(page)
    page.locator("li.job").first.wait_for()
    page.evaluate("app.extensionManager.command.execute('RemoteVideo.Accounts')")
    dialog = page.locator("dialog.remote-video-accounts:not([aria-busy])")
    dialog.wait_for()
    assert "several users" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert (watched.failed, watched.console) == ([], [])


def test_a_user_who_is_taken_away_in_the_middle_signs_in_again(opened, server):
    page, watched = opened
    sign_in(page, "second artist")
    toggle_panel(page)
    page.locator(".remote-video-panel").wait_for()
    page.evaluate(SIGNED_OUT)
    page.evaluate("app.api.user = 'nobody-that-there-is'")
    # A new user's page opens the template browser over all else.
    page.locator(".remote-video-panel header button").first.evaluate("(button) => button.click()")
    page.wait_for_function("document.querySelector('.remote-video-panel').ariaBusy === 'false'")
    page.reload()
    page.wait_for_url("**/user-select**")
    assert (watched.failed, watched.console) == ([], [])
    page.evaluate("(name) => { localStorage['Comfy.userName'] = name; }", "second artist")
    users = server.get("/users")["users"]
    user = next(key for key, name in users.items() if name == "second artist")
    page.evaluate("(user) => { localStorage['Comfy.userId'] = user; }", user)
    page.goto(f"{server.address}/")
    page.wait_for_function(UI_READY)
    assert run_clip(page, prompt="by somebody who signed in again") == "execution_success"
    assert (watched.failed, watched.console) == ([], [])
