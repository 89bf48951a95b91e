"""Before a model is first paid for its provider is asked, for nothing, whether it is still what it was."""

from __future__ import annotations

import asyncio
import copy
import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from remote_video_pack.remote_video.catalogue.store import file_of, keep
from remote_video_pack.remote_video.engine import offers
from remote_video_pack.remote_video.errors import Billed, ModelChanged, ModelGone, NoVideo
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.settings import Settings

from ..catalogue.listing import model, sandbox_schemas
from ..providers.scripted import HTML, Exchange, Script, ScriptedProvider, says
from .one_job import HURRY, RecordingAsker, Setup, until

VEO = "google-deepmind/veo-3/image-to-video"
SCHEMA = sandbox_schemas()[VEO]
CHANGED = {**SCHEMA, "properties": {**SCHEMA["properties"], "prompt": {"type": "string", "maxLength": 3}}}
GONE = says({"error_code": 400001, "error_message": "Model does not exist."}, 400)


@dataclass
class Fronted(Setup):
    """A setup whose providers stand behind something that can say other things of models."""

    front: ScriptedProvider = field(default_factory=ScriptedProvider)
    says_of_models: Script | None = None
    """Answers questions about models; None: the sandbox does."""
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        urls = {"runcomfy": f"{self.front.origin}/runcomfy", "cometapi": f"{self.front.origin}/cometapi/v1"}
        return replace(super().settings, base_urls=urls)

    def answer(self, exchange: Exchange) -> bool | None:
        seen = exchange.seen
        if seen.method == "GET" and "/v1/models" in seen.path:
            self.asked.append(seen.path)
            if self.says_of_models is not None:
                return self.says_of_models(exchange)
        there = http.client.HTTPConnection("127.0.0.1", self.sandbox.port)
        headers = {name: value for name, value in seen.headers.items() if name not in ("host", "accept-encoding")}
        there.request(seen.method, seen.path, seen.body or None, headers)
        answer = there.getresponse()
        body = answer.read()
        return says(json.loads(body), answer.status)(exchange)


@pytest.fixture
def fronted(setup: Setup) -> Iterator[Fronted]:
    with ScriptedProvider() as front:
        fronted = Fronted(setup.sandbox, setup.folder, front=front)
        front.will(lambda exchange: fronted.answer(exchange))
        yield fronted


def slow(script: Script, seconds: float) -> Callable[[Exchange], Any]:
    def late(exchange: Exchange) -> Any:
        time.sleep(seconds)
        return script(exchange)

    return late


def states(setup: Setup) -> list[State]:
    return [record.state for record in Ledger(setup.home).recent()]


def test_a_model_that_is_as_it_was_is_asked_about_once(fronted):
    for seed in range(3):
        fronted.run_now(seed=seed)
    assert fronted.asked == [f"/runcomfy/v1/models/{VEO}"]
    assert fronted.posts == 3


def test_jobs_at_once_ask_once(fronted):
    async def run() -> None:
        watches = [await fronted.watch(seed=seed) for seed in range(5)]
        for watch in watches:
            await watch.clip()

    fronted.says_of_models = slow(says({"model_id": VEO, "input_schema": SCHEMA}), 0.2)
    asyncio.run(run())
    assert (len(fronted.asked), fronted.posts) == (1, 5)


def test_what_is_known_is_asked_anew_after_a_day(fronted, monkeypatch):
    fronted.run_now(seed=1)
    monkeypatch.setattr(offers, "FRESH_S", 0.0)
    fronted.run_now(seed=2)
    assert len(fronted.asked) == 2


def test_a_changed_model_is_an_error_before_anything_is_sent(fronted):
    fronted.says_of_models = says({"model_id": VEO, "input_schema": CHANGED})
    with pytest.raises(ModelChanged) as told:
        fronted.run_now()
    assert "Veo 3 has changed at RunComfy: `prompt` takes at most 3 characters now, and not 10" in told.value.what
    assert told.value.billed is Billed.NO
    assert "REMOTE_VIDEO_CATALOGUE=0" in told.value.next_step
    assert (fronted.posts, states(fronted)) == (0, [])
    assert not fronted.run_now(prompt="sea").reused, "what the model still takes is sent"


def test_what_was_found_changed_is_asked_about_again_a_little_later(fronted, monkeypatch):
    fronted.says_of_models = says({"model_id": VEO, "input_schema": CHANGED})
    for _ in range(2):
        with pytest.raises(ModelChanged):
            fronted.run_now()
    assert len(fronted.asked) == 1
    monkeypatch.setattr(offers, "ASK_AGAIN_S", 0.0)
    fronted.says_of_models = None
    fronted.run_now()
    assert (len(fronted.asked), fronted.posts) == (2, 1)


def test_a_changed_model_that_the_catalogue_lists_names_the_node_that_knows_it(fronted):
    keep(file_of(fronted.home, fronted.settings.endpoint("runcomfy")), [model(VEO)])
    fronted.says_of_models = says({"model_id": VEO, "input_schema": CHANGED})
    with pytest.raises(ModelChanged) as told:
        fronted.run_now()
    assert f"{VEO} as `model` of the node RunComfyVideo" in told.value.next_step


@pytest.mark.parametrize("answer", [GONE, says({"message": "Model not found"}, 404)], ids=["400001", "404"])
def test_a_model_that_is_gone_is_an_error_before_anything_is_sent(fronted, answer):
    new = "google-deepmind/veo-4/image-to-video"
    listed = [model(new, categories=["image-to-video"]), model("google-deepmind/veo-4/text-to-video")]
    keep(file_of(fronted.home, fronted.settings.endpoint("runcomfy")), listed)
    fronted.says_of_models = answer
    with pytest.raises(ModelGone) as told:
        fronted.run_now()
    assert f"does not know {VEO}" in told.value.what
    assert f"RunComfy has {new} in its place" in told.value.next_step
    assert "RunComfyVideo" in told.value.next_step
    assert (fronted.posts, states(fronted), told.value.billed) == (0, [], Billed.NO)


def test_a_model_that_is_gone_and_has_no_successor_names_none(fronted):
    keep(file_of(fronted.home, fronted.settings.endpoint("runcomfy")), [model("kling/kling-3/text-to-video")])
    fronted.sandbox.faults.set("runcomfy/submit", "error-400001")
    with pytest.raises(ModelGone) as told:
        fronted.run_now()
    assert told.value.successors == ()
    assert "in its place" not in told.value.next_step


def test_a_model_that_the_post_finds_gone_names_what_took_its_place_too(fronted):
    new = "google-deepmind/veo-4/image-to-video"
    keep(file_of(fronted.home, fronted.settings.endpoint("runcomfy")), [model(new, categories=["image-to-video"])])
    fronted.sandbox.faults.set("runcomfy/submit", "error-400001")
    for _ in range(2):
        with pytest.raises(ModelGone) as told:
            fronted.run_now()
        assert f"RunComfy has {new} in its place" in told.value.next_step
    assert states(fronted) == [State.REFUSED]


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        says({}, 500),
        says({"error_code": 400004}, 401),
        says({"error_code": 403001}, 403),
        says({"model_id": VEO}),
        says({"model_id": VEO, "input_schema": {"properties": {"prompt": 7, "image": {}, "generateAudio": None}}}),
        says({"model_id": VEO, "input_schema": [1]}),
        says([]),
    ],
)
def test_no_usable_answer_stops_nobody(fronted, answer):
    fronted.says_of_models = answer
    assert fronted.run_now().path.is_file()


def test_an_answer_that_does_not_come_is_waited_for_shortly_and_its_lateness_only_once(fronted):
    fronted.timeouts = replace(HURRY, offer=0.2)
    fronted.says_of_models = slow(says({"model_id": VEO, "input_schema": CHANGED}), 3)
    assert fronted.run_now().path.is_file()
    assert fronted.posts == 1


def test_stop_is_heard_while_an_answer_is_waited_for(fronted):
    fronted.timeouts = replace(HURRY, offer=30.0)
    answered = threading.Event()
    fronted.says_of_models = lambda exchange: answered.wait(60) and says({})(exchange)

    async def run() -> None:
        asker = RecordingAsker()
        watch = await fronted.watch(asker)
        await until(lambda: fronted.asked, "the question")
        asker.stop.set()
        with pytest.raises(BaseException, match="Stopped"):
            await watch.clip()
        await until(lambda: not fronted.engine.jobs, "the job to end")

    try:
        asyncio.run(run())
    finally:
        answered.set()
    assert fronted.posts == 0


def test_what_does_no_harm_is_a_line_in_the_log(fronted, caplog):
    caplog.set_level(logging.INFO, "remote_video")
    more = {**SCHEMA, "properties": {**SCHEMA["properties"], "style": {"type": "string"}}}
    fronted.says_of_models = says({"model_id": VEO, "input_schema": more})

    def order(**job: Any) -> Any:
        order = Setup.order(fronted, **job)
        read = copy.copy(order.request.model)
        object.__setattr__(read, "schema", SCHEMA)
        return replace(order, request=replace(order.request, model=read))

    fronted.order = order  # as a model would ask whose inputs were read from the schema
    fronted.run_now(seed=1)
    fronted.run_now(seed=2)
    assert [record.message for record in caplog.records if "does no harm" in record.message] == [
        "Veo 3 has changed, which does no harm: `style` is new."
    ]


def test_stored_clips_and_followed_jobs_ask_nothing(fronted):
    fronted.run_now()
    fronted.says_of_models = GONE
    fronted.close()
    asked = len(fronted.asked)
    assert fronted.run_now().reused
    fronted.run_now().path.unlink()
    assert fronted.run_now().reused
    assert len(fronted.asked) == asked


def test_it_can_be_switched_off(fronted):
    fronted.more = {"catalogue": False}
    fronted.says_of_models = GONE
    fronted.run_now()
    assert (fronted.asked, fronted.posts) == ([], 1)


# -- CometAPI: a name in a list ----------------------------------------------------------------------------------------


@pytest.fixture
def comet(fronted: Fronted) -> Fronted:
    fronted.provider = "cometapi"
    return fronted


def names(*listed: str) -> Script:
    return says({"object": "list", "data": [{"id": name, "object": "model"} for name in listed]})


def test_a_name_that_cometapi_lists_is_sent(comet):
    comet.says_of_models = names("gpt-9", "veo3-fast")
    comet.run_now()
    assert (comet.asked, comet.posts) == (["/cometapi/v1/models"], 1)


def test_a_name_that_it_does_not_list_is_an_error_that_names_near_ones(comet):
    comet.says_of_models = names("gpt-9", "veo4-fast", "veo4", "sora-3")
    with pytest.raises(ModelGone) as told:
        comet.run_now()
    assert "CometAPI does not offer a model named veo3-fast. Near ones it has: veo4-fast, veo4." in told.value.what
    assert (comet.posts, told.value.billed) == (0, Billed.NO)
    assert "`model`" in told.value.next_step


@pytest.mark.parametrize("answer", [HTML, says({"data": []}), says({}, 503), names("gpt-9", "claude-9"), says([7, {}])])
def test_a_list_that_says_nothing_of_such_models_stops_nobody(comet, answer):
    comet.says_of_models = answer
    comet.run_now()
    assert comet.posts == 1


# -- pictures in place of a clip ---------------------------------------------------------------------------------------


def test_a_job_that_ends_in_pictures_is_a_clear_error_and_is_never_paid_again(fronted):
    fronted.timeouts = replace(HURRY, pictures=0.2)
    answer = fronted.answer

    def with_pictures(exchange: Exchange) -> Any:
        if exchange.seen.path.partition("?")[0].endswith("/result"):
            output = {"images": ["https://example.com/a.png", "https://example.com/b.png"]}
            request_id = exchange.seen.path.split("/")[-2]
            return says({"request_id": request_id, "status": "succeeded", "output": output, "cost": 0.04})(exchange)
        return answer(exchange)

    fronted.front.will(with_pictures)
    for _ in range(2):
        with pytest.raises(NoVideo) as told:
            fronted.run_now()
        assert "finished the job with pictures, and no video" in told.value.what
        assert told.value.billed is Billed.YES
        assert told.value.request_id == fronted.sandbox.jobs[0].request_id
    (record,) = Ledger(fronted.home).recent()
    assert (record.cost_usd, fronted.posts) == (0.04, 1)
    fronted.front.will(answer)
    assert fronted.run_now().reused, "a video that comes after all is brought home"
    assert fronted.posts == 1
