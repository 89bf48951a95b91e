"""The fault menu: every fault does what it says, to the calls it is set for, and nothing after it is cleared."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import ROUTES, Fault, FaultBoard, Sandbox

CLIP = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 200
SMALL = {"seconds": 0.05, "bytes": 1 << 20, "calls": 2}
POSTS = ("runcomfy/submit", "comet/create")
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), pace=Pace(0, 0), prebuilt=CLIP) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox, connect):
    yield connect(sandbox)
    sandbox.faults.clear()


def small(fault: Fault) -> dict[str, float]:
    return {name: SMALL[name] for name in fault.options}


def entries(routes=ROUTES) -> list:
    return [pytest.param(r, f, id=f"{r}-{f.name}") for r in routes for f in FaultBoard.menu(r) if not f.refuses]


class Caller:
    """Brings a job to where a route is called next, and calls it."""

    def __init__(self, client, route: str) -> None:
        self._client = client
        self.route = route
        self.job = ""
        if route in ("runcomfy/status", "runcomfy/result", "runcomfy/cancel", "media"):
            self.job = client.submit_veo().json()["request_id"]
        elif route in ("comet/retrieve", "comet/content"):
            self.job = client.create().json()["id"]

    def __call__(self, **more) -> requests.Response:
        client = self._client
        match self.route:
            case "runcomfy/submit":
                return client.submit_veo()
            case "runcomfy/cancel":
                return client.cancel(self.job)
            case "runcomfy/status" | "runcomfy/result":
                word = self.route.rpartition("/")[2]
                return client.runcomfy(f"requests/{self.job}/{word}?include_cost=true", **more)
            case "runcomfy/model":
                return client.runcomfy("models/google-deepmind/veo-3/image-to-video", **more)
            case "runcomfy/models":
                return client.runcomfy("models?include_schema=true", **more)
            case "runcomfy/balance":
                return client.get(f"{client.sandbox.runcomfy_base_url}/prod/v2/balance", **more)
            case "comet/models":
                return client.comet("models", **more)
            case "comet/create":
                return client.create()
            case "comet/retrieve":
                return client.comet(f"videos/{self.job}", **more)
            case "comet/content":
                return client.comet(f"videos/{self.job}/content", **more)
        return client.get(f"{client.sandbox.origin}/media/{self.job}/clip.mp4", **more)


@pytest.mark.parametrize(("route", "fault"), entries())
def test_a_fault_counts_a_submission_exactly_when_it_says_so(client, sandbox, route, fault):
    call = Caller(client, route)
    before = sandbox.accepted_posts
    active = sandbox.faults.set(route, fault, on_call=1, **small(fault))
    try:
        answer = call()
        understood = answer.status_code == 302 or (answer.status_code < 300 and bool(answer.content))
    except (requests.RequestException, ValueError):
        understood = False
    assert active.fired == 1
    assert sandbox.accepted_posts - before == (1 if route in POSTS and fault.carried_out else 0)
    assert understood or not fault.harmless or fault.name == "variant-early-400005"
    assert call().status_code < 300, "the call after the fault goes well"


@pytest.mark.parametrize("route", ROUTES)
def test_every_fault_has_a_name_of_its_own_and_a_sentence(route):
    faults = FaultBoard.menu(route)
    assert len({fault.name for fault in faults}) == len(faults)
    assert all(fault.says.strip().endswith(".") for fault in faults)


CONNECTION_BREAKS = [
    "reset-before-answer",
    "reset-during-answer",
    "hang-up",
    "stall-then-reset",
    "short-body",
    "chunked-cut-off",
    "not-http",
]


@pytest.mark.parametrize("name", CONNECTION_BREAKS)
@pytest.mark.parametrize("route", ["runcomfy/status", "comet/retrieve", "media"])
def test_a_broken_connection_is_seen_as_one(client, sandbox, route, name):
    call = Caller(client, route)
    options = {"seconds": 0.05} if name.startswith("stall") else {}
    sandbox.faults.set(route, name, **options)
    with pytest.raises(BROKEN):
        call()


@pytest.mark.parametrize("route", ["runcomfy/submit", "comet/create"])
@pytest.mark.parametrize("name", ["reset-before-body", "reset-during-body", "reset-before-answer:lost"])
def test_a_submission_broken_off_before_it_took_effect_is_not_counted(client, sandbox, route, name):
    before = sandbox.accepted_posts
    sandbox.faults.set(route, name)
    with pytest.raises(BROKEN):
        Caller(client, route)()
    assert sandbox.accepted_posts == before


@pytest.mark.parametrize("route", ["runcomfy/submit", "comet/create", "runcomfy/model"])
def test_a_first_call_can_find_the_port_closed(client, sandbox, route):
    call = Caller(client, route)
    sandbox.faults.set(route, "refuse")
    with pytest.raises(requests.ConnectionError, match="refused"):
        call()
    sandbox.faults.clear()
    assert call().status_code < 300


LIVES = {
    "runcomfy/status": ["runcomfy/submit"],
    "runcomfy/cancel": ["runcomfy/submit"],
    "runcomfy/result": ["runcomfy/submit", "runcomfy/status"],
    "comet/retrieve": ["comet/create"],
    "comet/content": ["comet/create", "comet/retrieve"],
    "media": ["runcomfy/submit", "runcomfy/status", "runcomfy/result"],
}


@pytest.mark.parametrize("route", LIVES)
def test_a_later_call_can_find_the_port_closed(client, sandbox, route):
    sandbox.faults.set(route, "refuse")
    job = ""
    for step in LIVES[route]:
        call = Caller.__new__(Caller)
        call.__dict__.update(_client=client, route=step, job=job)
        answer = call().json()
        job = job or answer.get("request_id") or answer["id"]
    call.route = route
    call.job = job
    with pytest.raises(requests.ConnectionError, match="refused"):
        call()
    sandbox.faults.clear()
    assert call().status_code < 300


def test_the_port_opens_again_by_itself(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/submit", "refuse", on_call=1, seconds=0.3)
    with pytest.raises(requests.ConnectionError):
        call()
    reopened = threading.Event()
    for _ in range(100):
        try:
            assert call().status_code == 200
            reopened.set()
            break
        except requests.ConnectionError:
            threading.Event().wait(0.05)
    assert reopened.is_set()


def test_a_fault_hits_the_calls_it_is_set_for(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/status", "error-500", on_call=2, times=2)
    assert [call().status_code for _ in range(4)] == [200, 500, 500, 200]


def test_a_stall_ends_when_its_fault_is_cleared(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/status", "stall", seconds=600)
    threading.Timer(0.2, sandbox.faults.clear).start()
    assert call().status_code == 200


def test_a_stalled_client_gives_up_by_its_own_timeout(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/status", "stall", seconds=600)
    with pytest.raises(requests.Timeout):
        call(timeout=0.2)


def test_retry_after_comes_in_seconds_and_as_a_date(client, sandbox):
    call = Caller(client, "comet/retrieve")
    sandbox.faults.set("comet/retrieve", "error-429-retry-after", on_call=1, seconds=7)
    sandbox.faults.set("comet/retrieve", "error-503-retry-after-date", on_call=2, seconds=7)
    assert call().headers["Retry-After"] == "7"
    assert call().headers["Retry-After"].endswith("GMT")


def test_states_go_backwards_and_end_well(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/status", "states-backwards")
    words = [call().json()["status"] for _ in range(5)]
    assert words == ["in_progress", "in_queue", "in_progress", "in_queue", "completed"]


def test_a_late_cost_comes_in_the_end(client, sandbox):
    call = Caller(client, "runcomfy/result")
    sandbox.faults.set("runcomfy/result", "late-cost", calls=2)
    assert ["cost" in call().json() for _ in range(3)] == [False, False, True]


def test_a_changed_etag_makes_the_resume_a_whole_file(client, sandbox):
    call = Caller(client, "media")
    sandbox.faults.set("media", "etag-changed")
    first = call()
    resumed = call(headers={"Range": "bytes=100-", "If-Range": first.headers["ETag"]})
    assert resumed.status_code == 200 and resumed.content == CLIP
    assert resumed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(("name", "status", "length"), [("range-ignored", 200, len(CLIP)), ("range-refused", 416, 0)])
def test_a_range_can_be_ignored_or_refused(client, sandbox, name, status, length):
    call = Caller(client, "media")
    sandbox.faults.set("media", name)
    answer = call(headers={"Range": "bytes=100-"})
    assert (answer.status_code, len(answer.content)) == (status, length)


def test_an_endless_body_does_not_end_before_its_limit(client, sandbox):
    call = Caller(client, "media")
    sandbox.faults.set("media", "endless-body")
    with call(stream=True) as answer:
        received = 0
        for piece in answer.iter_content(1 << 20):
            received += len(piece)
            if received > 20 << 20:
                break
    assert received > 20 << 20 > len(CLIP)


def test_redirects_lead_where_they_say(client, sandbox):
    call = Caller(client, "media")
    for name, start in (
        ("loop", sandbox.origin),
        ("private", "https://10."),
        ("http", "http://media."),
        ("file", "file:"),
    ):
        sandbox.faults.set("media", f"redirect-{name}", on_call=1)
        answer = call()
        assert answer.status_code == 302 and answer.headers["Location"].startswith(start)
        sandbox.faults.clear()


def test_a_bomb_is_small_on_the_wire(client, sandbox):
    call = Caller(client, "runcomfy/status")
    sandbox.faults.set("runcomfy/status", "json-gzip-bomb", bytes=64 << 20)
    with call(stream=True) as answer:
        wire = answer.raw.read(decode_content=False)
    assert len(wire) < 1 << 20
    assert json.loads(gzip.decompress(wire))["status"] == "completed"


def test_zero_frames_is_a_real_file_without_pictures(client, sandbox, tmp_path: Path):
    import av

    call = Caller(client, "media")
    sandbox.faults.set("media", "zero-frames")
    path = tmp_path / "silent.mp4"
    path.write_bytes(call().content)
    with av.open(str(path)) as container:
        assert container.streams.audio and not container.streams.video


def test_a_fault_that_is_not_on_the_menu_is_an_error(sandbox):
    for route, name, options in (("media", "nothing", {}), ("nowhere", "stall", {}), ("media", "stall", {"second": 1})):
        with pytest.raises(KeyError):
            sandbox.faults.set(route, name, **options)
