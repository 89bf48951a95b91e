"""ComfyUI in a browser: a page of its own, a clip run from it, and what it then shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
UI_READY = "window.app?.vueAppReady && window.app.canvas && window.app.extensionManager?.workflow?.activeWorkflow"
"""The workflow it begins with is there: what is put on the canvas before that is cleared away."""
LOADED_WITHIN_MS = 120_000
ENDED_WITHIN_MS = 90_000
CANVASES = {"canvas": False, "nodes 2.0": True}
"""Both ways of showing nodes, and whether Nodes 2.0 is on."""
EVIL = "evil.example"
TOO_EARLY = "getCanvas: canvas is null"
"""What frontend 1.37 throws by itself where a node's text comes while its page is loaded anew."""

NODE_TEXT = ".remote-video-node:visible"
"""What stands on a node, on the canvas and on Nodes 2.0."""
GRAPH = """(values) => {
    app.graph.clear();
    const image = LiteGraph.createNode("LoadImage"), clip = LiteGraph.createNode("Veo3I2V");
    [image.pos, clip.pos] = [[80, 80], [450, 80]];
    app.graph.add(image);
    app.graph.add(clip);
    const set = (node, name, value) => { node.widgets.find((widget) => widget.name === name).value = value; };
    set(image, "image", "example.png");
    for (const [name, value] of Object.entries(values)) set(clip, name, value);
    image.connect(0, clip, clip.inputs.findIndex((input) => input.name === "image"));
    app.canvas.ds.reset();
    app.canvas.setDirty(true, true);
}"""
PICKER = """() => {
    app.graph.clear();
    const node = LiteGraph.createNode("RunComfyVideo");
    app.graph.add(node);
    node.widgets.find(({ name }) => name === "$$choose").callback();
}"""
"""A RunComfy Video node's choice of a model, open."""
RUN = """async () => {
    window.ended = new Promise((end) => {
        for (const kind of ["execution_error", "execution_interrupted", "execution_success"])
            app.api.addEventListener(kind, () => end(kind), { once: true });
    });
    await app.queuePrompt(0);
}"""
STRANGE = f"""() => [
    ...document.querySelectorAll("img[src='x'], a[href*='{EVIL}'], img[src*='{EVIL}'], [href^='javascript:']"),
    ...[...document.scripts].filter((script) => script.text.includes("broken")),
].map((element) => element.outerHTML)"""
"""What outside words would have become, had they been taken for markup."""


def chromium_path() -> str | None:
    """Where Chromium is; None where there is none."""
    return os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")


@contextmanager
def open_ui(
    browser: Any,
    address: str,
    *,
    vue_nodes: bool = False,
    width: int = 1300,
    height: int = 1000,
    scale: int = 1,
    prepare: Callable[[Any], object] = lambda page: None,
    **chosen: Any,
) -> Iterator[Any]:
    """A page that is loaded, after `prepare`, with what is `chosen` of ComfyUI's settings. It reaches nobody but its
    server; at its end no exception may have been left in it, no address of `EVIL` asked for, and no script of outside
    words run.
    """
    settings = {"TutorialCompleted": True, "VueNodes.Enabled": vue_nodes, "RightSidePanel.IsOpen": False, **chosen}
    for name, value in settings.items():
        requests.post(f"{address}/api/settings/Comfy.{name}", json=value, timeout=60)
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
    exceptions: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: TOO_EARLY not in str(error) and exceptions.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.route(lambda url: not url.startswith((address, "data:", "blob:")), lambda route: route.abort())
    prepare(page)
    page.goto(f"{address}/")
    page.wait_for_function(UI_READY, timeout=LOADED_WITHIN_MS)
    assert page.evaluate("app.extensionManager.setting.get('Comfy.VueNodes.Enabled')") is vue_nodes
    yield page
    broken = page.evaluate("window.broken ?? null")
    page.close()
    assert (exceptions, broken) == ([], None), f"{exceptions} {broken}"
    assert [url for url in asked if (urlsplit(url).hostname or "").endswith(EVIL)] == []


def run_clip(page: Any, **values: Any) -> str:
    """Put LoadImage and a Veo 3 node with these widgets alone on the canvas, and press Run; the event of the end."""
    page.evaluate(GRAPH, values)
    page.evaluate(RUN)
    page.set_default_timeout(ENDED_WITHIN_MS)
    return page.evaluate("window.ended")


def text_on_node(page: Any, part: str) -> Any:
    """The text on the node, once it holds `part`."""
    found = page.locator(NODE_TEXT).filter(has_text=part).first
    found.wait_for()
    return found


def shows(page: Any, words: str, times: int) -> None:
    """Wait until these words stand on the page so often."""
    page.wait_for_function(
        "([words, times]) => document.body.innerText.split(words).length > times", arg=[words, times]
    )


def close_error(page: Any) -> None:
    """0.12.1 shows an error in a window over the graph; elsewhere there is none to close."""
    if page.locator(".p-dialog-mask").count():
        page.keyboard.press("Escape")
        page.locator(".p-dialog-mask").wait_for(state="detached")


def open_panel(page: Any, part: str) -> Any:
    """The jobs panel's latest job, opened, once `part` stands there."""
    if not page.locator(".remote-video-panel").count():
        toggle_panel(page)
    latest = page.locator("li.job").first.filter(has_text=part)
    latest.click(position={"x": 200, "y": 12})
    return latest


def toggle_panel(page: Any) -> None:
    """Open the jobs panel's sidebar tab, or close it."""
    page.evaluate("app.extensionManager.command.execute('Workspace.ToggleSidebarTab.remote-video')")
