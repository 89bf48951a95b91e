"""Two pages on one server: each shows its own nodes' clips, both see the jobs, and what one does the other sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from ..written_jobs import begun, happened
from .conftest import account_at
from .outcomes import soon
from .test_jobs_panel import key_of
from .test_node_status import STATUS, WITH_ID, begin, status
from .ui_page import GRAPH, UI_READY, open_ui, toggle_panel
from .watched import watch


@pytest.fixture(scope="module")
def slow(tmp_path_factory, clip_bytes) -> Iterator[Sandbox]:
    """A provider whose jobs wait in its queue, where they can be cancelled."""
    with Sandbox(tmp_path_factory.mktemp("slow"), pace=Pace(3600, 1), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="module")
def server(start_comfy, slow):
    return start_comfy(**account_at(slow))


@pytest.fixture
def tabs(browser, server) -> Iterator[tuple[Any, Any]]:
    watched: list[Any] = []
    with (
        open_ui(browser, server.address, prepare=lambda page: watched.append(watch(page))) as one,
        open_ui(browser, server.address, prepare=lambda page: watched.append(watch(page))) as other,
    ):
        for page in (one, other):
            page.set_default_timeout(90_000)
        yield one, other
        assert [(seen.failed, seen.console) for seen in watched] == [([], []), ([], [])]
    server.post("/queue", clear=True)
    server.interrupt()
    soon(lambda: not server.get("/queue")["queue_running"], "the end of the prompt")


def row(page: Any, prompt: str) -> Any:
    return page.locator(".remote-video-panel li.job").filter(has_text=prompt)


def test_each_tab_shows_its_own_and_both_panels_show_all(tabs, server):
    one, other = tabs
    other.evaluate(GRAPH, {"prompt": "of the other tab", "seed": 5})
    other.evaluate(WITH_ID)
    for page in tabs:
        toggle_panel(page)
        page.locator(".remote-video-panel").wait_for()
    one.bring_to_front()
    begin(one, "of the first tab", wait=False)
    status(one, "The clip is being made")
    for page in tabs:
        page.bring_to_front()
        row(page, "of the first tab").first.wait_for()
        row(page, "of the first tab").filter(has_text="queue").first.wait_for()
    assert other.locator(STATUS).filter(has_text="being made").count() == 0, "it is another graph's node"

    for page in tabs:
        page.bring_to_front()
        page.reload()
        page.wait_for_function(UI_READY)
        if not page.locator(".remote-video-panel").count():
            toggle_panel(page)
        row(page, "of the first tab").first.wait_for()
    one.bring_to_front()

    other.bring_to_front()
    found = row(other, "of the first tab").first
    found.click(position={"x": 150, "y": 12})
    found.get_by_role("button", name="Cancel").click()
    row(other, "of the first tab").filter(has_text="ancelled").first.wait_for()
    one.bring_to_front()
    row(one, "of the first tab").filter(has_text="ancelled").first.wait_for()


def test_a_job_that_is_forgotten_in_one_tab_is_gone_in_the_other(tabs, server):
    one, other = tabs
    ledger, key = Ledger(server.home), key_of("to be forgotten")
    happened(ledger, begun(ledger, key, prompt="to be forgotten"), Event.LOST)
    for page in tabs:
        page.bring_to_front()
        toggle_panel(page)
        row(page, "to be forgotten").first.wait_for()
    found = row(other, "to be forgotten").first
    found.click(position={"x": 150, "y": 12})
    found.get_by_role("button", name="Forget this job").click()
    other.get_by_role("alertdialog").get_by_role("button", name="Forget this job").click()
    row(other, "to be forgotten").first.wait_for(state="detached")
    one.bring_to_front()
    row(one, "to be forgotten").first.wait_for(state="detached")
