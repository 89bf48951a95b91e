"""The jobs panel, in a real browser against a real ComfyUI, with ten thousand jobs."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event

from ..written_jobs import ENGINE, accepted, begun, happened
from .comfy_server import ComfyServer
from .ui_page import CANVASES, GRAPH, open_ui, toggle_panel

MARKUP = '<img src=x onerror="broken=1">'
MANY = 10_000
FIRST = ("uncertain", "failed", "saved", "on-its-way")
"""The newest jobs, newest first."""
OPEN_ROW = "li.job.open"
FOCUSED = "document.activeElement?.closest('li.job')?.dataset.key"
ROW_OF = "[...document.querySelectorAll('li.job')]"


def key_of(name: str) -> str:
    """A job key, as SHA-256 gives it."""
    return hashlib.sha256(name.encode()).hexdigest()


def fill(server: ComfyServer, clip: bytes) -> None:
    """Ten thousand jobs: the oldest one is uncertain, the newest are `FIRST`, all else was saved and is gone."""
    ledger, output = Ledger(server.home), str(server.output.resolve())
    happened(ledger, begun(ledger, key_of("oldest"), model_name="Model of the oldest"), Event.LOST)
    leases = {}
    for name in reversed(FIRST):
        put = begun if name == "uncertain" else accepted
        job = {"model_name": f"Model of {name}", "prompt": f"A sea, {name}", "output_folder": output, "node_id": "7"}
        leases[name] = put(ledger, key_of(name), **job)
    ledger.record(leases["saved"], Event.SUCCEEDED, cost_usd=0.84)
    (server.output / "video").mkdir(parents=True, exist_ok=True)
    (server.output / "video" / "Sea_00001_.mp4").write_bytes(clip)
    ledger.record(leases["saved"], Event.STORED, path="video/Sea_00001_.mp4", bytes=len(clip), sha256="0" * 64)
    ledger.record(leases["failed"], Event.FAILED, error=f"{MARKUP} internal error")
    ledger.record(leases["uncertain"], Event.LOST, error="The connection was reset.")
    ledger.retire(ENGINE)
    begun_at = ledger.get(key_of("on-its-way")).created_at
    with closing(sqlite3.connect(ledger.name)) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(jobs)")]
        one = db.execute("SELECT * FROM jobs WHERE model_name = 'Model of saved'").fetchone()
        saved = dict(zip(columns, one, strict=True))
        rows = (
            {
                **saved,
                "key": key_of(f"{n}"),
                "created_at": begun_at - n,
                "model_name": "Model of many",
                "prompt": f"Take number {n}",
                "path": f"video/gone_{n}.mp4",
            }
            for n in range(1, MANY - len(FIRST))
        )
        names = ", ".join(f":{name}" for name in columns)
        db.executemany(f"INSERT INTO jobs VALUES ({names})", rows)
        db.execute("UPDATE jobs SET created_at = ? WHERE key = ?", (begun_at - 2 * MANY, key_of("oldest")))


@pytest.fixture(scope="module")
def server(start_comfy: Callable[..., ComfyServer], clip_bytes: bytes) -> ComfyServer:
    """One without a key."""
    running = start_comfy(REMOTE_VIDEO_COLLECT="0")
    fill(running, clip_bytes)
    return running


@pytest.fixture(params=CANVASES)
def either(request: pytest.FixtureRequest, browser: Any, server: ComfyServer) -> Iterator[Any]:
    """The panel on each canvas."""
    yield from with_panel(browser, server, vue_nodes=CANVASES[request.param])


@pytest.fixture
def page(browser: Any, server: ComfyServer) -> Iterator[Any]:
    """The panel."""
    yield from with_panel(browser, server)


def with_panel(browser: Any, server: ComfyServer, **how: Any) -> Iterator[Any]:
    with open_ui(browser, server.address, **how) as page:
        page.set_default_timeout(60_000)
        toggle_panel(page)
        page.locator("li.job").first.wait_for()
        yield page


def row(page: Any, name: str) -> Any:
    return page.locator(f"li.job[data-key='{key_of(name)}']")


def opened(page: Any, name: str) -> Any:
    """A row, with all that is said and can be done of its job."""
    row(page, name).click(position={"x": 200, "y": 12})
    page.locator(f"{OPEN_ROW}[data-key='{key_of(name)}']").wait_for()
    return row(page, name)


def hear(page: Any, name: str, text: str, state: str | None = None) -> None:
    """What the engine says of a job, as it comes over the websocket."""
    event = {"key": key_of(name), "text": text, "state": state, "request_id": None, "progress": None, "model": ""}
    page.evaluate("(event) => app.api.dispatchCustomEvent('remote_video.job', event)", event)


def test_jobs_are_listed_newest_first_as_text(page: Any) -> None:
    names = page.locator("li.job strong").all_inner_texts()[:5]
    assert names == [*(f"Model of {name}" for name in FIRST), "Model of many"]
    saved = opened(page, "saved").inner_text()
    for fact in ("$0.84", "Sea_00001_.mp4", f"id-of-{key_of('saved')}", "A sea, saved"):
        assert fact in saved
    assert MARKUP in opened(page, "failed").inner_text()


def test_of_ten_thousand_rows_those_in_view_are_on_the_page(page: Any) -> None:
    assert page.locator(".count").inner_text() == "10,000 jobs"
    scroller = page.locator(".remote-video-panel .scroller")
    for _ in range(4):
        height = scroller.evaluate("(element) => element.scrollHeight")
        scroller.evaluate("(element) => element.scrollTo(0, element.scrollHeight)")
        page.wait_for_function(f"document.querySelector('.scroller').scrollHeight > {height}")
        assert page.locator("li.job").count() < 60
    assert page.locator("li.job").last.get_attribute("aria-setsize") == f"{MANY}"


def test_what_needs_the_user_is_found_however_old_it_is(page: Any) -> None:
    page.get_by_label("State").select_option("needs_you")
    row(page, "oldest").wait_for()
    assert page.locator("li.job").count() == 2
    page.get_by_label("State").select_option("all")
    page.get_by_label("Search jobs").fill("number 9001")
    row(page, "9001").wait_for()
    page.get_by_label("Search jobs").fill("no such words")
    page.get_by_text("No job matches.", exact=True).last.wait_for()
    page.get_by_role("button", name="Show all jobs").click()
    row(page, "saved").wait_for()


def test_a_late_answer_does_not_take_the_place_of_a_newer_one(page: Any) -> None:
    held = []
    page.route("**/remote_video/jobs?*search=first*", lambda route: held.append(route))
    page.get_by_label("Search jobs").fill("first")
    page.wait_for_function("document.querySelector('.remote-video-panel').ariaBusy === 'true'")
    page.get_by_label("Search jobs").fill("number 77")
    page.wait_for_timeout(600)  # the second question waits for the answer to the first
    for route in held:
        route.continue_()
    row(page, "77").wait_for()
    assert row(page, "saved").count() == 0


def test_the_keyboard_moves_plays_and_forgets(page: Any, server: ComfyServer) -> None:
    ledger = Ledger(server.home)
    for name in ("one", "two"):
        happened(ledger, begun(ledger, key_of(name), model_name=f"Model of {name}"), Event.LOST)
        hear(page, name, "lost")
    row(page, "two").wait_for()
    row(page, "two").focus()
    for key, name in {"ArrowDown": "one", "ArrowUp": "two", "PageDown": None, "Home": "two"}.items():
        page.keyboard.press(key)
        assert name is None or page.evaluate(FOCUSED) == key_of(name)
    page.keyboard.press("Delete")
    warning = page.get_by_role("alertdialog")
    assert "paid for again" in warning.inner_text()
    page.keyboard.press("Enter")
    assert ledger.get(key_of("two")) is not None, "the harmless button has the focus"
    row(page, "two").focus()
    page.keyboard.press("Delete")
    warning.get_by_role("button", name="Forget this job").click()
    row(page, "two").wait_for(state="detached")
    assert ledger.get(key_of("two")) is None
    page.wait_for_function(f"{FOCUSED} === '{key_of('one')}'")
    page.keyboard.press("Delete")
    warning.get_by_role("button", name="Forget this job").click()
    row(page, "one").wait_for(state="detached")
    page.wait_for_function(f"{FOCUSED} === '{key_of('uncertain')}'")


def test_only_what_can_not_be_followed_can_be_forgotten(page: Any) -> None:
    for name in ("on-its-way", "saved"):
        assert opened(page, name).get_by_role("button", name="Forget this job").count() == 0
        row(page, name).focus()
        page.keyboard.press("Delete")
        assert page.get_by_role("alertdialog").count() == 0


def test_focus_and_selected_text_outlive_what_happens_to_other_rows(page: Any, server: ComfyServer) -> None:
    button = opened(page, "failed").get_by_role("button", name="Show node")
    button.focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('li.job.open code'))")
    ledger = Ledger(server.home)
    for name in ("another", "yet-another"):
        happened(ledger, begun(ledger, key_of(name)), Event.LOST)
        hear(page, name, "lost")
        row(page, name).wait_for()
    hear(page, "on-its-way", "in the queue (place 3)", "submitted")
    page.get_by_text("in the queue (place 3)").first.wait_for()
    assert page.evaluate("getSelection().toString()") == f"id-of-{key_of('failed')}"
    assert page.evaluate("document.activeElement.textContent") == "Show node"
    for name in ("another", "yet-another"):
        ledger.forget(key_of(name))
        hear(page, name, "gone")
        row(page, name).wait_for(state="detached")


def test_readers_of_the_page_are_told_once(page: Any) -> None:
    page.evaluate(
        """() => {
            window.told = 0;
            const observer = new MutationObserver((changes) => (window.told += changes.length));
            const live = document.querySelector(".remote-video-panel [aria-live]");
            observer.observe(live, { childList: true, characterData: true, subtree: true });
        }"""
    )
    for second in range(4):
        hear(page, "on-its-way", f"rendering | 0:0{second}", "submitted")
    page.get_by_role("button", name="Refresh").click()
    page.wait_for_function("document.querySelector('.remote-video-panel').ariaBusy === 'false'")
    assert page.evaluate("window.told") == 0
    regions = ".remote-video-panel :is([aria-live], [role=status], [role=alert])"
    assert page.locator(regions).count() == 1


def test_what_failed_is_said_in_view_until_it_is_dismissed(page: Any) -> None:
    page.locator(".remote-video-panel .scroller").evaluate("(element) => element.scrollTo(0, 3000)")
    page.locator(".remote-video-panel .scroller").evaluate("(element) => element.scrollTo(0, 0)")
    opened(page, "on-its-way").get_by_role("button", name="Cancel").click()
    message = page.locator(".remote-video-panel .message")
    message.get_by_text("no longer in progress").wait_for()
    hear(page, "on-its-way", "rendering", "submitted")
    page.wait_for_timeout(500)
    box = message.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] < page.viewport_size["height"]
    message.get_by_role("button", name="Dismiss").click()
    assert message.is_hidden()
    assert page.evaluate(FOCUSED) == key_of("on-its-way")


def test_without_an_answer_the_list_stays_and_says_so(page: Any) -> None:
    page.route("**/remote_video/**", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("The list is as it was.").wait_for()
    assert page.locator("li.job").count() > 3
    page.unroute("**/remote_video/**")
    page.evaluate("app.api.dispatchCustomEvent('reconnected')")
    page.locator(".remote-video-panel .message").wait_for(state="hidden")


def test_a_panel_without_jobs_or_keys_names_the_two_ways_on(browser: Any, server: ComfyServer) -> None:
    nothing = {"jobs": [], "next": None, "total": 0, "models": [], "sandbox": False}
    with open_ui(browser, server.address) as page:
        page.route("**/remote_video/jobs?*", lambda route: route.fulfill(json=nothing))
        toggle_panel(page)
        page.get_by_role("button", name="Try the sandbox").wait_for()
        page.get_by_role("button", name="Enter a key").click()
        page.get_by_label("RunComfy key").wait_for()


def test_a_clip_plays_in_its_row_and_goes_into_the_graph(either: Any, server: ComfyServer) -> None:
    saved = opened(either, "saved")
    either.wait_for_function(f"{ROW_OF}.some((row) => row.querySelector('img')?.naturalWidth > 0)")
    saved.get_by_role("button", name="Play", exact=True).click()
    either.wait_for_function("document.querySelector('.remote-video-panel video')?.currentTime > 0")
    saved.get_by_role("button", name="Add to graph").click()
    put = "app.graph.nodes.filter((node) => node.type === 'LoadVideo').map((node) => node.widgets[0].value)"
    assert either.evaluate(put) == ["video/Sea_00001_.mp4 [output]"]
    saved.locator(".thumb").drag_to(either.locator("#graph-canvas"), target_position={"x": 700, "y": 500}, force=True)
    either.wait_for_function(f"{put}.length === 2")


def test_the_node_of_a_job_is_shown_if_it_is_there(either: Any) -> None:
    show = opened(either, "saved").get_by_role("button", name="Show node")
    either.evaluate("app.graph.clear()")
    show.click()
    either.locator(".message").get_by_text("has no node 7").wait_for()
    either.evaluate(GRAPH, {})
    either.evaluate(
        """() => {
            const node = app.graph.nodes.find((node) => node.type === "Veo3I2V");
            app.graph.remove(node);
            node.id = 7;
            app.graph.add(node);
        }"""
    )
    show.click()
    either.wait_for_function("Object.values(app.canvas.selected_nodes)[0]?.type === 'Veo3I2V'")


def test_a_job_is_shown_from_elsewhere_however_far_down_it_is(browser: Any, server: ComfyServer) -> None:
    with open_ui(browser, server.address) as page:
        page.evaluate(
            "async (key) => (await import('/extensions/remote-video/jobs_panel.js')).showJob(key)", key_of("350")
        )
        page.wait_for_function(f"{FOCUSED} === '{key_of('350')}'")
        newer = [job.key for job in Ledger(server.home).recent(400)].index(key_of("350"))
        assert page.locator(OPEN_ROW).get_attribute("aria-posinset") == f"{newer + 1}"


def test_the_open_graph_s_price_follows_it(either: Any) -> None:
    price = either.locator(".remote-video-panel .price")
    for change, words in {
        f"({GRAPH})({{}})": "1 clip",
        "app.graph.nodes.find((node) => node.type === 'Veo3I2V').mode = 2": None,
        "app.graph.nodes.find((node) => node.type === 'Veo3I2V').mode = 0": "1 clip",
    }.items():
        either.evaluate(f"() => {{ {change}; app.api.dispatchCustomEvent('graphChanged'); }}")
        if words is None:
            price.wait_for(state="hidden")
        else:
            price.get_by_text("This Run").wait_for()
            assert words in price.inner_text()
