"""What stands on a clip node in a browser, on the canvas and on Nodes 2.0: state, end, and the next step."""

from __future__ import annotations

import json
from typing import Any

import pytest
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .conftest import account_at
from .hostile import MARKUP, refuses
from .outcomes import soon
from .ui_page import CANVASES, GRAPH, RUN, STRANGE, UI_READY, close_error, open_ui

STATUS = ".remote-video-node:visible"
WITH_ID = "() => app.loadGraphData({...app.graph.serialize(), id: crypto.randomUUID()})"
"""A workflow that was saved, or loaded, has an id; one that was cleared has none."""
OF_A_LIST = """(count) => {
    const [image, clip] = app.graph._nodes, images = LiteGraph.createNode("TestImages");
    app.graph.remove(image);
    app.graph.add(images);
    images.widgets[0].value = count;
    images.connect(0, clip, clip.inputs.findIndex((input) => input.name === "image"));
}"""
INTO_A_SUBGRAPH = "() => { app.graph.convertToSubgraph(new Set([app.graph._nodes[1]])); }"
OPEN_SUBGRAPH = """() => {
    const node = app.graph._nodes.find((one) => one.subgraph);
    app.canvas.openSubgraph(node.subgraph, node);
}"""
BADGES = """() => app.graph._nodes.find((one) => one.subgraph).badges
    .map((one) => (typeof one === "function" ? one() : one).text).join()"""
SEEDED = """() => app.graph._nodes.find(({ type }) => type === "Veo3I2V")
    .widgets.find(({ name }) => name === "seed").value > 0"""
BESIDE_A_BROKEN_ONE = """() => {
    const pause = LiteGraph.createNode("TestPause"), broken = LiteGraph.createNode("TestBroken");
    for (const node of [pause, broken]) app.graph.add(node);
    pause.widgets[0].value = 8;
    pause.connect(0, broken, broken.inputs.findIndex(({ name }) => name === "after"));
}"""
TALLER = """() => {
    const clip = app.graph._nodes[1];
    clip.setSize([clip.size[0], clip.size[1] + 200]);
}"""
HEIGHT_OF_PROMPT = """() => {
    const node = app.graph._nodes.find(({ type }) => type === "Veo3I2V");
    const box = LiteGraph.vueNodesMode ? document.querySelector(`[data-node-id="${node.id}"] textarea`)
        : node.widgets.find(({ name }) => name === "prompt").element;
    return box.offsetHeight;
}"""
PLAYER = """() => {
    const node = app.graph._nodes.find(({ type }) => type === "Veo3I2V");
    const element = document.querySelector(`[data-node-id="${node.id}"]`);
    const video = (node.videoContainer ?? element)?.querySelector("video");
    if (!video) return null;
    const { ds, canvas } = app.canvas;
    const below = element?.getBoundingClientRect().bottom
        ?? (node.pos[1] + node.size[1] + ds.offset[1]) * ds.scale + canvas.getBoundingClientRect().top;
    return { plays: !video.paused && video.currentTime > 0, muted: video.muted,
        bottom: video.getBoundingClientRect().bottom, below };
}"""
LEFT_OVER = r"""() => {
    const [node] = app.graph._nodes.filter(({ type }) => type === "Veo3I2V");
    return { saved: app.graph.serialize().nodes.find(({ type }) => type === "Veo3I2V"),
        texts: node.widgets.filter(({ name, hidden }) => /^\$\$(node-text|remote_video_)/.test(name) && !hidden).length,
        inside: node.size[1] >= node.computeSize()[1] };
}"""


@pytest.fixture(scope="module")
def making(tmp_path_factory, clip_bytes):
    """A provider whose clips take as long as a test wants, by default for ever."""
    with Sandbox(tmp_path_factory.mktemp("making"), pace=Pace(0, 3600), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="module")
def server(start_comfy, making):
    return start_comfy(**account_at(making))


@pytest.fixture(scope="module")
def keyless(start_comfy):
    return start_comfy()


@pytest.fixture(scope="module", params=list(CANVASES))
def page(request, browser, server):
    with open_ui(browser, server.address, vue_nodes=CANVASES[request.param]) as page:
        page.set_default_timeout(60_000)
        yield page


@pytest.fixture
def stopped(server, page):
    """At its end nothing runs any more, and no error's window is open."""
    yield
    page.keyboard.press("Escape")
    server.post("/queue", clear=True)
    server.interrupt()
    soon(lambda: not server.get("/queue")["queue_running"], "the end of the prompt")


def begin(page, words: str, prepare: str = "", argument: Any = None, **values: Any) -> None:
    """A clip's node in a workflow of its own, and Run."""
    page.evaluate(GRAPH, {"prompt": words, "wait": True, **values})
    if prepare:
        page.evaluate(prepare, argument)
    page.evaluate(WITH_ID)
    page.wait_for_timeout(300)
    page.evaluate(RUN)


def status(page, part: str) -> Any:
    """What stands on the node, once it holds `part`."""
    found = page.locator(STATUS).filter(has_text=part).first
    found.wait_for()
    return found


def see_error(page) -> None:
    """Until the error is shown on the node alone."""
    page.evaluate("window.ended")
    status(page, "dashboard")
    page.wait_for_timeout(1000)
    close_error(page)


def seconds(status: Any) -> int:
    minutes, _, rest = status.locator(".clock").first.inner_text().partition(":")
    return 60 * int(minutes) + int(rest)


def test_a_job_under_way_says_its_state_and_its_time_runs_also_after_a_reload(page, server, stopped):
    begin(page, "a long one")
    shown = status(page, "Running")
    before = seconds(shown)
    page.wait_for_function(
        "([selector, before]) => [...document.querySelectorAll(selector)].some((one) => one.textContent > before)",
        arg=[f"{STATUS.split(':')[0]} .clock", f"0:{before:02}"],
    )
    assert "about $1.20" in shown.inner_text()
    assert shown.locator("progress").count() == 0, "no percentage was said, so there is no bar"
    page.reload()
    page.wait_for_function(UI_READY)
    assert seconds(status(page, "Running")) > before
    assert page.evaluate(LEFT_OVER)["texts"] == 1


def test_nothing_of_it_is_saved_and_another_workflow_shows_nothing_of_it(page, server, stopped):
    begin(page, "another long one")
    status(page, "Running")
    left = page.evaluate(LEFT_OVER)
    assert left["inside"]
    assert left["texts"] == 1
    assert left["saved"]["widgets_values"] == [
        "another long one",
        False,
        0,
        "fixed",
        "video/Veo3I2V",
        "auto",
        "auto",
        0,
        True,
    ]
    assert "unning" not in json.dumps(left["saved"])
    page.evaluate(WITH_ID)
    page.wait_for_timeout(1000)
    assert page.locator(STATUS).filter(has_text="Running").count() == 0


def test_each_item_of_a_list_stands_there(page, server, stopped):
    begin(page, "three at once", OF_A_LIST, 3)
    assert all(
        f"Clip {number}: Running" in status(page, f"Clip {number}: Running").inner_text() for number in (1, 2, 3)
    )


def test_inside_a_subgraph_it_stands_on_the_node_and_a_word_outside(page, server, stopped):
    begin(page, "inside", INTO_A_SUBGRAPH)
    page.wait_for_function(f"() => ({BADGES})().includes('unning')")
    page.evaluate(OPEN_SUBGRAPH)
    assert "about $1.20" in status(page, "Running").inner_text()


def test_stop_leaves_no_node_waiting(page, server, stopped):
    begin(page, "to be stopped")
    status(page, "Running")
    server.interrupt()
    status(page, "Its clip is collected in the background")


def test_an_error_elsewhere_is_told_on_every_page_and_stays_told(page, browser, server, stopped):
    begin(page, "left behind", BESIDE_A_BROKEN_ONE)
    status(page, "Running")
    saved = page.evaluate("() => app.graph.serialize()")
    with open_ui(browser, server.address, vue_nodes=vue(page)) as other:
        other.set_default_timeout(60_000)
        other.evaluate("(saved) => app.loadGraphData(saved)", saved)
        status(page, "The graph ended before this clip")
        status(other, "The graph ended before this clip")
        page.wait_for_timeout(3000)
        close_error(page)
        assert "The graph ended before this clip" in page.locator(STATUS).first.inner_text(), "the job is asked after"
    page.reload()
    page.wait_for_function(UI_READY)
    status(page, "The graph ended before this clip")


def test_the_prompt_keeps_its_height_and_the_player_plays_inside_the_node(quick_page, quick):
    page = quick_page
    begin(page, f"as high as before {vue(page)}", prepare=TALLER)
    before = page.evaluate(HEIGHT_OF_PROMPT)
    saved = page.evaluate("() => app.graph.serialize().nodes.map(({ size }) => size[1])")
    status(page, "_0000")
    page.wait_for_function(f"() => ({PLAYER})()?.plays")
    assert page.evaluate(HEIGHT_OF_PROMPT) == before
    player = page.evaluate(PLAYER)
    assert player["muted"]
    assert player["bottom"] <= player["below"]
    assert page.evaluate("() => app.graph.serialize().nodes.map(({ size }) => size[1])") == saved


def test_an_error_is_a_card_of_letters_with_its_next_step(page, making, stopped):
    refuses(making, MARKUP)
    begin(page, "refused")
    card = status(page, "Not billed.")
    making.faults.clear()
    assert MARKUP in card.inner_text()
    assert page.evaluate(STRANGE) == []


def test_the_button_of_an_error_takes_the_next_step(page, making, stopped):
    making.faults.set("runcomfy/submit", "reset-before-answer:accepted", on_call=1)
    begin(page, "nobody knows")
    see_error(page)
    status(page, "dashboard").get_by_role("button", name="Use another seed").click()
    page.wait_for_function(SEEDED)
    status(page, "dashboard").get_by_role("button", name="Show the job").click()
    page.locator(".remote-video-panel").wait_for()
    page.evaluate("app.extensionManager.command.execute('Workspace.ToggleSidebarTab.remote-video')")


@pytest.mark.parametrize("by_itself", [False, True], ids=["button", "setting"])
def test_a_clip_nobody_waited_for_is_handed_on_by_run_and_paid_for_once(quick_page, quick, quick_comfy, by_itself):
    page, words = quick_page, f"nobody waits {by_itself} {vue(quick_page)}"
    page.evaluate("on => app.extensionManager.setting.set('RemoteVideo.RunWhenHere', on)", by_itself)
    before = quick.accepted_posts
    begin(page, words, wait=False)
    if not by_itself:
        status(page, "The clip is here").get_by_role("button", name="Run", exact=True).click()
    assert "nothing was submitted" in status(page, "paid for before").inner_text()
    page.wait_for_function(f"() => ({LEFT_OVER})().inside")
    page.wait_for_timeout(1000)
    assert quick.accepted_posts == before + 1
    assert [json.dumps(prompt).count(f'"{words}"') > 0 for prompt in prompts(quick_comfy)].count(True) == 2


def prompts(server) -> list[Any]:
    return [entry["prompt"][2] for entry in server.get("/history").values()]


def vue(page) -> bool:
    return page.evaluate("app.extensionManager.setting.get('Comfy.VueNodes.Enabled')")


@pytest.fixture
def quick_page(browser, quick_comfy, page):
    with open_ui(browser, quick_comfy.address, vue_nodes=vue(page)) as opened:
        opened.set_default_timeout(60_000)
        yield opened


def test_a_new_node_without_a_key_offers_to_enter_one_or_the_sandbox(browser, keyless, page):
    with open_ui(browser, keyless.address, vue_nodes=vue(page)) as opened:
        opened.evaluate(GRAPH, {"prompt": "no key"})
        hint = status(opened, "There is no RunComfy key yet")
        assert hint.get_by_role("button").all_inner_texts() == ["Enter a key", "Try the sandbox"]
        hint.get_by_role("button", name="Enter a key").click()
        opened.get_by_label("RunComfy key").wait_for()
        opened.keyboard.press("Escape")
        opened.evaluate(RUN)
        assert "Not billed." in status(opened, "One of three ways").inner_text()
