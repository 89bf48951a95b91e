"""The pictures of README and docs: a node in its graph, the panel, the choice of a model, shots; and Run as a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..comfy_server import PACK_FOLDER
from ..ui_page import PICKER, open_panel
from .page import CLIPS_SHOWN, Box, around, hold, make_clips, photograph, save, show
from .screencast import Screencast
from .templates import Template, arranged, read

FOLDER = PACK_FOLDER / "assets"
QUALITY = 66
NODE, SHOTS = "Veo 3 animates a photo with sound", "Kling 3 makes three shots one film"
PROMPT = "Steam rises from the coffee while the camera slowly moves closer. A quiet cafe."
TAKE = """([prompt, seed]) => {
    const [clip] = app.graph.findNodesByType("Veo3I2V");
    for (const [name, value] of [["prompt", prompt], ["seed", seed]])
        clip.widgets.find((one) => one.name === name).value = value;
}"""
"""The seed makes it a clip of this picture alone, not one that was there before."""
READERS = """() => {
    const [clip] = app.graph.findNodesByType("Veo3I2V");
    for (const [type, output, below] of [["SaveVideo", "video", 0], ["PreviewImage", "last_frame", 460]]) {
        const node = LiteGraph.createNode(type);
        node.pos = [clip.pos[0] + clip.size[0] + 50, clip.pos[1] + below];
        node.size = [380, 100];
        app.graph.add(node);
        clip.connect(clip.outputs.findIndex(({ name }) => name === output), node, 0);
    }
}"""
TOO_LONG = """() => {
    const [node] = app.graph.findNodesByType("Kling3I2V");
    const values = { duration: 10 };
    for (const shot of [1, 2, 3]) values[`multi_shot.shot_${shot}_duration`] = 5;
    for (const [name, value] of Object.entries(values)) {
        const widget = node.widgets.find((one) => one.name === name);
        widget.value = value;
        widget.callback?.(value, app.canvas, node);
    }
}"""


def veo(page: Any, seed: int, places: Mapping[int, tuple[int, int, int]], **view: Any) -> None:
    """Show Load Image and the Veo 3 node."""
    show(page, arranged(read(NODE), Template(["coffee.png"], places)), **view)
    page.evaluate(TAKE, [PROMPT, seed])


def node_in_graph(page: Any) -> None:
    """A photograph is loaded and becomes a clip; the clip and its last frame go on."""
    veo(page, 0, {1: (0, 0, 360), 2: (410, 0, 450)})
    page.evaluate(READERS)
    make_clips(page, 2)
    hold(page, 0.6)
    ids = page.evaluate("app.graph.nodes.map(({ id }) => Number(id))")
    save(photograph(page, around(page, ids, 28)), FOLDER / "node_in_graph.jpg", QUALITY)


def panel_and_node(page: Any) -> None:
    """The jobs panel beside the node."""
    page.set_viewport_size({"width": 920, "height": 900})
    veo(page, 1, {1: (-700, 0, 360), 2: (0, 0, 450)}, corner=(-270, 124))
    make_clips(page)
    open_panel(page, "Steam").wait_for()
    hold(page, 0.6)
    save(photograph(page, (0, 0, 920, 900)), FOLDER / "panel_and_node.jpg", QUALITY)


def model_picker(page: Any) -> None:
    """The choice of a model, while something is looked for."""
    page.evaluate(PICKER)
    page.locator(".remote-video-picker [role=option]").first.wait_for()
    page.keyboard.type("kling")
    page.wait_for_timeout(1_000)
    save(photograph(page, box_of(page, ".remote-video-picker")), FOLDER / "model_picker.jpg", QUALITY)


def shots(page: Any) -> None:
    """Shots that are longer than the clip, and what is offered then."""
    show(page, arranged(read(SHOTS), Template(["astronaut.png"])))
    page.evaluate(TOO_LONG)
    page.wait_for_timeout(1_000)
    left, _, right, _ = around(page, [2], margin=0)
    _, top, _, bottom = box_of(page, ".remote-video-shots")
    # From `duration`, and on to `filename_prefix`.
    save(photograph(page, (left, top - 412, right, bottom + 70)), FOLDER / "shots.jpg", QUALITY)


def run(page: Any) -> None:
    """Run is pressed, the job waits, is worked on, and its clip plays; the wait is shown as three seconds."""
    page.set_viewport_size({"width": 880, "height": 800})
    veo(page, 2, {1: (0, 0, 340), 2: (390, 0, 460)}, scale=0.78, corner=(110, 180))
    recorded, (left, top, right, bottom) = Screencast(page), box_of(page, "button:text('Run')")
    begin, button, aside = (300, 640), ((left + right) / 2, (top + bottom) / 2), (820, 500)
    page.mouse.move(*begin)
    page.wait_for_timeout(500)
    recorded.start()
    page.wait_for_timeout(500)
    recorded.glide(begin, button)
    page.mouse.click(*button)
    page.wait_for_timeout(300)
    recorded.waiting = True
    recorded.glide(button, aside)
    page.wait_for_function(f"({CLIPS_SHOWN})() > 0")
    recorded.waiting = False
    left, top, right, bottom = box_of(page, "video")
    on_clip = ((left + right) / 2, top + (bottom - top) / 3)
    recorded.glide(aside, on_clip)
    for number in range(6):  # a mouse that rests hides how far the clip is
        page.mouse.move(on_clip[0] + number % 2, on_clip[1])
        page.wait_for_timeout(400)
    recorded.stop()
    recorded.save(FOLDER / "run.webp", 80)


def box_of(page: Any, selector: str) -> Box:
    """Where the first such element is."""
    box = page.locator(selector).first.bounding_box()
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
