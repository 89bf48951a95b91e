"""Words from outside in a browser, on the canvas and on Nodes 2.0: letters wherever they are shown, and on one page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.private_file import write_private

from ..faults import Sandbox
from .hostile import MARKUP, job_fails, redirects, refuses, sends_no_clip
from .open_page import open_page
from .outcomes import soon
from .prompts import several
from .ui_page import CANVASES, NODE_TEXT, STRANGE, close_error, open_panel, open_ui, run_clip, shows, text_on_node

SAYS: dict[str, tuple[Callable[[Sandbox], None], State]] = {
    "message and code": (lambda provider: refuses(provider, MARKUP), State.REFUSED),
    "status line and Location": (lambda provider: redirects(provider, MARKUP), State.REFUSED),
    "request id and failure": (lambda provider: job_fails(provider, MARKUP, MARKUP), State.FAILED),
    "Content-Type": (lambda provider: sends_no_clip(provider, MARKUP), State.FINISHED),
}
"""Where the provider says it, and what becomes of the job."""
DETAILS = "View details", "Show Report"
"""The button that shows more of an error, by version."""
NAMES = {
    "_test": "_test_00001_.mp4",
    "*b* [x](www.a.example) `c` ~d~ &lt;": "_b_ [x](www.a.example) `c` ~d~ &lt;_00001_.mp4",
}


@pytest.fixture(scope="module", params=list(CANVASES))
def page(request, browser, comfy):
    with open_ui(browser, comfy.address, vue_nodes=CANVASES[request.param]) as page:
        yield page


@pytest.fixture
def speaking(provider, page):
    """The provider, which may say what a test wants."""
    yield provider
    provider.faults.clear()
    page.keyboard.press("Escape")


@pytest.mark.parametrize("where", list(SAYS))
def test_words_of_a_provider_are_their_letters_wherever_an_error_is_shown(comfy, page, speaking, where, request):
    say, state = SAYS[where]
    say(speaking)
    assert run_clip(page, prompt=request.node.name) == "execution_error"
    job = Ledger(comfy.home).recent(1)[0]
    assert job.state is state

    assert MARKUP in text_on_node(page, "_test_00001_.mp4").inner_text()
    for name in DETAILS:
        for button in page.get_by_role("button", name=name).all():
            button.click()
    shows(page, MARKUP, times=2)  # on the node, and in the error's details
    assert page.evaluate(STRANGE) == []
    close_error(page)
    row = open_panel(page, job.state.sentence[1:]).inner_text()
    assert MARKUP in row or state is State.FINISHED
    assert page.evaluate(STRANGE) == []


@pytest.mark.parametrize("prefix", list(NAMES))
def test_a_files_name_is_whole_on_its_node_and_in_the_panel(page, speaking, prefix, request):
    folder = "canvas" if "canvas" in request.node.name else "nodes"
    assert run_clip(page, prompt=request.node.name, filename_prefix=f"{folder}/{prefix}") == "execution_success"
    shown = text_on_node(page, "_00001_.mp4")
    assert shown.inner_text().startswith(NAMES[prefix])
    assert "$" in shown.inner_text()
    assert shown.locator(":not(.take) > img, a, em, strong, del, code:not(.request code)").count() == 0
    assert NAMES[prefix] in open_panel(page, "aved").inner_text()


def test_a_home_with_a_hostile_name_is_its_letters_in_the_accounts_dialog(browser, cp1252_comfy):
    write_private(cp1252_comfy.home / "accounts.json", b"broken")
    with open_ui(browser, cp1252_comfy.address) as page:
        page.evaluate("app.extensionManager.command.execute('RemoteVideo.Accounts')")
        page.get_by_text("is broken").first.wait_for()
        assert cp1252_comfy.home.name in page.locator(".remote-video-accounts").inner_text()
        page.get_by_label("RunComfy key").fill("two words")
        page.keyboard.press("Enter")
        page.get_by_text("contains a space").wait_for()
        assert page.evaluate(STRANGE) == []


def test_a_nodes_text_goes_to_the_page_that_asked_and_to_the_log(browser, comfy, page):
    with open_ui(browser, comfy.address) as other:
        assert run_clip(other, prompt="what another page does", filename_prefix="another-page") == "execution_success"
        text_on_node(other, "another-page_00001_.mp4")
        log_before = len(comfy.log())
        run_clip(page, prompt="what this page asks for", filename_prefix="this-page")
        page.bring_to_front()
        text_on_node(page, "this-page_00001_.mp4")
        (shown,) = other.locator(NODE_TEXT).all_inner_texts()
        assert shown.startswith("another-page_00001_.mp4")
        assert "this-page" not in shown
    assert "Veo 3 #2: this-page_00001_.mp4" in comfy.log()[log_before:]


def test_a_script_that_has_no_page_shows_nothing_on_anybodys(comfy):
    with open_page(comfy, "a-page") as page:
        comfy.run(several("of-a-script", [0]))
        comfy.queue(several("of-a-page", [0]), client_id="a-page")
        soon(lambda: any("of-a-page_00001_.mp4: $" in text for text in page.texts.get("10", [])), "the end")
    assert [text for text in page.texts["10"] if text.startswith("preparing") or "of-a-script" in text] == [
        page.texts["10"][0]
    ]
