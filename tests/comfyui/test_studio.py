"""Two real servers, as on two machines: one database, one bucket, and disks of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox
from ..s3_server import KEY_ID, REGION, SECRET, S3Server, s3_server
from .comfy_server import ComfyServer
from .conftest import account_at
from .outcomes import soon
from .prompts import Prompt, veo
from .ui_page import ENDED_WITHIN_MS, UI_READY, open_panel, text_on_node

BUCKET = "clips"
LOOKS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
GRAPH = """([prompt, seed]) => {
    app.graph.clear();
    const image = LiteGraph.createNode("LoadImage"), node = LiteGraph.createNode("Veo3I2V");
    for (const [one, pos] of [[image, [60, 120]], [node, [420, 120]]]) { one.pos = pos; app.graph.add(one); }
    image.connect(0, node, "image");
    image.widgets.find((widget) => widget.name === "image").value = "example.png";
    for (const [name, value] of Object.entries({ prompt, seed }))
        node.widgets.find((widget) => widget.name === name).value = value;
    window.ended = new Promise((resolve) => {
        for (const event of ["execution_success", "execution_error"])
            app.api.addEventListener(event, () => resolve(event));
    });
    app.queuePrompt(0);
}"""


@pytest.fixture(scope="module")
def slow_provider(tmp_path_factory, clip_bytes) -> Iterator[Sandbox]:
    """Six seconds a clip: time to ask for it on another machine."""
    with Sandbox(tmp_path_factory.mktemp("slow"), pace=Pace(1.0, 5.0), prebuilt=clip_bytes) as running:
        yield running


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Server]:
    with s3_server() as server:
        server.make(BUCKET)
        yield server


@pytest.fixture(scope="module")
def studio(postgres, slow_provider, bucket) -> Iterator[dict[str, str]]:
    """The variables that every machine of it has."""
    keys = f"{KEY_ID}:{quote(SECRET, safe='')}"
    with postgres.database() as name:
        yield {
            **account_at(slow_provider),
            "REMOTE_VIDEO_LEDGER_URL": postgres.url(name),
            "REMOTE_VIDEO_CLIPS_URL": f"s3://{keys}@{BUCKET}/shots?endpoint={quote(bucket.endpoint)}&region={REGION}",
        }


@pytest.fixture(scope="module")
def machine(start_comfy, studio):
    """Start a server of the studio, with nothing on its disk."""

    def start(name: str) -> ComfyServer:
        return start_comfy(**studio, REMOTE_VIDEO_HOST=name, REMOTE_VIDEO_USER="artist")

    return start


def clip_of(server: ComfyServer, outcome: dict[str, Any]) -> bytes:
    (shown,) = outcome["2"]["gifs" if "gifs" in outcome["2"] else "images"]
    return server.saved(shown).read_bytes()


def of_jobs(provider: Sandbox) -> list[str]:
    """What it was asked but for its models and the balance, which are free and asked for by themselves."""
    routes = [request.route for request in provider.requests]
    return [route for route in routes if not route.endswith(("/balance", "/models"))]


def test_a_run_on_two_machines_and_on_one_that_was_wiped_is_one_submission(
    machine, studio, slow_provider, bucket, browser, tmp_path
):
    first, second = machine("first-machine"), machine("second-machine")
    prompt: Prompt = veo("a lighthouse at dusk", 7)
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(ENDED_WITHIN_MS)
    page.goto(f"{second.address}/")
    page.wait_for_function(UI_READY)
    page.wait_for_timeout(3000)  # a new user's page opens the template browser
    page.keyboard.press("Escape")
    begun = first.queue(prompt)
    soon(lambda: slow_provider.accepted_posts == 1, "the one submission")
    page.evaluate(GRAPH, ["a lighthouse at dusk", 7])
    text_on_node(page, "sharing the job of another run")
    LOOKS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=LOOKS / "studio-following.png")
    assert page.evaluate("window.ended") == "execution_success"
    page.screenshot(path=LOOKS / "studio-followed.png")
    job = open_panel(page, "a lighthouse at dusk")
    job.filter(has_text="artist@first-machine").wait_for()
    page.screenshot(path=LOOKS / "studio-panel.png")
    context.close()
    made = first.outcome(begun)
    assert made["status"]["status_str"] == "success"
    clip = clip_of(first, made["outputs"])
    assert clip_of(second, second.run(prompt)) == clip
    assert slow_provider.accepted_posts == 1

    ledger = Ledger(tmp_path, url=studio["REMOTE_VIDEO_LEDGER_URL"])
    soon(lambda: all(job.shared_in for job in ledger.recent()), "the clip in the bucket")
    assert list(bucket.objects(BUCKET).values()) == [clip]
    for server in (first, second):
        server.kill()
    asked = len(of_jobs(slow_provider))
    wiped = machine("first-machine")
    assert clip_of(wiped, wiped.run(prompt)) == clip
    assert len(of_jobs(slow_provider)) == asked, "neither a submission nor a question nor a download"
    (job,) = ledger.recent()
    assert (job.host, job.asked_by) == ("first-machine", "artist")
    for server in (first, second, wiped):
        log = server.log()
        assert "Traceback" not in log
        assert SECRET not in log and quote(SECRET, safe="") not in log
        assert studio["REMOTE_VIDEO_LEDGER_URL"].split(":")[2].split("@")[0] not in log
