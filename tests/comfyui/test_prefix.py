"""ComfyUI below a path of a reverse proxy that forwards no Host: every part of ours works, and asks below that path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from .comfy_server import ComfyServer
from .prefix_proxy import PrefixProxy, behind
from .ui_page import CANVASES, open_ui, run_clip, toggle_panel
from .watched import is_ours, watch

LANGUAGES = r"""async () => {
    const { speak } = await import(new URL("./extensions/remote-video/text.js", location.href).href);
    performance.clearResourceTimings();
    await speak("zh");
    await speak("en");
    const tables = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/languages/zh.json"));
    return tables.map(({ responseStatus }) => responseStatus);
}"""
"""The statuses that asking for a language gave."""
FRAMES = "/assets/images/favicon_progress_16x16/"
"""The tab's icon while a prompt runs, which ComfyUI's frontend asks for beside the path."""
CANARY = "rv-canary-0b1e4f7d22"


@pytest.fixture(scope="module")
def server(start_comfy) -> ComfyServer:
    return start_comfy()


@pytest.fixture(scope="module")
def proxy(server) -> Iterator[PrefixProxy]:
    with behind(server.address) as running:
        yield running


@pytest.fixture(params=CANVASES)
def opened(request, browser, proxy, server) -> Iterator[tuple[Any, Any]]:
    server.post("/remote_video/sandbox", on=False)
    found: list[Any] = []
    is_vue = CANVASES[request.param]
    how = {"vue_nodes": is_vue, "Locale": "en"}
    with open_ui(browser, proxy.address, prepare=lambda page: found.append(watch(page)), **how) as page:
        yield page, *found


def test_all_of_ours_works_below_the_path(opened, proxy, server):
    page, watched = opened
    page.set_default_timeout(60_000)
    page.evaluate("app.extensionManager.command.execute('RemoteVideo.Accounts')")
    dialog = page.locator("dialog.remote-video-accounts:not([aria-busy])")
    dialog.wait_for()
    row = page.locator("form.account[data-provider=cometapi]")
    row.locator("input[type=password]").fill(CANARY)
    page.keyboard.press("Enter")
    row.get_by_role("button", name="Check").wait_for()
    row.get_by_role("button", name="Check").click()
    row.locator(".message:not(:empty)").wait_for()
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove the key").click()
    row.get_by_text("Removed.").wait_for()
    dialog.get_by_role("switch", name="Sandbox").click()
    dialog.get_by_text("Next: close this window and press Run.").wait_for()
    page.keyboard.press("Escape")
    assert run_clip(page, prompt="below a path") == "execution_success"
    plays = "[...document.querySelectorAll('video')].some((video) => video.videoWidth > 0)"
    page.wait_for_function(plays)
    toggle_panel(page)
    latest = page.locator("li.job").first
    latest.wait_for()
    page.wait_for_function("document.querySelector('li.job img')?.naturalWidth > 0")
    latest.click(position={"x": 200, "y": 12})
    latest.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("document.querySelector('.remote-video-panel video')?.currentTime > 0")
    page.evaluate("""() => {
        const node = app.graph._nodes.find(({ type }) => type === "Veo3I2V");
        (app.canvas.selectItems ?? app.canvas.selectNodes).call(app.canvas, [node]);
    }""")
    sheets = page.evaluate(
        "[...document.styleSheets].filter((s) => s.href?.includes('remote-video')).map((s) => s.href)"
    )
    assert len(sheets) >= 5, sheets
    assert page.evaluate(LANGUAGES) == [200]
    assert [path for path in proxy.missed if FRAMES not in path] == []
    host = urlsplit(proxy.address).netloc  # ComfyUI itself asks its makers for news
    beside = [url for url in watched.outside(proxy.address) if urlsplit(url).netloc == host or is_ours(url)]
    assert [url for url in beside if FRAMES not in url] == []
    assert (watched.failed, watched.console) == ([], [])
