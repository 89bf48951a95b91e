"""`make pictures`: the pictures of the templates, the README and the docs, from today's nodes on a real ComfyUI.

Photographs come from scikit-image: astronaut (NASA) and rocket (SpaceX) are in the public domain, coffee (Rachel
Michetti) and cat (Stefan van der Walt) are CC0. The clips are the sandbox's. PICTURES="^run" makes that one alone.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

from ..comfy_server import ComfyServer
from ..ui_page import CHROMIUM_FLAGS, chromium_path, open_ui
from . import readme, templates

PHOTOGRAPHS: dict[str, Callable[[], Any]] = {
    "astronaut.png": data.astronaut,
    "cat.png": data.chelsea,
    "coffee.png": data.coffee,
    "rocket.jpg": lambda: data.rocket()[67:],
}
"""What a clip of 16:9 shows of the rocket is its upper part: so the sky above it is left out."""
README = (readme.panel_and_node, readme.node_in_graph, readme.run, readme.model_picker, readme.shots)
PLAIN = {"Minimap.Visible": False, "Graph.CanvasInfo": False, "ColorPalette": "dark", "Locale": "en"}
AT_ONCE_S = 60


def main(words: list[str]) -> None:
    """Make the pictures whose names one of these regular expressions finds; without any, all."""
    takes = {name: (partial(templates.take, name=name), 1) for name in templates.TEMPLATES}
    takes |= {take.__name__: (take, 1 if take is readme.run else 2) for take in README}
    with sandbox() as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        for name, (take, scale) in takes.items():
            if words and not any(re.search(word, name) for word in words):
                continue
            with open_ui(browser, address, vue_nodes=True, width=2700, height=1700, scale=scale, **PLAIN) as page:
                page.set_default_timeout(AT_ONCE_S * 1000)
                take(page)


@contextmanager
def sandbox() -> Iterator[str]:
    """A ComfyUI with the pack alone, in the sandbox, and the photographs among its inputs; its address."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base"
        server = ComfyServer(base, {"REMOTE_VIDEO_HOME": str(base / "home"), "REMOTE_VIDEO_SANDBOX": "1"})
        (server.custom_nodes / "neighbours.py").unlink()
        for name, photograph in PHOTOGRAPHS.items():
            Image.fromarray(photograph()).save(base / "input" / name, quality=95)
        try:
            yield server.start().address
        finally:
            server.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="regular expressions of names of pictures; all without")
    main(parser.parse_args().words)
