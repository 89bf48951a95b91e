"""A graph on a page whose nodes show their clips, and pictures of parts of it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ..ui_page import RUN

CORNER = (300, 300)
"""Where on the page a graph begins: there is room around it, too."""
MARGIN = 16
CLIPS_SHOWN = "() => [...document.querySelectorAll('video')].filter((one) => one.readyState >= 2).length"
STILL = """(share) => Promise.all([...document.querySelectorAll("video")].map(async (one) => {
    one.pause();
    one.removeAttribute("controls");
    const there = new Promise((end) => one.addEventListener("seeked", end, { once: true }));
    one.currentTime = one.duration * share;
    await there;
}))"""
VIEW = """([scale, x, y]) => {
    Object.assign(app.canvas.ds, { scale, offset: [x, y] });
    app.canvas.background_image = "";
    app.canvas.setDirty(true, true);
}"""
"""Without the grid behind the nodes, which is noise in a small picture."""
BOXES = """(ids) => ids.map((id) => {
    const { left, top, right, bottom } = document.querySelector(`[data-node-id="${id}"]`).getBoundingClientRect();
    return [left, top, right, bottom];
})"""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in the page's pixels."""


def show(page: Any, workflow: dict[str, Any], scale: float = 1.0, corner: tuple[int, int] = CORNER) -> None:
    """Show a workflow with its first corner there."""
    page.evaluate("(workflow) => app.loadGraphData(workflow)", {**workflow, "id": str(uuid.uuid4()), "extra": {}})
    left, top = (min(node["pos"][axis] for node in workflow["nodes"]) for axis in (0, 1))
    page.evaluate(VIEW, [scale, corner[0] / scale - left, corner[1] / scale - top])
    page.wait_for_timeout(1_000)


def make_clips(page: Any, count: int = 1) -> None:
    """Press Run, and again for a node that doesn't wait, until so many nodes show a clip."""
    for _ in range(9):
        page.evaluate(RUN)
        ended = page.evaluate("window.ended")
        assert ended == "execution_success", ended
        for _ in range(20):
            if page.evaluate(CLIPS_SHOWN) >= count:
                return page.wait_for_timeout(1_500)
            page.wait_for_timeout(500)
    raise AssertionError(f"fewer than {count} nodes show a clip")


def hold(page: Any, share: float) -> None:
    """Let all clips stand at this share of their length, without a mouse over them."""
    page.mouse.move(30, 0.66 * page.viewport_size["height"])
    page.evaluate(STILL, share)
    page.wait_for_timeout(1_000)


def around(page: Any, ids: Sequence[int], margin: int = MARGIN) -> Box:
    """The box around these nodes."""
    lefts, tops, rights, bottoms = zip(*page.evaluate(BOXES, [str(one) for one in ids]), strict=True)
    return min(lefts) - margin, min(tops) - margin, max(rights) + margin, math.floor(max(bottoms)) + margin


def squared(box: Box, most: float) -> Box:
    """The square around a box, at most so wide: then its top is left out."""
    left, top, right, bottom = box
    side = min(max(right - left, bottom - top), most)
    x = (left + right - side) / 2
    y = bottom - side if bottom - top > side else (top + bottom - side) / 2
    return x, y, x + side, y + side


def photograph(page: Any, box: Box) -> Image.Image:
    """What is in this box of the page."""
    clip = {"x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}
    return Image.open(BytesIO(page.screenshot(clip=clip))).convert("RGB")


def save(picture: Image.Image, file: Path, quality: int) -> None:
    """Write a JPEG, and say how large it is."""
    picture.save(file, quality=quality, optimize=True, progressive=True)
    print(f"{file.stat().st_size:>9,} bytes  {picture.width} x {picture.height}  {file.name}", flush=True)
