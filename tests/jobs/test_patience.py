"""A job is waited for through whatever passes; only its deadline or the user ends the waiting, and neither loses it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import DownloadError, ProviderBusy, StillRunning, Stopped
from remote_video_pack.remote_video.jobs.follow import GROWTH, Follower
from remote_video_pack.remote_video.jobs.lifecycle import State
from remote_video_pack.remote_video.patience import USUAL
from remote_video_pack.remote_video.providers.status import JobState, JobStatus, Passing
from remote_video_pack.remote_video.sandbox import Pace

from .fault_stage import HURRIED, STALL_S, Ending, Seat, Stage, clip_bytes, new_request

PROVIDERS = ("runcomfy", "cometapi")
STATUS = {"runcomfy": "runcomfy/status", "cometapi": "comet/retrieve"}
SUBMIT = {"runcomfy": "runcomfy/submit", "cometapi": "comet/create"}
FOR_EVER_S = 3600.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip_bytes(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def stage(tmp_path: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("RUNCOMFY_API_TOKEN", "a-key")
    monkeypatch.setenv("COMETAPI_KEY", "a-key")
    stage = Stage(tmp_path, clip, Pace(0.02, 0.02))
    yield stage
    stage.stop()


def patiently(stage: Stage, **seconds: float) -> None:
    stage.settings = replace(stage.settings, patience=replace(HURRIED, **seconds))


# -- trouble that passes -----------------------------------------------------------------------------------------------

TROUBLES = (
    ("error-500", 40),
    ("error-429", 40),
    ("error-429-retry-after-nonsense", 10),
    ("reset-before-answer", 40),
    ("error-503-html", 40),
    ("hang-up", 20),
    ("html-200", 20),
    ("reset-during-answer", 20),
    ("error-524", 20),
    ("unknown-state", 20),
)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_many_minutes_of_trouble_while_polling_do_not_end_a_job(provider: str, stage: Stage):
    patiently(stage, first_poll_pause=0.001, longest_poll_pause=0.002)
    at = 1
    for fault, times in TROUBLES:
        stage.sandbox.faults.set(STATUS[provider], fault, on_call=at, times=times)
        at += times
    ending = await stage.run(new_request(provider))
    assert ending.error is None
    assert ending.posts == 1
    assert ending.clip is not None and ending.record is not None
    assert ending.clip.request_id == stage.sandbox.jobs[-1].request_id
    questions = sum(request.path.startswith(_prefix(provider)) for request in stage.requests)
    assert questions >= sum(times for _, times in TROUBLES)
    polls = sum(times for _, times in TROUBLES) // 2  # a broken connection is tried twice in one poll
    assert polls * USUAL.longest_poll_pause > 20 * 60
    count("unusable answers in a row that a job was waited through", questions)


def _prefix(provider: str) -> str:
    return "/runcomfy/v1/requests/" if provider == "runcomfy" else "/cometapi/v1/videos/"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_provider_that_is_away_for_a_while_is_waited_for(provider: str, stage: Stage):
    stage.sandbox.faults.set(STATUS[provider], "refuse", seconds=1.0)
    ending = await stage.run(new_request(provider))
    assert ending.error is None
    assert ending.posts == 1


async def test_a_wait_of_a_day_asked_for_while_polling_is_cut_to_minutes(stage: Stage):
    patiently(stage, longest_retry_after=0.02)
    stage.sandbox.faults.set("runcomfy/status", "error-503-retry-after", times=3, seconds=86_400)
    ending = await stage.run(new_request("runcomfy"))
    assert ending.error is None


async def test_a_wait_of_a_day_asked_for_at_submission_is_left_to_the_user(stage: Stage):
    stage.sandbox.faults.set("runcomfy/submit", "error-429-retry-after", seconds=86_400)
    ending = await stage.run(new_request("runcomfy"))
    assert isinstance(ending.error, ProviderBusy)
    assert ending.posts == 0
    assert ending.record is not None and ending.record.state is State.REFUSED


# -- the deadline ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["never-starts", "never-finishes", "error-503", "stall", "drip"])
async def test_the_deadline_leaves_the_job_followable(provider: str, fault: str, stage: Stage):
    """Also when the answer drips, byte by byte, for longer than anybody would wait."""
    patiently(stage, answer=0.3, question=0.6)
    options = {"stall": {"seconds": STALL_S}, "drip": {"seconds": 20.0}}.get(fault, {})
    stage.sandbox.faults.set(STATUS[provider], fault, **options)
    request = new_request(provider)
    first = await stage.run(request, timeout_s=1.0)
    assert isinstance(first.error, StillRunning)
    assert "REMOTE_VIDEO_TIMEOUT_S" in first.error.what
    assert first.record is not None and first.record.state is State.SUBMITTED
    await asyncio.to_thread(stage.sandbox.faults.clear)
    second = await stage.run(request)
    assert second.clip is not None and second.clip.request_id == first.error.request_id
    assert second.posts == 1


async def test_the_deadlines_message_says_what_was_wrong_last(stage: Stage):
    stage.sandbox.faults.set("runcomfy/status", "error-503")
    ending = await stage.run(new_request("runcomfy"), timeout_s=0.5)
    assert isinstance(ending.error, StillRunning)
    assert "Upstream error 503" in ending.error.what


async def test_the_deadline_during_a_download_leaves_a_clip_to_be_fetched(stage: Stage):
    stage.sandbox.faults.set("media", "drip", seconds=60.0)
    request = new_request("runcomfy")
    first = await stage.run(request, timeout_s=1.5)
    assert isinstance(first.error, DownloadError)
    assert first.record is not None and first.record.state is State.FINISHED
    await asyncio.to_thread(stage.sandbox.faults.clear)
    second = await stage.run(request)
    assert second.error is None
    ranges = [request.headers.get("range", "") for request in stage.requests if request.path.startswith("/media/")]
    assert any(asked.startswith("bytes=") for asked in ranges)


# -- Stop --------------------------------------------------------------------------------------------------------------


async def stopped_run(stage: Stage, provider: str, words: str) -> Ending:
    """Run, and press Stop (from another thread) some time after a line with these words was said."""

    def press_soon(text: str) -> bool:
        if words in text:
            threading.Timer(0.1, lambda: setattr(seat, "pressed", True)).start()
        return False

    seat = Seat(stop_when=press_soon)
    return await stage.run(new_request(provider), seat=seat, timeout_s=2 * FOR_EVER_S)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stop_cuts_the_sleep_between_polls_short(provider: str, stage: Stage):
    patiently(stage, first_poll_pause=FOR_EVER_S, longest_poll_pause=FOR_EVER_S)
    stage.sandbox.faults.set(STATUS[provider], "never-finishes")
    ending = await stopped_run(stage, provider, "running")
    assert isinstance(ending.error, Stopped)
    assert ending.record is not None and ending.record.state is State.SUBMITTED
    assert ending.record.request_id and ending.record.request_id in str(ending.error)


async def test_stop_cuts_a_wait_the_provider_asked_for_short(stage: Stage):
    patiently(stage, longest_retry_after=2 * FOR_EVER_S)
    stage.sandbox.faults.set("runcomfy/status", "error-429-retry-after", seconds=int(FOR_EVER_S))
    ending = await stopped_run(stage, "runcomfy", "asking again")
    assert isinstance(ending.error, Stopped)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stop_cuts_the_wait_before_another_submission_short(provider: str, stage: Stage):
    patiently(stage, longest_retry_after=2 * FOR_EVER_S)
    stage.sandbox.faults.set(SUBMIT[provider], "error-429-retry-after", seconds=int(FOR_EVER_S))
    ending = await stopped_run(stage, provider, "Trying again in")
    assert isinstance(ending.error, Stopped)
    assert "Nothing was billed" in str(ending.error)
    assert ending.posts == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stop_does_not_wait_for_an_answer_that_stalls(provider: str, stage: Stage):
    patiently(stage, question=FOR_EVER_S, cancel_answer=0.2)
    for route in (STATUS[provider], "runcomfy/cancel"):
        fault = "stall:lost" if route == "runcomfy/cancel" else "stall"
        stage.sandbox.faults.set(route, fault, seconds=FOR_EVER_S)
    ending = await stopped_run(stage, provider, "submitting")
    assert isinstance(ending.error, Stopped)
    assert ending.posts == 1


async def test_stop_cuts_the_wait_before_another_download_short(stage: Stage):
    patiently(stage, refetch_pause=FOR_EVER_S, longest_refetch_pause=FOR_EVER_S)
    stage.sandbox.faults.set("media", "media-503")
    ending = await stopped_run(stage, "runcomfy", "downloading again")
    assert isinstance(ending.error, Stopped)
    assert ending.record is not None and ending.record.state is State.FINISHED


# -- the pauses themselves ---------------------------------------------------------------------------------------------

Ask = Callable[[], JobStatus]


@dataclass
class Clockwork:
    """Stands in for a run: asks and sleeps at once, and keeps for how long it would have slept."""

    answers: Iterator[JobStatus | Passing]
    patience: object = USUAL
    slept: list[float] = field(default_factory=list)
    deadline: float = field(default_factory=lambda: time.monotonic() + 1e9)
    begun: float = 0.0

    class provider:
        name = "RunComfy"

    class host:
        @staticmethod
        def progress(fraction: float) -> None:
            raise AssertionError("no percentage was given")

    async def call(self, function: Ask) -> JobStatus:
        answer = next(self.answers)
        if isinstance(answer, Passing):
            raise answer
        return answer

    async def keep(self, function: Ask) -> None:
        return None

    async def stay_known(self) -> None:
        return None

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def say(self, text: str) -> None:
        return None


RUNNING = JobStatus(JobState.RUNNING, "in_progress")
DONE = JobStatus(JobState.SUCCEEDED, "succeeded")


async def test_the_first_question_comes_at_once_and_pauses_grow_to_ten_seconds():
    run = Clockwork(iter([RUNNING] * 12 + [DONE]))
    await Follower(run, "r-1", None).until_finished()
    planned = [min(2.0 * GROWTH**n, 10.0) for n in range(12)]
    assert len(run.slept) == 12
    assert all(0.85 * plan <= pause <= 1.15 * plan for pause, plan in zip(run.slept, planned, strict=True))
    assert planned[-1] == 10.0
    assert len(set(run.slept[-4:])) > 1, "the pauses have jitter"


async def test_a_wait_that_is_asked_for_is_honoured_up_to_two_minutes():
    asked = [Passing("busy", 30.0), Passing("busy", 86_400.0), Passing("busy", None), DONE]
    run = Clockwork(iter(asked))
    await Follower(run, "r-1", None).until_finished()
    assert run.slept[0] == 30.0
    assert run.slept[1] == 120.0
    assert run.slept[2] < 10.0


async def test_the_last_question_is_asked_at_the_deadline():
    run = Clockwork(iter([RUNNING, DONE]), deadline=time.monotonic() + 1.0)
    await Follower(run, "r-1", None).until_finished()
    assert 0 < run.slept[0] <= 1.0
