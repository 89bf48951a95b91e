"""Three shots become a film by mouse, in the sandbox: from an empty page to an MP4 that plays, on both canvases."""

from __future__ import annotations

import secrets
import time
from typing import Any

import av
import pytest

from .by_mouse import IDS, add, turn_wheel, wire
from .comfy_server import ComfyServer
from .ui_page import CANVASES, open_ui
from .watched import watch

PLAYS = """(part) => [...document.querySelectorAll("video")].some((one) =>
    new URL(one.src).searchParams.get("filename")?.includes(part) && one.videoWidth > 0 && one.currentTime > 0)"""
ORIGIN = "(id) => app.graph.getNodeById(id).getInputNode(0).id"
ROOM = """() => {
    const { scale } = app.canvas.ds, [width, height] = [640 * scale, 600 * scale];
    const { x, y } = app.canvas.canvas.getBoundingClientRect();
    const taken = app.graph._nodes.map(({ pos, size }) => {
        const [left, top] = app.canvas.ds.convertOffsetToCanvas(pos);
        return [left + x - 20, top + y - 40, left + x + size[0] * scale + 20, top + y + size[1] * scale + 20];
    });
    for (let top = 150; top + height < innerHeight - 100; top += 20)
        for (let left = 100; left + width < innerWidth - 100; left += 20)
            if (taken.every(([x1, y1, x2, y2]) => left > x2 || left + width < x1 || top > y2 || top + height < y1))
                return [left + width / 2, top];
}"""
"""Where a node has room that is seen."""
SHOTS = ("A flag in the wind.", "The wind drops.", "The flag hangs still.")


@pytest.fixture(scope="module")
def server(start_comfy) -> ComfyServer:
    return start_comfy()


@pytest.fixture(params=CANVASES)
def page(request, browser, server):
    server.post("/remote_video/sandbox", on=False)
    seen: list[Any] = []

    def prepare(page: Any) -> None:
        seen.append(watch(page))

    with open_ui(browser, server.address, vue_nodes=CANVASES[request.param], prepare=prepare) as page:
        page.set_default_timeout(60_000)
        page.evaluate("app.graph.clear()")
        page.evaluate("app.canvas.ds.reset()")
        yield page
        assert (seen[0].failed, seen[0].console) == ([], [])


def press_run(page: Any) -> None:
    page.get_by_role("button", name="Run", exact=True).first.click()


def test_three_shots_become_a_film_by_mouse_alone(page, server):
    for earlier in server.output.rglob("JoinClips*.mp4"):
        earlier.unlink()  # the sandbox's clips are alike, and a film of the same clips would be read from the disk
    begun, mark = time.monotonic(), secrets.token_hex(4)
    add(page, "Image to Video with Veo 3", 640, 120, "Veo3I2V")
    page.get_by_role("button", name="Try the sandbox").first.click()
    picture = add(page, "Load Image", 200, 420, "LoadImage")
    (shot,) = page.evaluate(IDS, "Veo3I2V")
    wire(page, (picture, "IMAGE"), (shot, "image"))
    page.locator("textarea").first.click()
    page.keyboard.type(f"{SHOTS[0]} {mark}")
    press_run(page)
    going_on = page.locator(".remote-video-node:visible").get_by_role("button", name="Continue this shot")
    for made, words in enumerate(SHOTS[1:], 1):
        going_on.nth(made - 1).wait_for()  # the last shot is made
        going_on.last.click()
        page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
        page.keyboard.type(f"{words} {mark}")
        press_run(page)
    shots = page.evaluate(IDS, "Veo3I2V")
    begins_with = [page.evaluate(ORIGIN, one) for one in shots]
    assert begins_with == [picture, *shots[:-1]]
    turn_wheel(page, 640, 880, 8)
    page.wait_for_timeout(500)
    join = add(page, "Join Clips", *page.evaluate(ROOM), "JoinClips")
    for number, one in enumerate(shots):
        wire(page, (one, "video"), (join, f"clips.clip_{number}"))
    press_run(page)
    page.wait_for_function(PLAYS, arg="JoinClips")
    print(f"from an empty page to a film that plays: {time.monotonic() - begun:.0f} s")
    (film,) = server.output.rglob("JoinClips*.mp4")
    with av.open(str(film)) as container:
        assert float(container.duration / av.time_base) == pytest.approx(24, abs=0.5)
