"""What people find: the nodes by what they type and by a wire from a picture; the node that makes a list of a batch."""

from __future__ import annotations

import pytest

from .ui_page import CANVASES, NODE_TEXT, RUN, close_error, open_ui

FIRST_FIVE = """(words) => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    return $pinia._s.get("nodeDef").nodeSearchService.searchNode(words, [], { limit: 5 }).map(({ name }) => name);
}"""
KNOWS_ALIASES = "() => !window.__COMFYUI_FRONTEND_VERSION__.startsWith('1.37.')"
OF_A_BATCH = """() => {
    app.graph.clear();
    const images = LiteGraph.createNode("EmptyImage"), clip = LiteGraph.createNode("Veo3I2V");
    for (const node of [images, clip]) app.graph.add(node);
    [images.pos, clip.pos] = [[80, 80], [500, 80]];
    const set = (node, name, value) => { node.widgets.find((widget) => widget.name === name).value = value; };
    set(images, "batch_size", 2);
    set(clip, "prompt", `two at once ${LiteGraph.vueNodesMode}`);
    images.connect(0, clip, clip.inputs.findIndex(({ name }) => name === "image"));
    app.canvas.ds.reset();
    return app.loadGraphData({ ...app.graph.serialize(), id: crypto.randomUUID() });
}"""
WIRES = """() => Object.fromEntries(app.graph._nodes.map((node) =>
    [node.type, node.inputs.map((_, slot) => node.getInputNode(slot)?.type).filter(Boolean).join()]))"""
DRAG_FROM = """() => {
    app.graph.clear();
    const image = LiteGraph.createNode("LoadImage");
    image.pos = [120, 120];
    app.graph.add(image);
    app.canvas.ds.reset();
    const [x, y] = image.getConnectionPos(false, 0), place = app.canvas.canvas.getBoundingClientRect();
    return [x + place.left, y + place.top];
}"""
ANY = {"Veo3I2V", "Kling3I2V", "RunwayGen3Turbo", "Dreamina3Pro", "CometVeo", "RunComfyVideo"}


@pytest.fixture(scope="module", params=list(CANVASES))
def page(request, browser, comfy):
    with open_ui(browser, comfy.address, vue_nodes=CANVASES[request.param]) as page:
        page.set_default_timeout(60_000)
        page.is_vue = CANVASES[request.param]
        yield page


def test_what_people_type_finds_the_nodes(page):
    assert ANY & set(page.evaluate(FIRST_FIVE, "image to video"))
    if not page.evaluate(KNOWS_ALIASES):
        pytest.skip("this frontend looks at the names of nodes alone")
    for words in ("img2vid", "photo to clip", "\u56fe\u751f\u89c6\u9891"):
        assert ANY & set(page.evaluate(FIRST_FIVE, words)), words
    assert page.evaluate(FIRST_FIVE, "\u53ef\u7075")[0] == "Kling3I2V"
    assert page.evaluate(FIRST_FIVE, "\u5373\u68a6")[0] == "Dreamina3Pro"


def test_a_wire_from_a_picture_offers_the_nodes_below_comfyuis_own(page):
    if page.is_vue:
        pytest.skip("the menu is the same")
    x, y = page.evaluate(DRAG_FROM)
    page.wait_for_timeout(1000)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 300, y + 100, steps=5)
    page.mouse.up()
    offered = page.locator(".litecontextmenu .litemenu-entry")
    offered.filter(has_text="Veo3I2V").wait_for()
    names = offered.all_inner_texts()
    assert names.index("PreviewImage") < names.index("Veo3I2V")
    offered.filter(has_text="Veo3I2V").click()
    page.wait_for_function(f"() => ({WIRES})().Veo3I2V === 'LoadImage'")


def test_an_errors_button_makes_a_list_of_a_batch(page):
    page.evaluate(OF_A_BATCH)
    page.wait_for_timeout(500)
    page.evaluate(RUN)
    page.evaluate("window.ended")
    card = page.locator(NODE_TEXT).filter(has_text="Rebatch Images").first
    card.wait_for()
    page.wait_for_timeout(1000)
    close_error(page)
    card.get_by_role("button", name="Make it a list").click()
    wires = {"EmptyImage": "", "RebatchImages": "EmptyImage", "Veo3I2V": "RebatchImages"}
    page.wait_for_function(
        f"(wires) => JSON.stringify(({WIRES})(), Object.keys(wires)) === JSON.stringify(wires)", arg=wires
    )
    page.evaluate(RUN)
    assert page.evaluate("window.ended") == "execution_success"
    page.locator(NODE_TEXT).filter(has_text="Clip 2:").first.wait_for()
