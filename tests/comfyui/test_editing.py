"""Filling in the nodes in a browser, on both canvases: models by keyboard, shots, names of files, words."""

from __future__ import annotations

import time

import pytest
from remote_video_pack.remote_video.catalogue.catalogue import published_snapshot
from remote_video_pack.remote_video.catalogue.store import file_of, keep

from .ui_page import CANVASES, open_ui, run_clip

KLING, WAN = "kling/kling-3.0/pro/image-to-video", "wan-ai/wan-3.0/image-to-video"
OLD = "acme/old-1/image-to-video"
NEW_NODE = """(type) => {
    app.graph.clear();
    window.node = LiteGraph.createNode(type);
    node.pos = [60, 90];
    app.graph.add(node);
    app.canvas.ds.reset();
    app.canvas.setDirty(true, true);
}"""
SET = """(values) => {
    for (const [name, value] of Object.entries(values)) {
        const widget = node.widgets.find((one) => one.name === name);
        if (widget.setValue) widget.setValue(value, { e: {}, node, canvas: app.canvas });
        else { widget.value = value; widget.callback?.(value, app.canvas, node); }
    }
}"""
VALUES = """() => Object.fromEntries(node.widgets.filter(({ serialize }) => serialize !== false)
    .map(({ name, value }) => [name, value]))"""
ASKED = "async () => Object.values((await app.graphToPrompt()).output)[0].inputs"
PLACE = """(name) => {
    const { y } = node.widgets.find((one) => one.name === name);
    const [left, top] = app.canvas.ds.convertOffsetToCanvas([node.pos[0] + node.size[0] / 2, node.pos[1] + y + 10]);
    const { x: across, y: down } = app.canvas.canvas.getBoundingClientRect();
    return [left + across, top + down];
}"""
SOCKETS = """() => node.inputs.filter(({ widget }) => !widget)
    .map(({ name, label, localized_name }) => [name, label || localized_name || name])"""
LABELS = "() => Object.fromEntries(node.widgets.map(({ name, label }) => [name, label]))"
RELOAD = """async () => {
    window.saved = JSON.parse(JSON.stringify(app.graph.serialize()));
    await app.loadGraphData(saved);
    window.node = app.graph._nodes.find(({ type }) => type === node.type);
}"""


@pytest.fixture(scope="module", params=list(CANVASES))
def page(request, browser, comfy):
    """A page; `window.node` is the node under test."""
    with open_ui(browser, comfy.address, vue_nodes=CANVASES[request.param], height=1600) as page:
        page.set_default_timeout(20_000)
        page.is_vue = CANVASES[request.param]
        yield page


def press(page, widget: str, words: str) -> None:
    """Press a widget of the canvas, or the button of these words on Nodes 2.0."""
    if page.is_vue:
        page.get_by_role("button", name=words).click()
    else:
        page.wait_for_function("name => node.widgets.find((one) => one.name === name).y > 0", arg=widget)
        page.mouse.click(*page.evaluate(PLACE, widget))


def options(page) -> list[str]:
    return page.locator(".remote-video-picker [role=option] .name").all_inner_texts()


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widget", ["model", "$$choose"])
def test_a_model_is_searched_for_and_chosen_by_keyboard_and_values_are_kept(page, widget):
    page.evaluate(NEW_NODE, "RunComfyVideo")
    page.evaluate(SET, {"prompt": "A flag moves.", "model": KLING, "model.duration": 6})
    press(page, widget, "Choose a model")
    box = page.get_by_role("combobox", name="Search")
    page.locator(".remote-video-picker [aria-selected=true]").filter(has_text="chosen").wait_for()
    page.keyboard.type("WAN image")
    page.wait_for_function("() => document.querySelectorAll('.remote-video-picker [role=option]').length === 1")
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-selected") == "true"
    assert "Wan 3.0 I2V" in active.inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".remote-video-picker").wait_for(state="detached")
    values = page.evaluate(VALUES)
    assert (values["model"], values["model.duration"], values["prompt"]) == (WAN, 6, "A flag moves.")
    page.evaluate(RELOAD)
    assert page.evaluate(VALUES) == values
    assert page.evaluate("() => saved.nodes[0].widgets_values") == list(values.values())
    assert page.evaluate(ASKED).keys() <= values.keys()


def test_escape_leaves_the_model_and_the_filters_leave_their_kind(page):
    page.evaluate(NEW_NODE, "RunComfyVideo")
    page.evaluate(SET, {"model": KLING})
    press(page, "model", "Choose a model")
    page.get_by_label("Vendor").select_option("kling")
    page.get_by_label("Kind").select_option("text-to-video")
    assert all("T2V" in name for name in options(page))
    assert "$0.42 a second" in page.locator(".remote-video-picker").inner_text()
    page.get_by_role("combobox", name="Search").press("Escape")
    page.locator(".remote-video-picker").wait_for(state="detached")
    assert page.evaluate(VALUES)["model"] == KLING


def test_a_model_that_is_no_longer_listed_is_marked_and_stands_last(page, comfy):
    file = file_of(comfy.home, comfy.environment["RUNCOMFY_API_BASE_URL"])
    old = {**published_snapshot()[0], "model_id": OLD, "display_name": "Old 1"}
    keep(file, [*published_snapshot(), old])
    keep(file, published_snapshot())
    page.evaluate("() => app.refreshComboInNodes()")
    page.evaluate(NEW_NODE, "RunComfyVideo")
    press(page, "model", "Choose a model")
    page.locator(".remote-video-picker [role=option]").first.wait_for()
    names = [name.split() for name in options(page)]
    assert ["Old", "1", "retired"] in names
    assert ["retired" in name for name in names] == sorted("retired" in name for name in names)
    page.keyboard.press("Escape")
    page.locator(".remote-video-picker").wait_for(state="detached")


def test_the_names_that_cometapi_lists_are_offered_and_any_other_can_be_written(page):
    page.evaluate(NEW_NODE, "CometVeo")
    press(page, "$$choose", "Choose a model")
    page.locator(".remote-video-picker [role=option]").first.wait_for()
    assert [name.split()[0] for name in options(page)] == ["veo3", "veo3-fast", "veo3-pro", "veo3.1", "veo3.1-pro"]
    page.keyboard.type("3.1-p")
    page.keyboard.press("Enter")
    page.wait_for_function("() => node.widgets.find(({ name }) => name === 'model').value === 'veo3.1-pro'")
    press(page, "$$choose", "Choose a model")
    page.locator(".remote-video-picker [role=option]").first.wait_for()
    page.keyboard.type("veo9-lite")
    page.keyboard.press("Enter")
    page.wait_for_function("() => node.widgets.find(({ name }) => name === 'model').value === 'veo9-lite'")
    assert page.evaluate(ASKED)["model"] == "veo9-lite"
    values = page.evaluate(VALUES)
    page.evaluate(RELOAD)
    assert page.evaluate(VALUES) == values


# -- shots -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "below", "group", "first"),
    [("Kling3I2V", "", "multi_shot", {}), ("RunComfyVideo", "model.", "model.multi_prompt", {"model": KLING})],
)
def test_shots_are_added_up_as_they_change_and_spread_evenly_by_one_click(page, type_, below, group, first):
    page.evaluate(NEW_NODE, type_)
    fives = {f"{group}.shot_{n}_duration": 5 for n in (1, 2, 3)}
    page.evaluate(SET, {**first, group: "3 shots", f"{below}duration": 10, **fives})
    bar = page.locator(".remote-video-shots")
    bar.get_by_text("Shots: 15 of 10 s, 5 s too long").wait_for()
    assert bar.get_attribute("data-fits") == "false"
    page.evaluate(SET, {f"{below}duration": 14})
    bar.get_by_text("Shots: 15 of 14 s, 1 s too long").wait_for()
    page.evaluate("() => app.canvas.ds.reset()")
    button = bar.get_by_role("button", name="Spread evenly")
    button.evaluate("(button) => button.click()")
    bar.get_by_text("Shots: 14 s, as long as the clip").wait_for()
    values = page.evaluate(VALUES)
    assert [values[f"{group}.shot_{n}_duration"] for n in (1, 2, 3)] == [5, 5, 4]
    assert button.is_disabled()
    assert not any(name.startswith("$$") for name in page.evaluate(ASKED))
    page.evaluate(RELOAD)
    assert page.evaluate(VALUES) == values
    page.evaluate(SET, {group: "off"})
    bar.wait_for(state="detached")


def test_a_clip_too_short_for_its_shots_says_so_and_is_lengthened_by_one_click(page):
    page.evaluate(NEW_NODE, "Kling3I2V")
    page.evaluate(SET, {"multi_shot": "5 shots", "duration": 9})
    button = page.locator(".remote-video-shots").get_by_role("button", name="Make the clip 15 s")
    button.wait_for()
    assert button.get_attribute("title") == "5 shots of 3 to 15 s each can't last 9 s together."
    button.evaluate("(button) => button.click()")
    page.locator(".remote-video-shots").get_by_text("Shots: 15 s, as long as the clip").wait_for()
    values = page.evaluate(VALUES)
    assert [values[f"multi_shot.shot_{n}_duration"] for n in (1, 2, 3, 4, 5)] == [3] * 5


# -- names of files ----------------------------------------------------------------------------------------------------


def test_a_prefix_takes_what_the_save_nodes_take(page, comfy):
    seed, year = int(time.time()) + int(page.is_vue), time.strftime("%Y")
    prefix = "%date:yyyy%/%Veo3I2V.seed%/%LoadImage.image%-%year%"
    assert run_clip(page, prompt="A flag.", seed=seed, filename_prefix=prefix) == "execution_success"
    (clip,) = (comfy.output / year / str(seed)).glob("*.mp4")
    assert clip.name == f"example.png-{year}_00001_.mp4"
    saved = page.evaluate("() => app.graph.serialize().nodes.find(({ type }) => type === 'Veo3I2V').widgets_values")
    assert prefix in saved


# -- words -------------------------------------------------------------------------------------------------------------


def test_sockets_and_widgets_are_called_by_words_and_keep_their_names(page):
    page.evaluate(NEW_NODE, "Kling3I2V")
    assert page.evaluate(SOCKETS)[:2] == [["image", "Image"], ["elements.element_0", "Element 1"]]
    labels = page.evaluate(LABELS)
    assert (labels["negative_prompt"], labels["cfg_scale"]) == ("Negative prompt", "CFG scale")
    page.evaluate("""() => {
        const element = LiteGraph.createNode("Kling3Element");
        app.graph.add(element);
        element.connect(0, node, node.inputs.findIndex(({ name }) => name === "elements.element_0"));
    }""")
    page.wait_for_function("() => node.inputs.some(({ label }) => label === 'Element 2')")
    assert page.evaluate("() => node.outputs.map(({ localized_name }) => localized_name)")[1] == "Path of the video"
    page.evaluate(SET, {"multi_shot": "2 shots"})
    assert page.evaluate(LABELS)["multi_shot.shot_2_prompt"] == "Shot 2 · Prompt"
    if page.is_vue:
        for words in ("Element 1", "Frames per second", "Shot 2 · Duration"):
            page.get_by_text(words, exact=True).first.wait_for()


def test_what_somebody_called_a_socket_is_kept_and_our_words_are_not_saved(page):
    page.evaluate(NEW_NODE, "RunComfyVideo")
    page.evaluate(SET, {"model": WAN})
    page.evaluate("() => { node.inputs.find(({ name }) => name === 'model.image_url').label = 'Hero'; }")
    page.evaluate(RELOAD)
    assert ["model.image_url", "Hero"] in page.evaluate(SOCKETS)
    slots = page.evaluate("() => [...saved.nodes[0].inputs, ...saved.nodes[0].outputs].map(({ label }) => label)")
    assert [label for label in slots if label] == ["Hero"]
