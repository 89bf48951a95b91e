"""Takes on a node, the next shot, and a clip's inputs back on the canvas, in a real browser on both canvases."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from .comfy_server import ComfyServer
from .test_node_status import OF_A_LIST, WITH_ID
from .ui_page import CANVASES, GRAPH, RUN, open_panel, open_ui

TAKES = ".remote-video-node:visible .take"
SET = """(values) => {
    const clip = app.graph._nodes.find(({ type }) => type === "Veo3I2V");
    for (const [name, value] of Object.entries(values)) clip.widgets.find((one) => one.name === name).value = value;
}"""
NODES = """() => app.graph._nodes.map((node) => ({ id: String(node.id), type: node.type,
    ...Object.fromEntries((node.widgets ?? []).map(({ name, value }) => [name, value])),
    from: node.inputs.filter(({ link }) => link !== null).map(({ name, link }) => {
        const { origin_id, origin_slot } = app.graph.getLink(link);
        return [name, String(origin_id), origin_slot];
    }) }))"""
OVERLAPS = """() => app.graph._nodes.some((one) => app.graph._nodes.some((other) => one !== other
    && one.pos[0] < other.pos[0] + other.size[0] && other.pos[0] < one.pos[0] + one.size[0]
    && one.pos[1] < other.pos[1] + other.size[1] && other.pos[1] < one.pos[1] + one.size[1]))"""
SHOWN = "() => [...document.querySelectorAll('video')].map((video) => new URL(video.src).searchParams.get('filename'))"
DROP = """([data, name]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), dropped = new DataTransfer();
    dropped.items.add(new File([bytes], name, { type: "video/mp4" }));
    const where = { bubbles: true, cancelable: true, dataTransfer: dropped, clientX: 1200, clientY: 700 };
    document.querySelector("#graph-canvas").dispatchEvent(new DragEvent("drop", where));
}"""


@pytest.fixture(params=CANVASES)
def page(request: pytest.FixtureRequest, browser: Any, comfy: ComfyServer) -> Iterator[Any]:
    """A saved workflow with one Veo 3 node, whose words no other test has."""
    with open_ui(browser, comfy.address, vue_nodes=CANVASES[request.param], height=1400) as page:
        page.set_default_timeout(60_000)
        name = request.node.name.replace("[", " ").rstrip("]")
        page.evaluate(GRAPH, {"prompt": name, "seed": 1, "filename_prefix": f"takes {name}/shot_01"})
        page.evaluate(WITH_ID)
        yield page


def run(page: Any, **values: Any) -> None:
    page.evaluate(SET, values)
    page.evaluate(RUN)
    assert page.evaluate("window.ended") == "execution_success"


def takes(page: Any, count: int) -> list[str]:
    """What each take says of itself, once there are so many."""
    page.wait_for_function(
        "([all, count]) => document.querySelectorAll(all.replace(':visible', '')).length === count", arg=[TAKES, count]
    )
    return [take.get_attribute("aria-label") for take in page.locator(TAKES).all()]


def clip_node(page: Any) -> dict[str, Any]:
    return next(node for node in page.evaluate(NODES) if node["type"] == "Veo3I2V")


def test_takes_are_looked_at_taken_up_and_starred_and_nothing_is_submitted(page, comfy, provider):
    first = clip_node(page)["prompt"]
    run(page)
    run(page, seed=2, prompt=f"{first}, in the rain")
    assert ["seed 2" in take for take in takes(page, 2)] == [True, False]
    asked = provider.accepted_posts
    page.locator(TAKES).nth(1).click()
    page.wait_for_function(f"({SHOWN})().some((name) => name === 'shot_01_00001_.mp4')")
    assert clip_node(page)["seed"] == 2
    page.get_by_role("button", name="Use its seed and words").click()
    page.wait_for_function(f"({NODES})().some(({{ seed }}) => seed === 1)")
    assert clip_node(page)["prompt"] == first
    page.locator("[data-act=star]").click()
    page.wait_for_function("document.querySelector('.take').getAttribute('aria-label').startsWith('Starred, seed 1')")
    page.locator(TAKES).first.press("ArrowRight")
    page.wait_for_function("document.activeElement.getAttribute('aria-checked') === 'true'")
    assert "seed 2" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.reload()
    assert [take.split(" ")[0] for take in takes(page, 2)] == ["Starred,", "seed"]
    assert provider.accepted_posts == asked


def test_a_list_of_images_shows_all_its_clips_and_one_that_is_gone_can_be_fetched(page, comfy):
    page.evaluate(OF_A_LIST, 3)
    run(page)
    assert len(takes(page, 3)) == 3
    for clip in comfy.output.glob("takes */shot_01_0000?_.mp4"):
        clip.unlink()
    page.reload()
    page.locator(f"{TAKES}.gone").first.click()
    page.locator("[data-act=fetch]").click()
    page.wait_for_function("document.querySelectorAll('.take.gone').length < 3")


def test_the_next_shot_begins_where_this_one_ends_and_undo_takes_it_back(page):
    run(page, generate_audio=True)
    page.get_by_role("button", name="Continue this shot").click()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    old, new = (node for node in page.evaluate(NODES) if node["type"] == "Veo3I2V")
    assert new["from"] == [["image", old["id"], 4]]
    assert (new["prompt"], new["seed"], new["generate_audio"]) == ("", old["seed"], True)
    assert new["filename_prefix"] == old["filename_prefix"].replace("shot_01", "shot_02")
    assert not page.evaluate(OVERLAPS)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    page.wait_for_function("app.graph._nodes.length === 2")


def test_a_job_s_inputs_come_back_and_go_on_from_its_last_frame(page):
    run(page)
    words = clip_node(page)["prompt"]
    page.evaluate("app.graph.clear()")
    page.evaluate(GRAPH, {"prompt": "another", "seed": 5})
    page.evaluate("app.graph.clear()")
    job = open_panel(page, words)
    job.filter(has_text="seed 1").get_by_role("button", name="Load inputs").click()
    page.wait_for_function("app.graph._nodes.length === 2")
    clip, image = page.evaluate(NODES)
    assert (clip["prompt"], clip["from"], image["image"]) == (words, [["image", image["id"], 0]], "example.png")
    job.get_by_role("button", name="Continue from last frame").click()
    page.wait_for_function("app.graph._nodes.length === 3")
    assert page.evaluate(NODES)[2]["from"] == [["image", clip["id"], 4]]


def test_a_dropped_clip_of_ours_opens_its_workflow_and_another_video_is_left_to_comfyui(page, comfy):
    run(page)
    words = clip_node(page)["prompt"]
    (clip,) = comfy.output.glob(f"takes {words}/*.mp4")
    page.evaluate("app.graph.clear()")
    page.evaluate(DROP, [base64.b64encode(clip.read_bytes()).decode(), clip.name])
    page.get_by_role("button", name="Open its workflow").click()
    page.wait_for_function("app.graph._nodes.length === 2")
    assert clip_node(page)["prompt"] == words
    page.evaluate("() => { window.left = []; }")
    page.evaluate(DROP, [base64.b64encode(b"somebody else's").decode(), "x.mp4"])
    page.wait_for_function("app.graph._nodes.length === 3 || document.body.innerText.includes('Unable')")
    assert not page.locator(".remote-video-question").count()


EVERY_KIND = """async () => {
    const { canContinue, continueShot } = await import("/extensions/remote-video/continue_shot.js");
    const kinds = ["Veo3I2V", "Kling3I2V", "CometVeo", "RunComfyVideo"], told = {};
    for (const [at, kind] of kinds.entries()) {
        const node = LiteGraph.createNode(kind);
        node.pos = [3000, 3000 * at];
        app.graph.add(node);
        if (!canContinue(node)) continue;
        const next = continueShot(node), [slot] = next.inputs.flatMap(({ link }, at) => (link === null ? [] : [at]));
        const value = (one, name) => one.widgets.find((widget) => widget.name === name)?.value;
        told[kind] = [value(next, "filename_prefix"), value(next, "model") === value(node, "model"),
            next.getInputNode(slot) === node, node.outputs[next.getInputLink(slot).origin_slot].name];
    }
    return told;
}"""


def test_every_kind_of_node_can_be_gone_on_from(page):
    told = page.evaluate(EVERY_KIND)
    assert {"Veo3I2V", "Kling3I2V", "CometVeo"} <= told.keys()
    for kind, facts in told.items():
        assert facts == [f"video/{kind}_02", True, True, "last_frame"]
    assert not page.evaluate(OVERLAPS)
