"""What a page shows over time, as an animated WebP."""

from __future__ import annotations

import base64
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

LEAST_MS = 90
"""How long a picture stands at least: about eleven a second."""
LAST_MS, WAIT_MS = 1_000, 3_000
MOUSE = """() => {
    const arrow = document.createElement("div");
    arrow.style.cssText = "position: fixed; left: 0; top: 0; z-index: 99999; pointer-events: none";
    const path = '<path d="M1 1v23l6-5 4 9 4-2-4-9h8z" fill="#fff" stroke="#000" stroke-width="1.5"/>';
    arrow.innerHTML = `<svg width="22" height="30">${path}</svg>`;
    document.body.append(arrow);
    const follow = ({ clientX, clientY }) => { arrow.style.transform = `translate(${clientX}px, ${clientY}px)`; };
    addEventListener("mousemove", follow, true);
}"""
"""Chromium's pictures of a page have no mouse in them."""
Place = tuple[float, float]


class Screencast:
    """Records a page between `start` and `stop`.

    Args:
        page: as it is to be seen, one pixel a pixel.

    Attributes:
        waiting: whether what is shown now is a wait: all of it is made as short as 3 s.
    """

    def __init__(self, page: Any) -> None:
        self.waiting = False
        self._page = page
        self._taken: list[tuple[float, bool, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._frame)
        page.evaluate(MOUSE)

    def start(self) -> None:
        """Begin."""
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 95})

    def stop(self) -> None:
        """End."""
        self._session.send("Page.stopScreencast")

    def glide(self, start: Place, end: Place, steps: int = 8) -> None:
        """Move the mouse as a hand does."""
        for step in range(steps + 1):
            t = step / steps
            eased = t * t * (3 - 2 * t)
            self._page.mouse.move(*(a + (b - a) * eased for a, b in zip(start, end, strict=True)))
            self._page.wait_for_timeout(40)

    def save(self, file: Path, quality: int) -> None:
        """Write what changed, each picture for as long as it stood; it begins anew after its end."""
        steps = [(after[0] - before[0]) * 1000 for before, after in pairwise([self._taken[0], *self._taken])]
        waited = sum(step for step, (_, waiting, _) in zip(steps, self._taken, strict=True) if waiting)
        faster = max(waited / WAIT_MS, 1)
        kept: list[tuple[float, Image.Image]] = []
        clock = 0.0
        for step, (_, waiting, data) in zip(steps, self._taken, strict=True):
            clock += step / faster if waiting else step
            if kept and clock - kept[-1][0] < LEAST_MS:
                continue
            picture = Image.open(BytesIO(data)).convert("RGB")
            if not kept or ImageChops.difference(picture, kept[-1][1]).getbbox():
                kept.append((clock, picture))
        moments = [round(moment) for moment, _ in kept]
        lengths = [end - begun for begun, end in zip(moments, [*moments[1:], round(clock) + LAST_MS], strict=True)]
        first, *others = (picture for _, picture in kept)
        options = {"duration": lengths, "loop": 0, "quality": quality, "method": 4, "minimize_size": True}
        first.save(file, save_all=True, append_images=others, **options)
        size = f"{file.stat().st_size:>9,} bytes  {first.width} x {first.height}"
        print(f"{size}  {file.name}: {len(kept)} pictures, {sum(lengths) / 1000:.1f} s", flush=True)

    def _frame(self, told: dict[str, Any]) -> None:
        self._session.send("Page.screencastFrameAck", {"sessionId": told["sessionId"]})
        self._taken.append((told["metadata"]["timestamp"], self.waiting, base64.b64decode(told["data"])))
