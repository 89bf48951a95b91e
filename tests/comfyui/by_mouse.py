"""What a hand does on the canvas, on both ways of showing nodes: adds a node, draws a wire, clicks, turns the wheel."""

from __future__ import annotations

from typing import Any

SLOT = """([id, way, name]) => {
    const node = app.graph.getNodeById(id), slots = way === "in" ? node.inputs : node.outputs;
    const at = slots.findIndex((one) => one.name === name);
    const dot = document.querySelector(`[data-slot-key="${id}-${way}-${at}"]`);
    if (dot) {
        const { x, y, width, height } = dot.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
    }
    const [left, top] = app.canvas.ds.convertOffsetToCanvas(node.getConnectionPos(way === "in", at));
    const { x, y } = app.canvas.canvas.getBoundingClientRect();
    return [x + left, y + top];
}"""
IDS = "(type) => app.graph._nodes.filter((one) => one.type === type).map(({ id }) => id)"
WIRED = """([id, name]) => {
    const input = app.graph.getNodeById(id).inputs.find((one) => one.name === name);
    return input && input.link !== null && input.link !== undefined;
}"""


def add(page: Any, words: str, x: int, y: int, type_: str) -> Any:
    """Double-click the canvas, and take what the search finds first; the new node's id."""
    before = page.evaluate(IDS, type_)
    field = page.locator(".p-dialog input, .comfy-vue-node-search-container input, [role=dialog] input").first
    for _ in range(10):  # on a busy machine two clicks may come too far apart to be a double one
        page.mouse.dblclick(x, y)
        page.wait_for_timeout(2000)
        if field.is_visible():
            break
    page.keyboard.type(words)
    page.wait_for_timeout(2500)
    page.keyboard.press("Enter")
    page.wait_for_function(f"([type, count]) => ({IDS})(type).length > count", arg=[type_, len(before)])
    page.wait_for_timeout(500)  # newer frontends hang it on the pointer until it is put down
    page.mouse.move(x + 5, y + 5, steps=3)
    page.mouse.click(x + 5, y + 5)
    page.wait_for_timeout(500)
    return next(one for one in page.evaluate(IDS, type_) if one not in before)


def wire(page: Any, output: tuple[Any, str], input_: tuple[Any, str]) -> None:
    """Draw a wire from one node's output to another's input, each by (node id, name)."""
    (origin, output_name), (target, input_name) = output, input_
    page.mouse.move(*page.evaluate(SLOT, [origin, "out", output_name]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(SLOT, [target, "in", input_name]), steps=8)
    page.mouse.up()
    page.wait_for_function(WIRED, arg=[target, input_name])


def turn_wheel(page: Any, x: int, y: int, clicks: int) -> None:
    """Zoom around a place of the canvas: out for so many clicks, in for negative ones."""
    page.mouse.move(x, y)
    for _ in range(abs(clicks)):
        page.mouse.wheel(0, 100 if clicks > 0 else -100)
        page.wait_for_timeout(60)
