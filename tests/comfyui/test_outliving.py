"""A paid job outlives the prompt that asked for it, on a real server: Stop, failures, `wait` off, kill -9, the end."""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.sandbox import Pace, Sandbox

from .comfy_server import ComfyServer, failure, messages
from .prompts import Prompt, node

SOON_S = 60.0
TEXT = 3
"""The kind of a binary message that is a text on a node."""
BAD_NEIGHBOURS = '''
"""Nodes that hold a prompt up, as other packs have them."""
import time
import comfy.model_management


class Sampler:
    """Takes the interrupt itself, as samplers do, and lets go late."""
    CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "test", "run", (), True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"begin_s": ("FLOAT", {"default": 2.0}), "let_go_s": ("FLOAT", {"default": 0.0})}}

    @classmethod
    def IS_CHANGED(cls, **_):
        return float("nan")

    async def run(self, begin_s, let_go_s):
        import asyncio
        await asyncio.sleep(begin_s)
        try:
            for _ in range(600):
                time.sleep(0.1)
                comfy.model_management.throw_exception_if_processing_interrupted()
        finally:
            time.sleep(let_go_s)
        return ()


class Broken(Sampler):
    """Fails after a while."""

    async def run(self, begin_s, let_go_s):
        import asyncio
        await asyncio.sleep(begin_s)
        raise ValueError("a node of another pack failed")


NODE_CLASS_MAPPINGS = {"TestSampler": Sampler, "TestBroken": Broken}
'''


def soon(holds: Callable[[], Any], what: str) -> Any:
    """What `holds` gives once it is true."""
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {SOON_S:g} s for {what}")


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> Iterator[Sandbox]:
    """A provider whose jobs wait in its queue for as long as a test needs, but for those of `quick`."""
    with Sandbox(tmp_path_factory.mktemp("slow"), pace=Pace(queue_s=3600), short_clips=True) as running:
        yield running


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Iterator[Sandbox]:
    """A provider that takes four seconds for a clip."""
    with Sandbox(tmp_path_factory.mktemp("quick"), pace=Pace(1.0, 3.0), short_clips=True) as running:
        yield running


def server_of(start_comfy, provider: Sandbox, **more: str) -> ComfyServer:
    return start_comfy(
        RUNCOMFY_API_BASE_URL=provider.runcomfy_base_url,
        COMETAPI_BASE_URL=provider.cometapi_base_url,
        RUNCOMFY_API_TOKEN="a-key",
        COMETAPI_KEY="another-key",
        **more,
    )


@pytest.fixture(scope="module")
def waiting(start_comfy, slow) -> ComfyServer:
    return server_of(start_comfy, slow)


@pytest.fixture(scope="module")
def moving(start_comfy, quick) -> ComfyServer:
    return server_of(start_comfy, quick)


def several(words: str, count: int, **more: Any) -> Prompt:
    """So many clips of one image in one prompt, each with a seed of its own; their node ids are 10, 11, ..."""
    clips = {
        str(10 + seed): node("Veo3I2V", image=["1", 0], prompt=words, seed=seed, filename_prefix=words, **more)
        for seed in range(count)
    }
    return {"1": node("LoadImage", image="example.png"), **clips}


def queued(provider: Sandbox, before: int, count: int) -> None:
    soon(lambda: provider.accepted_posts == before + count, f"{count} submissions")
    asked = len(provider.requests)
    soon(lambda: sum("/status" in entry.path for entry in provider.requests[asked:]) >= count, "each to be asked about")


@contextmanager
def page(server: ComfyServer, client_id: str) -> Iterator[dict[str, list[str]]]:
    """An open page: the texts its nodes are shown, by node id."""
    texts: dict[str, list[str]] = {}
    opened, closing = threading.Event(), threading.Event()

    async def listen() -> None:
        url = server._url(f"/ws?clientId={client_id}").replace("http", "ws", 1)
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
            opened.set()
            while not closing.is_set():
                try:
                    message = await asyncio.wait_for(socket.receive(), 0.2)
                except asyncio.TimeoutError:
                    continue
                if message.type is aiohttp.WSMsgType.BINARY and struct.unpack(">I", message.data[:4])[0] == TEXT:
                    (length,) = struct.unpack(">I", message.data[4:8])
                    name = message.data[8 : 8 + length].decode()
                    texts.setdefault(name, []).append(message.data[8 + length :].decode())

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert opened.wait(SOON_S)
    try:
        yield texts
    finally:
        closing.set()
        thread.join()


def post(server: ComfyServer, path: str, body: dict[str, Any]) -> Any:
    answer = server._http.post(server._url(path), json=body, timeout=60)
    assert answer.ok, answer.text
    return answer


def queue_of_page(server: ComfyServer, prompt: Prompt, client_id: str) -> str:
    return post(server, "/prompt", {"prompt": prompt, "client_id": client_id}).json()["prompt_id"]


def home_of(server: ComfyServer) -> Path:
    return server.base / "home"


def states(server: ComfyServer, words: str) -> list[State]:
    """The ledger's states of the jobs whose clips are called so."""
    return [job.state for job in Ledger(home_of(server)).recent(1000) if job.filename_prefix == words]


def clips(server: ComfyServer, words: str) -> list[Path]:
    return sorted((server.base / "output").glob(f"{words}_*.mp4"))


def is_alive(server: ComfyServer, log_before: int = 0) -> None:
    """The prompt worker lives, and none of our code has failed since the log was so long."""
    server.run({"1": node("LoadImage", image="example.png"), "2": node("PreviewImage", images=["1", 0])})
    log = server.log()[log_before:]
    assert "Traceback" not in log, log[max(0, log.index("Traceback") - 500) :][:3000]


# -- Stop -------------------------------------------------------------------------------------------------------------

STOPS = {
    "the button": lambda server, prompt_id: post(server, "/interrupt", {}),
    "by prompt id": lambda server, prompt_id: post(server, "/interrupt", {"prompt_id": prompt_id}),
    "by job id": lambda server, prompt_id: post(server, f"/api/jobs/{prompt_id}/cancel", {}),
}


@pytest.mark.parametrize("way", STOPS)
def test_stop_cancels_all_eight_jobs_and_says_on_each_node_what_became_of_it(waiting, slow, way):
    before, words = slow.accepted_posts, f"stop {way}".replace(" ", "-")
    client = f"page-{words}"
    with page(waiting, client) as texts:
        prompt_id = queue_of_page(waiting, several(words, 8), client)
        queued(slow, before, 8)
        begun = time.monotonic()
        try:
            STOPS[way](waiting, prompt_id)
        except AssertionError:
            waiting.interrupt()
            pytest.skip("this version has no such route")
        assert messages(waiting.outcome(prompt_id), "execution_interrupted")
        lasted = time.monotonic() - begun
        soon(lambda: sum("was cancelled at" in texts[n][-1] for n in texts) == 8, "eight texts")
    assert lasted < 1.0, f"it took {lasted:.2f} s"
    assert sum("/cancel" in entry.path for entry in slow.requests if entry.method == "POST") % 8 == 0
    assert all(job.cancelled_at is not None for job in slow.jobs[before:])
    soon(lambda: states(waiting, words) == [State.CANCELLED] * 8, "the ledger to say so")
    is_alive(waiting)


def test_deleting_a_waiting_prompt_or_stopping_another_touches_nothing(waiting, slow):
    before = slow.accepted_posts
    running = waiting.queue(several("left-alone", 2))
    queued(slow, before, 2)
    pending = waiting.queue(several("never-run", 1))
    post(waiting, "/queue", {"delete": [pending]})
    post(waiting, "/interrupt", {"prompt_id": "another"})
    time.sleep(1.0)
    assert states(waiting, "left-alone") == [State.SUBMITTED] * 2
    assert slow.accepted_posts == before + 2
    waiting.interrupt()
    waiting.outcome(running)
    soon(lambda: states(waiting, "left-alone") == [State.CANCELLED] * 2, "the cancels")


@pytest.mark.parametrize("let_go_s", [0.0, 3.0])
def test_stop_that_a_blocking_node_takes_first_cancels_our_jobs_too(start_comfy, slow, let_go_s):
    server = server_of(start_comfy, slow) if not _NEIGHBOURS else _NEIGHBOURS[0]
    if not _NEIGHBOURS:
        server.kill()
        (server.custom_nodes / "bad_neighbours.py").write_text(BAD_NEIGHBOURS, encoding="utf-8")
        _NEIGHBOURS.append(server.start())
    before, words = slow.accepted_posts, f"taken-{let_go_s:g}"
    sampler = node("TestSampler", begin_s=6.0, let_go_s=let_go_s)
    prompt_id = server.queue({**several(words, 3), "90": sampler})
    queued(slow, before, 3)
    time.sleep(6.0)
    server.interrupt()
    assert messages(server.outcome(prompt_id), "execution_interrupted")
    soon(lambda: states(server, words) == [State.CANCELLED] * 3, "the cancels")
    is_alive(server)


_NEIGHBOURS: list[ComfyServer] = []


def test_a_job_that_a_waiting_prompt_also_wants_is_not_cancelled(moving, quick):
    before = quick.accepted_posts
    prompt = several("wanted-twice", 1)
    first, second = moving.queue(prompt), moving.queue({**prompt, "99": node("PreviewImage", images=["1", 0])})
    soon(lambda: quick.accepted_posts == before + 1, "the submission")
    moving.interrupt()
    moving.outcome(first)
    outcome = moving.outcome(second)
    assert outcome["status"]["status_str"] == "success", failure(outcome)
    assert quick.accepted_posts == before + 1
    assert len(clips(moving, "wanted-twice")) == 1


# -- a failure elsewhere ----------------------------------------------------------------------------------------------


def test_a_siblings_failure_leaves_the_other_clips_to_come_home_without_run(moving, quick):
    before, words = quick.accepted_posts, "siblings"
    prompt = several(words, 4)
    prompt["13"]["inputs"]["prompt"] = "[fail]"
    outcome = moving.outcome(moving.queue(prompt))
    assert failure(outcome)
    soon(lambda: len(clips(moving, words)) == 3, "three files without Run")
    posts = quick.accepted_posts
    del prompt["13"]
    moving.run(prompt)
    assert (quick.accepted_posts, posts) == (before + 4, before + 4)
    assert "failed at RunComfy" in moving.log()
    is_alive(moving, len(moving.log()))


# -- `wait` off -------------------------------------------------------------------------------------------------------


def test_twenty_prompts_with_wait_off_are_submitted_at_once_collected_and_passed_on_with_twenty_posts(moving, quick):
    before, words, many, log_before = quick.accepted_posts, "twenty", 20, len(moving.log())
    begun = time.monotonic()
    prompts = []
    for seed in range(many):
        clip = node("Veo3I2V", image=["1", 0], prompt=words, seed=seed, filename_prefix=words, wait=False)
        saved = node("SaveVideo", video=["10", 2], filename_prefix=f"saved-{words}-{seed}", format="auto", codec="auto")
        prompts.append({"1": node("LoadImage", image="example.png"), "10": clip, "20": saved})
    for outcome in [moving.outcome(prompt_id) for prompt_id in [moving.queue(prompt) for prompt in prompts]]:
        assert outcome["status"]["status_str"] == "success", failure(outcome)
    assert quick.accepted_posts == before + many
    assert time.monotonic() - begun < 30.0
    assert not list((moving.base / "output").glob(f"saved-{words}-*"))
    soon(lambda: len(clips(moving, words)) == many, "twenty files without Run")
    for prompt in prompts:
        for _ in range(3):
            moving.run(prompt)
    assert len(list((moving.base / "output").glob(f"saved-{words}-*.mp4"))) >= many
    assert quick.accepted_posts == before + many
    is_alive(moving, log_before)


def test_two_clips_with_wait_off_are_each_picked_up_once(moving, quick):
    before, words = quick.accepted_posts, "pair"
    prompt = several(words, 2, wait=False)
    for name in ("10", "11"):
        save = node("SaveVideo", video=[name, 2], filename_prefix=f"kept-{words}-{name}", format="auto", codec="auto")
        prompt[f"2{name}"] = save
    moving.run(prompt)
    soon(lambda: len(clips(moving, words)) == 2, "both clips")
    for _ in range(4):
        moving.run(prompt)
    for name in ("10", "11"):
        assert len(list((moving.base / "output").glob(f"kept-{words}-{name}_*.mp4"))) == 1, "saved once, then cached"
    assert quick.accepted_posts == before + 2


# -- the end of the process -------------------------------------------------------------------------------------------


def restarted(server: ComfyServer) -> ComfyServer:
    return server.start()


def test_kill_9_in_the_middle_of_a_clip_and_the_next_start_brings_it_home_untouched(start_comfy, quick):
    server = server_of(start_comfy, quick)
    before, words = quick.accepted_posts, "killed"
    server.queue(several(words, 1))
    soon(lambda: quick.accepted_posts == before + 1, "the submission")
    server.kill()
    restarted(server)
    (clip,) = soon(lambda: clips(server, words), "the clip, without Run")
    soon(lambda: clip.with_suffix(".json").exists(), "its workflow beside it")
    assert "10" in json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
    assert quick.accepted_posts == before + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_submission_under_way_when_the_server_is_ended_is_known_afterwards(start_comfy, quick, number):
    server = server_of(start_comfy, quick)
    before, words = quick.accepted_posts, f"ended-{int(number)}"
    server.run(several(f"first-{words}", 1))
    quick.faults.set("runcomfy/submit", "stall:accepted", on_call=1)
    server.queue(several(words, 1))
    soon(lambda: quick.accepted_posts == before + 2, "the submission")
    threading.Timer(1.5, quick.faults.clear).start()
    assert server._process is not None
    server._process.send_signal(number)
    server._process.wait(SOON_S)
    assert states(server, words) == [State.SUBMITTED]
    restarted(server)
    soon(lambda: clips(server, words), "the clip, without Run")
    assert quick.accepted_posts == before + 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_a_server_waits_for_nothing_else(start_comfy, slow, number):
    server = server_of(start_comfy, slow)
    before = slow.accepted_posts
    server.queue(several(f"idle-{int(number)}", 2))
    queued(slow, before, 2)
    slow.faults.set("runcomfy/status", "stall", seconds=60.0)
    time.sleep(4.0)
    begun = time.monotonic()
    assert server._process is not None
    server._process.send_signal(number)
    server._process.wait(SOON_S)
    lasted = time.monotonic() - begun
    slow.faults.clear()
    assert lasted < 5.0, f"it took {lasted:.1f} s"


def test_nothing_of_the_engine_is_there_before_it_is_needed(start_comfy, quick):
    server = server_of(start_comfy, quick)
    time.sleep(1.0)
    assert not home_of(server).exists()
    tasks = Path(f"/proc/{server._process.pid}/task") if server._process else Path()
    if tasks.exists():
        names = [(task / "comm").read_text(encoding="utf-8").strip() for task in tasks.iterdir()]
        assert not [name for name in names if name.startswith("remote-video")]
