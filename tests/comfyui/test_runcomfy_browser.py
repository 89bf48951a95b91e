"""The node for every model in a browser, on the canvas and on Nodes 2.0: what was written and wired is never lost."""

from __future__ import annotations

import json

import pytest
import requests
from remote_video_pack.remote_video.catalogue.catalogue import published_snapshot

from .catalogue_prompts import MODELS, own_values, sockets
from .ui_page import UI_READY

KLING, WAN, HAPPYHORSE, FLUX, SEEDANCE, O3 = (
    "kling/kling-3.0/pro/image-to-video",
    "wan-ai/wan-3.0/image-to-video",
    "alibaba/happyhorse-1.1/image-to-video",
    "blackforestlabs/flux-3/text-to-video",
    "bytedance/seedance-2.5/reference-to-video/1080p",
    "kling/kling-video-o3/pro/reference-to-video",
)
GONE = "wan-ai/wan-9/image-to-video"
DRIVER = """() => {
    const SOURCES = { image: "LoadImage", video: "CreateVideo", sound: "EmptyAudio", element: "Kling3Element" };
    const settled = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
    const links = (node) => node.inputs.filter(({ link }) => link != null).map((input) => {
        const link = app.graph.links.get?.(input.link) ?? app.graph.links[input.link];
        const isHere = link.target_slot === node.inputs.indexOf(input) && String(link.target_id) === String(node.id);
        return [input.name, isHere && app.graph.getNodeById(link.origin_id).type];
    });
    const widgets = (node) => Object.fromEntries(node.widgets.filter(({ name }) => !name.startsWith("$$"))
        .map(({ name, value }) => [name, value]));
    window.driver = {
        settled,
        async begin() {
            app.graph.clear();
            await settled();
            driver.sources = {};
            driver.add("RunComfyVideo");
            for (const [kind, type] of Object.entries(SOURCES)) {
                driver.sources[kind] = LiteGraph.createNode(type);
                app.graph.add(driver.sources[kind]);
            }
        },
        add(type) {
            driver.node = LiteGraph.createNode(type);
            app.graph.add(driver.node);
        },
        async set(values) {
            for (const [name, value] of Object.entries(values)) {
                const { node } = driver;
                const widget = node.widgets.find((one) => one.name === name);
                if (widget.setValue) widget.setValue(value, { e: {}, node, canvas: app.canvas });
                else {
                    widget.value = value;
                    widget.callback?.(value, app.canvas, node);
                }
                await settled();
            }
        },
        async wire(wires) {
            for (const [name, kind] of Object.entries(wires)) {
                const slot = driver.node.inputs.findIndex((input) => input.name === name);
                if (slot < 0) throw new Error(`no socket ${name}`);
                driver.sources[kind].connect(0, driver.node, slot);
                await settled();
            }
        },
        shown: (node = driver.node) => ({ widgets: widgets(node), links: links(node) }),
        async asked() {
            const { output } = await app.graphToPrompt();
            return output[String(driver.node.id)].inputs;
        },
        async reload(saved = JSON.parse(JSON.stringify(app.graph.serialize()))) {
            await app.loadGraphData(saved);
            await settled();
            driver.node = app.graph._nodes.find(({ type }) => type === "RunComfyVideo");
        },
        saved() {
            const graph = JSON.parse(JSON.stringify(app.graph.serialize()));
            return [graph, graph.nodes.find(({ type }) => type === "RunComfyVideo")];
        },
        offered() {
            const { tooltip, options } = driver.node.widgets.find(({ name }) => name === "model");
            return [tooltip, options.values];
        },
        badges: () => driver.node.badges.map((one) => (typeof one === "function" ? one() : one).text).filter(Boolean),
    };
}"""


@pytest.fixture(scope="module", params=[False, True], ids=["canvas", "nodes 2.0"])
def opened(request, browser, comfy):
    """A page with a driver on it, and the exceptions it had."""
    requests.post(f"{comfy.address}/api/settings/Comfy.TutorialCompleted", json=True, timeout=10)
    page = browser.new_page(viewport={"width": 1300, "height": 1600})
    exceptions: list[str] = []
    page.on("pageerror", lambda error: exceptions.append(str(error)))
    page.goto(comfy.address)
    page.wait_for_function(UI_READY, timeout=120_000)
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", request.param)
    page.evaluate(DRIVER)
    yield page, exceptions
    page.close()


@pytest.fixture
def page(opened):
    """The page with a new node on it; fails the test on an exception in the page."""
    page, exceptions = opened
    exceptions.clear()
    page.evaluate("() => driver.begin()")
    yield page
    assert exceptions == []


def write(page, model_id: str) -> dict:
    """Choose a model, write into each of its widgets and wire each of its sockets; what is shown then."""
    model = MODELS[model_id]
    values = {f"model.{name}": value for name, value in own_values(model).items()}
    wires = {f"model.{name}": kind for field in model.own for name, (kind,) in sockets(field).items()}
    wires = {name: "image" if kind == "still" else kind for name, kind in wires.items()}
    page.evaluate("values => driver.set(values)", {"prompt": "A flag moves.", "seed": 7, "model": model_id, **values})
    page.evaluate("wires => driver.wire(wires)", wires)
    shown = page.evaluate("() => driver.shown()")
    assert {name: shown["widgets"][name] for name in values} == values
    assert {name for name, _ in shown["links"]} == set(wires)
    assert all(source for _, source in shown["links"])
    return shown


@pytest.mark.parametrize("model_id", MODELS)
def test_a_saved_workflow_comes_back_as_it_was_saved(page, model_id):
    before = write(page, model_id)
    asked = page.evaluate("() => driver.asked()")
    page.evaluate("() => driver.reload()")
    assert page.evaluate("() => driver.shown()") == before
    assert page.evaluate("() => driver.asked()") == asked
    assert asked.keys() >= {"prompt", "seed", "model", *(name for name, _ in before["links"])}


DRIFTS = {
    "reordered": """(saved) => {
        const { values } = saved.properties.remote_video;
        saved.properties.remote_video.values = Object.fromEntries(Object.entries(values).reverse());
        saved.widgets_values.push(...saved.widgets_values.splice(-6).reverse());
        saved.inputs.reverse();
    }""",
    "a property gained": """(saved) => {
        delete saved.properties.remote_video.values.prompt_extend;
        saved.widgets_values.splice(-3, 1);
        saved.inputs = saved.inputs.filter(({ name }) => name !== "model.prompt_extend");
    }""",
    "a property lost": """(saved) => {
        saved.properties.remote_video.values.mood = "wild";
        saved.widgets_values.splice(-4, 0, "wild");
        saved.inputs.push({ name: "model.mood", type: "STRING", widget: { name: "model.mood" }, link: null });
        saved.inputs.push({ name: "model.mask_url", type: "IMAGE,STRING", link: null });
    }""",
    "retyped": """(saved) => {
        const { values } = saved.properties.remote_video;
        values.duration = String(values.duration);
        values.enable_audio = String(values.enable_audio);
    }""",
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_model_that_changed_meanwhile_shifts_no_value(page, drift):
    before = write(page, WAN)
    page.evaluate(
        f"""async () => {{
            const [graph, saved] = driver.saved();
            ({DRIFTS[drift]})(saved);
            await driver.reload(graph);
        }}"""
    )
    expected = {**before["widgets"], "model.prompt_extend": True} if drift == "a property gained" else before["widgets"]
    shown = page.evaluate("() => driver.shown()")
    assert shown["widgets"] == expected
    assert sorted(shown["links"]) == sorted(before["links"])
    assert page.evaluate("() => driver.asked()").keys() == {*expected, *(n for n, _ in before["links"])} - {"fixed"}


def test_a_value_that_is_no_longer_offered_is_kept_for_the_server_to_refuse(page, comfy):
    write(page, WAN)
    page.evaluate("""async () => {
        const [graph, saved] = driver.saved();
        Object.assign(saved.properties.remote_video.values, { resolution: "8K", duration: 99 });
        await driver.reload(graph);
    }""")
    asked = page.evaluate("() => driver.asked()")
    assert (asked["model.resolution"], asked["model.duration"]) == ("8K", 99)
    assert "the model knows only" in refused(page, comfy)


def refused(page, comfy) -> str:
    prompt = page.evaluate("async () => (await app.graphToPrompt()).output")
    return json.dumps(comfy.refusal({name: node for name, node in prompt.items() if node["inputs"]}))


def test_a_model_that_is_gone_keeps_what_was_written_and_says_what_replaces_it(page, comfy):
    before = write(page, WAN)
    page.evaluate(
        """async (gone) => {
            const [graph, saved] = driver.saved();
            saved.widgets_values[saved.widgets_values.indexOf(saved.properties.remote_video.model)] = gone;
            saved.properties.remote_video.model = gone;
            await driver.reload(graph);
            await driver.reload();
        }""",
        GONE,
    )
    shown = page.evaluate("() => driver.shown()")
    assert shown["widgets"] == {**before["widgets"], "model": GONE}
    assert sorted(shown["links"]) == sorted(before["links"])
    assert "no longer offered" in page.evaluate("() => driver.badges()")
    page.locator(".remote-video-node").filter(has_text="In its place: wan-ai/").first.wait_for(state="attached")
    assert f"{GONE}' is not offered, or not any more. In its place there is wan-ai/" in refused(page, comfy)
    page.evaluate("model => driver.set({ model })", WAN)
    assert page.evaluate("() => driver.shown()") == before


def test_another_model_takes_over_what_has_the_same_name_and_gives_it_back(page):
    before = write(page, WAN)
    page.evaluate("model => driver.set({ model })", HAPPYHORSE)
    shown = page.evaluate("() => driver.shown()")
    assert shown["widgets"]["model.duration"] == before["widgets"]["model.duration"] == 6
    assert [name for name, _ in shown["links"]] == ["model.image_url"]
    assert (shown["widgets"]["prompt"], shown["widgets"]["seed"]) == ("A flag moves.", 7)
    page.evaluate("model => driver.set({ model })", FLUX)
    assert page.evaluate("() => driver.shown()")["links"] == []
    page.evaluate("model => driver.set({ model })", WAN)
    assert page.evaluate("() => driver.shown()") == before


def test_a_value_that_another_model_does_not_take_stays_with_those_that_do(page):
    write(page, WAN)
    page.evaluate("() => driver.set({ 'model.duration': 20, 'model.resolution': '1080p' })")
    before = page.evaluate("() => driver.shown()")
    for other, own in ((KLING, {"duration": 10}), (HAPPYHORSE, {"duration": 5, "resolution": "1080P"})):
        page.evaluate("model => driver.set({ model })", other)
        shown = page.evaluate("() => driver.shown()")["widgets"]
        assert {name: shown[f"model.{name}"] for name in own} == own
    page.evaluate("model => driver.set({ model })", WAN)
    assert page.evaluate("() => driver.shown()") == before


@pytest.mark.parametrize(("first", "second"), [(SEEDANCE, O3), (KLING, FLUX)])
def test_lists_and_shots_come_back_too(page, first, second):
    before = write(page, first)
    page.evaluate("model => driver.set({ model })", second)
    page.evaluate("model => driver.set({ model })", first)
    shown = page.evaluate("() => driver.shown()")
    assert sorted(shown["links"]) == sorted(before["links"])
    assert shown["widgets"].keys() == before["widgets"].keys()
    assert {n: v for n, v in shown["widgets"].items() if ".shot_" in n or n == "model.multi_prompt"} == {
        n: v for n, v in before["widgets"].items() if ".shot_" in n or n == "model.multi_prompt"
    }


def test_a_new_node_after_clear_is_a_new_node(page):
    fresh = page.evaluate("() => driver.shown()")
    write(page, WAN)
    page.evaluate("() => driver.begin()")
    assert page.evaluate("() => driver.shown()") == fresh
    assert page.evaluate("() => driver.asked()")["model"] == fresh["widgets"]["model"]


def test_copies_are_as_the_first(page):
    before = write(page, SEEDANCE)
    copied = page.evaluate("""async () => {
        const first = driver.node;
        app.canvas.selectItems(app.graph._nodes);
        app.canvas.copyToClipboard(app.canvas.selectedItems);
        app.canvas.pasteFromClipboard();
        await driver.settled();
        const second = app.graph._nodes.find((node) => node.type === "RunComfyVideo" && node !== first);
        return [first, second].map((node) => driver.shown(node));
    }""")
    assert copied == [before, before]


def test_r_brings_new_models_to_nodes_that_are_there(page, provider):
    before = write(page, SEEDANCE)
    number = int(page.evaluate("() => app.extensionManager.setting.get('Comfy.VueNodes.Enabled')"))
    new = f"acme/shiny-{number}/image-to-video"
    shiny = {**published_snapshot()[0], "model_id": new, "base_price_usd": 0.25, "price_unit": "second"}
    provider.listing.put({**shiny, "pricing_note": "1080p costs double."})
    page.evaluate("() => app.refreshComboInNodes()")
    page.wait_for_function("model => driver.offered()[1].includes(model)", arg=new)
    assert page.evaluate("() => driver.shown()") == before
    offered = page.evaluate("() => driver.offered()")
    page.evaluate("model => driver.set({ model })", new)
    asked = page.evaluate("() => driver.asked()")
    assert (asked["model"], asked["model.duration"]) == (new, 6)
    page.wait_for_function("() => driver.badges().includes('from $1.50')")
    page.evaluate("() => driver.add('RunComfyVideo')")
    assert page.evaluate("() => driver.offered()") == offered


def test_the_price_follows_the_widgets(page):
    page.evaluate("model => driver.set({ model, 'model.duration': 10 })", KLING)
    assert "$1.12" in page.evaluate("() => driver.badges()")
    page.evaluate("() => driver.set({ 'model.duration': 5 })")
    assert "$0.56" in page.evaluate("() => driver.badges()")
    page.evaluate("model => driver.set({ model })", WAN)
    assert not any("$" in text for text in page.evaluate("() => driver.badges()"))
    if page.evaluate("() => app.extensionManager.setting.get('Comfy.VueNodes.Enabled')"):
        page.evaluate("model => driver.set({ model, 'model.duration': 10 })", KLING)
        page.get_by_text("$1.12").wait_for()
        page.evaluate("() => driver.set({ 'model.duration': 5 })")
        page.get_by_text("$0.56").wait_for()


def test_a_promoted_model_with_the_keys_of_another_is_refused_in_words(page, comfy):
    write(page, WAN)
    prompt = page.evaluate(
        """async (other) => {
            const { subgraph, node } = app.graph.convertToSubgraph(new Set([driver.node]));
            await driver.settled();
            const inner = subgraph.nodes.find(({ type }) => type === "RunComfyVideo");
            const input = inner.inputs.find(({ name }) => name === "model");
            subgraph.addInput("model", input.type).connect(input, inner);
            await driver.settled();
            const widget = node.widgets.find(({ name }) => name === "model");
            widget.value = other;
            widget.callback?.(other, app.canvas, node);
            await driver.settled();
            return (await app.graphToPrompt()).output;
        }""",
        FLUX,
    )
    (name,) = [name for name, node in prompt.items() if node["class_type"] == "RunComfyVideo"]
    assert prompt[name]["inputs"]["model"] == FLUX
    if "model.image_url" in prompt[name]["inputs"]:  # the older frontend changes the node itself, with its inputs
        words = json.dumps(comfy.refusal({n: node for n, node in prompt.items() if n == name or n.isdigit()}))
        assert "FLUX 3 Video has no input `" in words
