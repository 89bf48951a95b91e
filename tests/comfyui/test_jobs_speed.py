"""Ten thousand rows in the jobs panel of a real browser: what a frame costs while they pass by, and how far End is."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from typing import Any

import pytest

from .test_jobs_panel import MANY, fill, key_of
from .ui_page import open_ui, toggle_panel

FRAME_MS = 1000 / 60
SCROLLED_FOR_S = 4.0
WHEEL = 700
"""Pixels a turn of the wheel goes."""
FRAMES = """() => {
    window.frames = [];
    const frame = (now) => { window.frames.push(now); window.watching = requestAnimationFrame(frame); };
    window.watching = requestAnimationFrame(frame);
}"""
FRAMES_SEEN = "() => { cancelAnimationFrame(window.watching); return window.frames; }"


@pytest.fixture(scope="module")
def server(start_comfy, clip_bytes):
    running = start_comfy(REMOTE_VIDEO_COLLECT="0")
    fill(running, clip_bytes)
    return running


@pytest.fixture
def page(browser, server):
    with open_ui(browser, server.address) as page:
        page.set_default_timeout(60_000)
        page.evaluate("app.graph.clear()")
        toggle_panel(page)
        page.locator("li.job").first.wait_for()
        yield page


def work_ms(session: Any) -> float:
    """How long the page's thread has worked for us until now: script, style and layout."""
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * sum(found[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


def test_rows_pass_by_at_sixty_frames_a_second(page, record_property):
    """Chromium without a window keeps to its 60 frames a second; a busy machine drops some, also of an idle page.

    So what is asserted is what a frame costs the page's thread.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.locator(".remote-video-panel .scroller").hover()
    page.evaluate(FRAMES)
    before, end, turns = work_ms(session), time.monotonic() + SCROLLED_FOR_S, 0
    while time.monotonic() < end:
        page.mouse.wheel(0, WHEEL)
        turns += 1
    work = work_ms(session) - before
    frames = page.evaluate(FRAMES_SEEN)
    gaps = [after - one for one, after in itertools.pairwise(frames)]
    passed = page.evaluate("document.querySelector('.remote-video-panel .scroller').scrollTop")
    figures = {
        "frames": len(frames),
        "fps": round(len(gaps) / sum(gaps) * 1000, 1),
        "median_gap_ms": round(statistics.median(gaps), 1),
        "p95_gap_ms": round(sorted(gaps)[int(0.95 * len(gaps))], 1),
        "work_ms_a_frame": round(work / len(frames), 2),
        "turns": turns,
        "passed_px": round(passed),
    }
    print(json.dumps(figures))
    record_property("figures", figures)
    assert passed > 5000
    assert work / len(frames) < FRAME_MS
    assert page.locator("li.job").count() < 60


def test_the_last_of_ten_thousand_rows_is_one_key_away(page, record_property):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/remote_video/jobs" in request.url else None)
    page.locator("li.job").first.focus()
    begun = time.monotonic()
    page.keyboard.press("End")
    page.wait_for_function(
        "(key) => document.activeElement?.closest('li.job')?.dataset.key === key", arg=key_of("oldest")
    )
    took = time.monotonic() - begun
    print(json.dumps({"end_s": round(took, 2), "questions": len(asked)}))
    record_property("end_s", took)
    assert page.locator("li.job.open").get_attribute("aria-posinset") == f"{MANY}"
    assert len(asked) <= MANY / 1000 + 2
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.remote-video-panel .scroller').scrollTop === 0")
