"""What a Run will do stands on the node before it, follows what is set, and makes way for the run's own status."""

from __future__ import annotations

from typing import Any

import pytest
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from .conftest import account_at
from .prompts import several
from .ui_page import CANVASES, GRAPH, RUN, open_ui

BEFORE = ".remote-video-node:visible [data-phase=before]"
TOAST = ".p-toast-message, [data-testid=toast]"
"""Frontend 1.58 has its own."""
GUESS = ".remote-video-node:visible progress.guess"
WITH_ID = "() => app.loadGraphData({...app.graph.serialize(), id: crypto.randomUUID()})"
SET = """([name, value]) => {
    const node = app.graph._nodes.find(({ type }) => type === "Veo3I2V");
    node.widgets.find((widget) => widget.name === name).value = value;
    app.api.dispatchCustomEvent("graphChanged");
}"""
CUT = """() => {
    const kept = document.querySelector(".remote-video-node .cut .kept");
    const { width, height } = kept.parentElement.getBoundingClientRect();
    return [kept.getBoundingClientRect().height / height, width, height];
}"""
DRAWN = "() => document.querySelector('.remote-video-node .cut img')?.naturalWidth > 0"
SAVED = """() => {
    const saved = app.graph.serialize().nodes.find(({ type }) => type === "Veo3I2V");
    return [saved.size[1], JSON.stringify(saved)];
}"""
PROMPT_BOX = "() => document.querySelector('textarea').getBoundingClientRect().height"
SIGN = """() => {
    const named = "data-remote-video-sign", badges = app.graph._nodes.flatMap(({ badges }) => badges);
    const signs = [...document.querySelectorAll(`[${named}]`)].map((one) => one.getAttribute(named));
    return [...badges.map((badge) => (typeof badge === "function" ? badge() : badge).text), ...signs].join();
}"""
HEAR = """async () => {
    const { createOscillator } = AudioContext.prototype;
    window.tones = 0;
    AudioContext.prototype.createOscillator = function () {
        window.tones++;
        return createOscillator.call(this);
    };
    await app.extensionManager.setting.set("RemoteVideo.SoundWhenHere", true);
}"""
FOLD = "() => app.graph._nodes.find(({ type }) => type === 'Veo3I2V').collapse()"


@pytest.fixture(scope="module")
def making(tmp_path_factory, clip_bytes):
    """A provider whose clips take a few seconds."""
    with Sandbox(tmp_path_factory.mktemp("making"), pace=Pace(0, 6), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="module")
def server(start_comfy, making):
    return start_comfy(**account_at(making))


@pytest.fixture(scope="module")
def usual(server):
    """Three clips to go by, made side by side."""
    server.run(several("before", range(3)))


@pytest.fixture(scope="module", params=list(CANVASES))
def page(request, browser, server):
    with open_ui(browser, server.address, vue_nodes=CANVASES[request.param]) as page:
        page.set_default_timeout(60_000)
        yield page


def begin(page: Any, words: str, **values: Any) -> None:
    page.evaluate(GRAPH, {"prompt": words, **values})
    page.evaluate(WITH_ID)


def line(page: Any, part: str) -> str:
    """The line before Run, once it holds `part`."""
    found = page.locator(BEFORE).filter(has_text=part).first
    found.wait_for()
    return found.inner_text().replace("\u00a0", " ").strip()


def test_the_line_follows_the_node_and_the_cut_is_drawn_over_the_picture(page):
    begin(page, "a wave", fit="crop")
    said = line(page, "loses")
    assert said.startswith("8 s, 16:9 \u00b7 your 1:1 picture loses top and bottom (44%)")
    assert "about $1.20" in said
    page.wait_for_function(DRAWN)
    kept, width, height = page.evaluate(CUT)
    assert (round(kept, 2), width <= 80, height <= 48) == (0.56, True, True)
    page.evaluate(SET, ["fit", "pad"])
    line(page, "black bars left and right")
    assert page.locator(f"{BEFORE} .cut").count() == 0
    page.evaluate(SET, ["fit", "auto"])
    line(page, "the model fits it")


def test_nothing_of_it_is_saved_and_the_prompt_box_keeps_its_height(page):
    page.evaluate("() => app.graph.clear()")
    begin(page, "a lake", fit="crop")
    line(page, "loses")
    box = page.evaluate(PROMPT_BOX)
    height, saved = page.evaluate(SAVED)
    assert "loses" not in saved
    page.evaluate("() => { app.graph._nodes[1].disconnectInput(0); app.api.dispatchCustomEvent('graphChanged'); }")
    page.locator(BEFORE).first.wait_for(state="detached")
    if not page.evaluate("LiteGraph.vueNodesMode"):  # there a node is as high as what it holds
        assert abs(page.evaluate(PROMPT_BOX) - box) < 2
        assert abs(page.evaluate(SAVED)[0] - height) < 2


def test_a_run_takes_its_place_and_what_is_made_is_said_to_be_free(page, usual):
    begin(page, f"a sea of {id(page)}", seed=3)
    line(page, "8 s")
    page.evaluate(RUN)
    assert page.evaluate("window.ended") == "execution_success"
    page.locator(".remote-video-node:visible [data-phase=made]").first.wait_for()
    page.locator(BEFORE).first.wait_for(state="detached")
    page.evaluate(SET, ["seed", 4])
    assert "usually 0:0" in line(page, "usually")
    begin(page, f"a sea of {id(page)}", seed=3)
    assert line(page, "free") == "Already made: free"


def test_a_guess_is_called_one_and_a_clip_that_lands_behind_is_told_of_where_it_is_folded_up(page, usual):
    begin(page, f"a hill of {id(page)}", wait=False)
    line(page, "usually")
    page.evaluate(HEAR)
    page.evaluate(RUN)
    guess = page.locator(GUESS).first
    guess.wait_for()
    assert "A guess" in guess.get_attribute("title")
    assert float(guess.evaluate("(bar) => bar.value")) <= 0.9
    page.evaluate(FOLD)
    page.wait_for_function(f"() => ({SIGN})().includes('The clip is')")
    page.locator(TOAST).filter(has_text="is here").first.wait_for()
    assert page.evaluate("window.tones") == 1
    page.evaluate(FOLD)
    page.wait_for_function(f"() => !({SIGN})().includes('The clip is')")
