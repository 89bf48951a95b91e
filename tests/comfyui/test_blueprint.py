"""The subgraph blueprint: ComfyUI offers it as a node, and put on the canvas it makes a clip."""

from __future__ import annotations

import pytest

from .ui_page import CANVASES, LOADED_WITHIN_MS, RUN, open_ui

NAME = "Photo to clip with sound"
OFFERED = f"() => app.extensionManager.workflow.getWorkflowByPath('subgraphs/{NAME}.json')?.isLoaded"
"""Where a frontend keeps a blueprint that it offers among the nodes."""
PLACE = """async (name) => {
    const all = await (await app.api.fetchApi("/global_subgraphs")).json();
    const id = Object.keys(all).find((key) => all[key].name === name);
    const { data } = await (await app.api.fetchApi(`/global_subgraphs/${id}`)).json();
    await app.loadGraphData(JSON.parse(data));
    const [clip] = app.graph._nodes;
    const image = LiteGraph.createNode("LoadImage");
    app.graph.add(image);
    image.widgets.find((widget) => widget.name === "image").value = "example.png";
    image.connect(0, clip, clip.inputs.findIndex((input) => input.name === "image"));
    clip.widgets.find((widget) => widget.name === "prompt").value = "from a blueprint";
    return [clip.title, clip.widgets.map((widget) => widget.name), clip.outputs.map((output) => output.name)];
}"""


@pytest.mark.parametrize("vue_nodes", CANVASES.values(), ids=CANVASES)
def test_the_blueprint_is_offered_and_makes_a_clip_with_sound(comfy, provider, browser, vue_nodes):
    with open_ui(browser, comfy.address, vue_nodes=vue_nodes) as page:
        page.wait_for_function(OFFERED, timeout=LOADED_WITHIN_MS)
        assert page.evaluate(PLACE, NAME) == [
            NAME,
            ["prompt", "seed", "filename_prefix"],
            ["video", "last_frame", "audio", "video_path"],
        ]
        page.evaluate(RUN)
        assert page.evaluate("window.ended") == "execution_success"
    (asked,) = (job.inputs for job in provider.jobs if job.inputs.get("prompt") == "from a blueprint")
    assert asked["generateAudio"] is True
