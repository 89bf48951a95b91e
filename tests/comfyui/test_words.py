"""Words from outside on a real ComfyUI: letters on every frontend, and a queue that lives on."""

from __future__ import annotations

import pytest
import requests
from remote_video_pack.remote_video.sandbox import Sandbox

from .comfy_server import ComfyServer, failure
from .conftest import UI_READY
from .outcomes import lives
from .prompts import veo

HOSTILE = '<img src=x onerror="alert(1)"> [[Top up|https://evil.example]] [x](http://a.example) _a_00001_.mp4'


@pytest.mark.parametrize(
    "prefix", ["/<img src=x onerror=1>", "/\ud83d", "/\x1b[2J", "/\u5185\u5bb9\u8fdd\u89c4 \U0001f6ab"]
)
def test_after_any_word_in_an_error_another_prompt_runs(comfy: ComfyServer, provider: Sandbox, prefix):
    prompt = veo("words")
    prompt["2"]["inputs"]["filename_prefix"] = prefix
    assert "filename_prefix" in failure(comfy.outcome(comfy.queue(prompt)))
    lives(comfy)


@pytest.mark.parametrize("vue_nodes", [False, True])
def test_a_text_on_a_node_is_its_letters(comfy: ComfyServer, browser, vue_nodes):
    from remote_video_pack.nodes.shown_text import as_letters

    requests.post(f"{comfy.address}/api/settings/Comfy.TutorialCompleted", json=True, timeout=10)
    page = browser.new_page()
    try:
        page.goto(comfy.address)
        page.wait_for_function(UI_READY, timeout=120_000)
        page.evaluate(
            """async ([text, vue]) => {
                await window.app.extensionManager.setting.set('Comfy.VueNodes.Enabled', vue);
                const node = window.LiteGraph.createNode('Veo3I2V');
                window.app.graph.add(node);
                window.app.api.dispatchCustomEvent('progress_text', {nodeId: String(node.id), text});
            }""",
            [as_letters(HOSTILE), vue_nodes],
        )
        page.get_by_text("_a_00001_.mp4").first.wait_for(timeout=20_000)
        shown = page.get_by_text("_a_00001_.mp4").first
        assert shown.inner_text().strip() == HOSTILE
        assert shown.locator("img, a, em, script").count() == 0
    finally:
        page.close()
