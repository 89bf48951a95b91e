"""A new user by mouse: no key, a clip's node, the sandbox that the node offers, a picture, Run, and the clip plays."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .by_mouse import add, wire
from .comfy_server import ComfyServer
from .ui_page import open_ui, toggle_panel
from .watched import watch

WITHIN_S = 120.0
PLAYS = "() => [...document.querySelectorAll('video')].some((one) => one.videoWidth > 0 && one.currentTime > 0)"


@pytest.fixture(scope="module")
def server(start_comfy) -> ComfyServer:
    return start_comfy()


@pytest.fixture
def page(browser, server):
    server.post("/remote_video/sandbox", on=False)
    seen: list[Any] = []
    with open_ui(browser, server.address, prepare=lambda page: seen.append(watch(page))) as page:
        page.set_default_timeout(60_000)
        page.evaluate("app.graph.clear()")
        page.evaluate("app.canvas.ds.reset()")
        yield page
        assert (seen[0].failed, seen[0].console) == ([], [])


def test_the_first_clip_plays_in_less_than_two_minutes(page):
    begun = time.monotonic()
    clip = add(page, "Image to Video with Veo 3", 640, 120, "Veo3I2V")
    page.get_by_role("button", name="Try the sandbox").first.click()
    picture = add(page, "Load Image", 200, 420, "LoadImage")
    wire(page, (picture, "IMAGE"), (clip, "image"))
    prompt = page.locator("textarea").first
    prompt.click()
    page.keyboard.type("A flag in the wind.")
    page.get_by_role("button", name="Run").first.click()
    page.wait_for_function(PLAYS)
    took = time.monotonic() - begun
    print(f"from an empty page to a clip that plays: {took:.0f} s")
    assert took < WITHIN_S
    toggle_panel(page)
    page.locator("li.job").filter(has_text="A flag in the wind.").first.wait_for()
