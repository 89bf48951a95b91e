"""The registry's archive alone in an empty `custom_nodes`: it makes a clip, its templates and its panel are there."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
import requests
from PIL import Image

from ..project.archive import pack
from .comfy_server import ComfyServer
from .prompts import EXAMPLES, prompt_of
from .ui_page import open_panel, open_ui
from .watched import watch

EXAMPLE = next(path for path in EXAMPLES if path.stem.startswith("Veo 3 animates"))
PICTURES = "() => [...document.querySelectorAll('[role=dialog] img')].filter((one) => one.naturalWidth === 400).length"


@pytest.fixture(scope="module")
def server(start_comfy, tmp_path_factory) -> ComfyServer:
    archive = pack(tmp_path_factory.mktemp("archive") / "node.zip")
    return start_comfy(archive=archive, REMOTE_VIDEO_SANDBOX="1")


def test_a_template_makes_its_clip(server):
    assert [path.name for path in server.custom_nodes.iterdir()] == ["remote-video"]
    shown = server.run(prompt_of(EXAMPLE, server.get("/object_info")))
    assert server.saved(shown["2"]["images"][0]).stat().st_size > 10_000
    assert "IMPORT FAILED" not in server.log()


def test_every_template_is_offered_with_its_picture(server):
    assert sorted(server.get("/workflow_templates")["remote-video"]) == [path.stem for path in EXAMPLES]
    for example in EXAMPLES:
        address = f"{server.address}/api/workflow_templates/remote-video/{quote(example.stem)}.jpg"
        answer = requests.get(address, timeout=60)
        assert Image.open(BytesIO(answer.content)).size == (400, 400), example.stem


def test_the_template_browser_and_the_panel_show_it(server, browser):
    seen: list[Any] = []
    with open_ui(browser, server.address, vue_nodes=True, prepare=lambda page: seen.append(watch(page))) as page:
        page.set_default_timeout(60_000)
        page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
        page.get_by_role("dialog").get_by_text("Remote Video", exact=True).first.click()
        page.wait_for_function(f"() => ({PICTURES})() >= 4")
        page.get_by_role("dialog").get_by_text(EXAMPLE.stem, exact=True).first.click()
        page.wait_for_function("() => app.graph.findNodesByType('Veo3I2V').length")
        open_panel(page, "Veo 3")
    assert (seen[0].failed, seen[0].console) == ([], [])
