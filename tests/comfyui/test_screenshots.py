"""Every view and state of ours, in several palettes and languages and on both canvases: measured, and kept as pictures.

`REMOTE_VIDEO_SHOTS` says where the pictures go; else that is `build/screenshots`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from .contrast import MEASURE
from .ui_page import CANVASES, PICKER, open_ui, toggle_panel
from .views import CUT, JOB_STATES, NODE_STATES, ROOTS, Views, jobs_of, stretched

FOLDER = Path(os.environ.get("REMOTE_VIDEO_SHOTS") or Path(__file__).resolve().parents[2] / "build" / "screenshots")
LONG = "long"
"""English, half as long again."""
LOOKS = [
    ("canvas", "dark", "en"),
    ("nodes 2.0", "light", "zh"),
    ("canvas", "light", "ar"),
    ("nodes 2.0", "dark", "ar"),
    ("canvas", "dark", LONG),
    ("nodes 2.0", "dark", LONG),
    ("canvas", "solarized", "en"),
    ("canvas", "arc", "en"),
    ("canvas", "nord", "en"),
    ("canvas", "github", "en"),
]
SHOTS = """() => {
    app.graph.clear();
    const set = (node, name, value) => {
        const widget = node.widgets.find((one) => one.name === name);
        if (widget.setValue) widget.setValue(value, { e: {}, node, canvas: app.canvas });
        else { widget.value = value; widget.callback?.(value, app.canvas, node); }
    };
    for (const [place, duration] of [10, 15, 9].entries()) {
        const node = LiteGraph.createNode("Kling3I2V");
        node.pos = [60 + place * 440, 90];
        app.graph.add(node);
        set(node, "multi_shot", duration === 9 ? "5 shots" : "3 shots");
        set(node, "duration", duration);
        if (duration !== 9) for (const shot of [1, 2, 3]) set(node, `multi_shot.shot_${shot}_duration`, 5);
    }
    app.canvas.ds.reset();
}"""
USUAL, BIG = {"width": 1300, "height": 1000}, {"width": 2240, "height": 2560}


@pytest.fixture(scope="module")
def server(start_comfy):
    return start_comfy()


class Shooting:
    """Takes pictures of a page, and notes what is wrong with it.

    Args:
        views: of the page.
        name: what the pictures' names begin with.
    """

    def __init__(self, views: Views, name: str) -> None:
        self.views, self.page, self.name = views, views.page, name
        self.bad: list[str] = []
        FOLDER.mkdir(parents=True, exist_ok=True)

    def look(self, view: str, of: Any = None, *, shoot: bool = True) -> None:
        """Measure what is shown, and keep a picture of all or a part of it."""
        found = [*self.page.evaluate(CUT, ROOTS), *self.page.evaluate(MEASURE)["bad"]]
        self.bad += [f"{view}: {one}" for one in found]
        if shoot:
            (of or self.page).screenshot(path=FOLDER / f"{self.name}-{view}.png")


@pytest.fixture(params=LOOKS, ids="-".join)
def shooting(request, browser, server) -> Iterator[Shooting]:
    canvas, palette, locale = request.param
    server.post("/remote_video/sandbox", on=False)
    found: list[Views] = []

    def prepare(page: Any) -> None:
        if locale == LONG:
            table = stretched()
            page.route("**/languages/fr.json", lambda route: route.fulfill(json=table))
        found.append(Views(page))

    chosen = {"Locale": "fr" if locale == LONG else locale, "ColorPalette": palette}
    with open_ui(browser, server.address, vue_nodes=CANVASES[canvas], prepare=prepare, **chosen) as page:
        page.set_default_timeout(60_000)
        name = re.sub(r"\W+", "-", f"{canvas}-{palette}-{locale}")
        yield Shooting(found[0], name)
    for name, usual in {"Locale": "en", "ColorPalette": "dark"}.items():
        requests.post(f"{server.address}/settings/Comfy.{name}", json=usual, timeout=60)


def test_nothing_is_cut_off_or_hard_to_read(shooting, server):
    nodes(shooting, server)
    panel(shooting)
    dialog(shooting, server)
    picker(shooting)
    shots(shooting)
    assert shooting.bad == []


def nodes(shooting: Shooting, server: Any) -> None:
    page, views = shooting.page, shooting.views
    page.set_viewport_size(BIG)
    server.post("/remote_video/sandbox", on=True)
    page.wait_for_timeout(500)
    views.nodes(NODE_STATES)
    shooting.look("nodes")
    server.post("/remote_video/sandbox", on=False)
    page.set_viewport_size(USUAL)
    views.nodes({"no key": [], "error": NODE_STATES["error"]})
    page.locator(".remote-video-node [data-phase='no key']").first.wait_for()
    shooting.look("no-key")


def panel(shooting: Shooting) -> None:
    page, views = shooting.page, shooting.views
    shown = page.locator(".remote-video-panel")
    refresh = shown.locator("header button").first
    views.answers["jobs"] = None
    views.panel()
    shown.locator(".instead[data-kind=error]").wait_for()
    shooting.look("panel-error", shown)
    views.answers["jobs"] = "hold"
    shown.locator(".instead button").click()
    page.wait_for_function("document.querySelector('.remote-video-panel').ariaBusy === 'true'")
    shooting.look("panel-loading", shown)
    views.jobs([])
    views.release()
    shown.locator(".instead[data-kind=empty] button").first.wait_for()
    shooting.look("panel-empty", shown)
    views.jobs(jobs_of(JOB_STATES, 3), sandbox=True)
    refresh.click()
    shown.locator("li.job").first.wait_for()
    shooting.look("panel-many", shown)
    for place, state in enumerate(JOB_STATES):
        shown.locator(".scroller").evaluate("(element, top) => element.scrollTo(0, top)", place * 90)
        shown.locator(f"li.job[aria-posinset='{place + 1}']").click(position={"x": 150, "y": 12})
        page.wait_for_timeout(200)
        shooting.look(f"panel-{state}", shown)
    views.answers["jobs"] = None
    refresh.click()
    shown.locator(".message").wait_for()
    shooting.look("panel-offline", shown)
    views.jobs([])
    shown.locator("input").fill("no such words")
    shown.locator(".instead[data-kind=none]").wait_for()
    shooting.look("panel-none", shown)
    toggle_panel(page)


def dialog(shooting: Shooting, server: Any) -> None:
    page, views = shooting.page, shooting.views
    first, second = server.get("/remote_video/accounts")["accounts"]
    unset = [{**one, "set": False, "source": None} for one in (first, second)]
    views.dialog(accounts=unset)
    shooting.look("dialog-not-set")
    views.close()
    variable = second["variables"][0]
    saved = [{**first, "set": True, "source": "saved"}, {**second, "set": True, "source": variable}]
    views.dialog(accounts=saved)
    page.locator("dialog input[type=password]").first.fill("two words")
    page.keyboard.press("Enter")
    page.locator("dialog .error:not(:empty)").first.wait_for()
    shooting.look("dialog-saved")
    views.close()
    views.answers["settings"] = lambda told: {**told, "sandbox": True, "sandbox_variable": "REMOTE_VIDEO_SANDBOX"}
    hoster = {"name": "RunComfy", "variable": "RUNCOMFY_API_TOKEN_FILE"}
    views.dialog(accounts=unset, multi_user=True, hoster=hoster)
    shooting.look("dialog-hosted")
    page.evaluate("document.querySelector('dialog .body').scrollTo(0, 9999)")
    shooting.look("dialog-hosted-end")
    views.close()
    views.answers.clear()


def picker(shooting: Shooting) -> None:
    page = shooting.page
    page.evaluate(PICKER)
    page.locator(".remote-video-picker [role=option]").first.wait_for()
    shooting.look("picker")
    box = page.locator(".remote-video-picker > .actions button").bounding_box()
    around = page.locator(".remote-video-picker").bounding_box()
    assert box["y"] + box["height"] < around["y"] + around["height"], (
        "its button is in view, however many models there are"
    )
    page.keyboard.type("kling image")
    shooting.look("picker-search")
    page.keyboard.type(" no such")
    shooting.look("picker-none")
    shooting.views.close()


def shots(shooting: Shooting) -> None:
    page = shooting.page
    page.set_viewport_size({"width": 1450, "height": 1400})
    page.evaluate(SHOTS)
    page.locator(".remote-video-shots").nth(2).wait_for()
    page.wait_for_timeout(1000)
    shooting.look("shots")
