"""The shots of Kling in a browser, on the canvas and on Nodes 2.0: another number of them keeps what was written."""

from __future__ import annotations

import pytest

from .ui_page import CANVASES, open_ui

NEW_NODE = """() => {
    app.graph.clear();
    window.kling = LiteGraph.createNode("Kling3I2V");
    app.graph.add(kling);
}"""
CHOOSE = """(choice) => {
    const widget = kling.widgets.find((widget) => widget.name === "multi_shot");
    if (widget.setValue) widget.setValue(choice, { e: {}, node: kling, canvas: app.canvas });
    else {
        widget.value = choice;
        widget.callback?.(choice, app.canvas, kling);
    }
}"""
SHOTS = """() => Object.fromEntries(kling.widgets.filter(({ name }) => name.startsWith("multi_shot.shot_"))
    .map(({ name, value }) => [name.slice("multi_shot.".length), value]))"""
ASKED = """async () => {
    const { output } = await app.graphToPrompt();
    return Object.fromEntries(Object.entries(Object.values(output)[0].inputs)
        .filter(([name]) => name.startsWith("multi_shot"))
        .map(([name, value]) => [name.replace("multi_shot.", ""), value]));
}"""


@pytest.fixture(params=list(CANVASES))
def page(request, browser, comfy):
    """A page with one Kling node, `kling`."""
    with open_ui(browser, comfy.address, vue_nodes=CANVASES[request.param], height=1600) as page:
        page.evaluate(NEW_NODE)
        yield page


FIRST_SHOT_TEXT = 2
"""Of the node's text boxes: after `prompt` and `negative_prompt`."""


def choose(page, choice: str) -> None:
    page.evaluate(CHOOSE, choice)
    page.wait_for_function(
        "n => document.querySelectorAll('textarea').length === n", arg=FIRST_SHOT_TEXT + count(choice)
    )


def count(choice: str) -> int:
    return 0 if choice == "off" else int(choice[0])


def write_two_shots(page) -> None:
    choose(page, "2 shots")
    for number, words in enumerate(("a door opens", "she walks in")):
        page.locator("textarea").nth(FIRST_SHOT_TEXT + number).fill(words)
    page.evaluate("() => { kling.widgets.find((w) => w.name === 'multi_shot.shot_2_duration').value = 7; }")


WRITTEN = {
    "shot_1_prompt": "a door opens",
    "shot_1_duration": 5,
    "shot_2_prompt": "she walks in",
    "shot_2_duration": 7,
}


@pytest.mark.parametrize("way", [["3 shots"], ["off", "4 shots"], ["5 shots", "2 shots"]], ids=" ".join)
def test_another_number_of_shots_keeps_those_that_were_written(page, way):
    write_two_shots(page)
    for choice in way:
        choose(page, choice)
    shots = page.evaluate(SHOTS)
    assert {name: shots[name] for name in WRITTEN} == WRITTEN
    assert len(shots) == 2 * count(way[-1])
    assert [page.locator("textarea").nth(FIRST_SHOT_TEXT + n).input_value() for n in (0, 1)] == [
        "a door opens",
        "she walks in",
    ]
    assert page.evaluate(ASKED) == {"multi_shot": way[-1], **shots}


def test_fewer_shots_and_again_more_bring_the_last_one_back(page):
    write_two_shots(page)
    choose(page, "3 shots")
    page.locator("textarea").nth(FIRST_SHOT_TEXT + 2).fill("rain")
    choose(page, "2 shots")
    assert page.evaluate(SHOTS) == WRITTEN
    choose(page, "3 shots")
    assert page.evaluate(SHOTS)["shot_3_prompt"] == "rain"


def test_a_saved_workflow_comes_back_as_it_was_saved(page):
    write_two_shots(page)
    page.evaluate("() => { window.saved = app.graph.serialize(); }")
    page.locator("textarea").nth(FIRST_SHOT_TEXT).fill("something else")
    choose(page, "4 shots")
    page.evaluate("() => app.loadGraphData(saved)")
    page.evaluate("() => { window.kling = app.graph._nodes[0]; }")
    assert page.evaluate(SHOTS) == WRITTEN


HEARS = """() => new Promise((heard) => setTimeout(heard, 900))"""
"""The page looks at its nodes now and then."""


def test_shots_are_valid_as_soon_as_their_number_is_chosen(page):
    page.locator("textarea").nth(0).fill("a lighthouse at dusk")
    page.evaluate(HEARS)
    choose(page, "3 shots")
    shots = page.evaluate(SHOTS)
    assert [shots[f"shot_{n}_duration"] for n in (1, 2, 3)] == [4, 3, 3]
    assert [shots[f"shot_{n}_prompt"] for n in (1, 2, 3)] == ["a lighthouse at dusk", "", ""]
    page.locator(".remote-video-shots").get_by_text("All shots share the main prompt.").wait_for()
    choose(page, "2 shots")
    assert [page.evaluate(SHOTS)[f"shot_{n}_duration"] for n in (1, 2)] == [5, 5]


def test_loading_chooses_nothing(page):
    page.locator("textarea").nth(0).fill("a lighthouse at dusk")
    page.evaluate(HEARS)
    choose(page, "2 shots")
    page.evaluate("""() => {
        const set = (name, value) => { kling.widgets.find((one) => one.name === name).value = value; };
        set("multi_shot.shot_1_prompt", "");
        set("duration", 12);
        window.saved = app.graph.serialize();
    }""")
    page.evaluate("() => app.loadGraphData(saved)")
    page.evaluate("() => { window.kling = app.graph._nodes[0]; }")
    page.evaluate(HEARS)
    unwritten = {"shot_1_prompt": "", "shot_1_duration": 5, "shot_2_prompt": "", "shot_2_duration": 5}
    assert page.evaluate(SHOTS) == unwritten
