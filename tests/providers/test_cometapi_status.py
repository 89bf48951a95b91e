"""What CometAPI's answers about a task mean, in all the ways it is known to say them."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.providers.status import JobState, TransientError

from .scripted import HTML, reply, says

CLIP = "https://cdn.example/out/clip.mp4"
TASK = {"id": "task_1", "object": "video", "model": "veo_3_1-4K", "progress": 30, "size": "16x9", "created_at": 1}


def urls_of(status):
    return [source.url for source in status.sources]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", JobState.QUEUED),
        ("QUEUED", JobState.QUEUED),
        ("in_progress", JobState.RUNNING),
        ("IN_PROGRESS", JobState.RUNNING),
        ("processing", JobState.RUNNING),
        ("Processing", JobState.RUNNING),
        ("unknown", JobState.RUNNING),
        ("canceled", JobState.CANCELLED),
        *((word, JobState.SUCCEEDED) for word in ("completed", "success", "succeeded", "done", "SUCCESS", "Done")),
        *((word, JobState.FAILED) for word in ("failed", "error", "FAILED", "Error", "FAILURE")),
    ],
)
def test_a_word_is_a_state_in_any_letter_case(server, comet, word, state):
    server.will(says({**TASK, "status": word}))
    status = comet.status("task_1")
    assert (status.state, status.is_undocumented) == (state, False)
    assert server.only_request.path == "/v1/videos/task_1"


def test_an_unknown_word_means_running_and_is_marked(server, comet):
    server.will(says({**TASK, "status": "Reticulating"}))
    status = comet.status("task_1")
    assert (status.state, status.raw_status, status.is_undocumented) == (JobState.RUNNING, "reticulating", True)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda task: task,
        lambda task: {"data": task},
        lambda task: {"code": "success", "message": "", "data": task},
        lambda task: {"code": "success", "data": {"data": task}},
        lambda task: {**task, "data": {"raw": 1, "status": None}},
        lambda task: {"code": "success", "data": {**task, "data": {"name": "operations/1"}}},
    ],
)
def test_the_task_is_found_wherever_it_is_nested(server, comet, wrap):
    server.will(says(wrap({**TASK, "status": "completed", "video_url": CLIP})))
    status = comet.status("task_1")
    assert status.state is JobState.SUCCEEDED
    assert urls_of(status)[0] == CLIP


@pytest.mark.parametrize("progress", [40, "40%", "40", 0.4, "0.4", " 40 % "])
def test_a_percentage_is_read_in_any_writing(server, comet, progress):
    server.will(says({**TASK, "status": "in_progress", "progress": progress}))
    assert comet.status("task_1").progress == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("progress", "part"), [(0, 0.0), (0.0, 0.0), (1, 0.01), ("1", 0.01), (1.0, 1.0), ("0.9%", 0.009), (1.5, 0.015)]
)
def test_a_whole_number_counts_per_cent_and_a_part_of_one_as_it_is(server, comet, progress, part):
    server.will(says({**TASK, "status": "in_progress", "progress": progress}))
    assert comet.status("task_1").progress == pytest.approx(part)


@pytest.mark.parametrize("progress", [None, "", "half", "nan", -1, 101, True, [], 10**400])
def test_a_percentage_is_never_invented(server, comet, progress):
    server.will(says({**TASK, "status": "in_progress", "progress": progress}))
    assert comet.status("task_1").progress is None


@pytest.mark.parametrize(
    "place",
    [
        {"video_url": CLIP},
        {"url": CLIP},
        {"output": CLIP},
        {"output": [CLIP]},
        {"output": {"image": "https://cdn.example/cover.png", "video": CLIP}},
        {"output_video": CLIP},
        {"metadata": {"url": CLIP}},
        {"fail_reason": CLIP},
    ],
)
def test_the_address_is_found_under_every_name_and_content_comes_last(server, comet, place):
    server.will(says({**TASK, "status": "completed", **place}))
    sources = comet.status("task_1").sources
    assert [(source.url, source.needs_key) for source in sources] == [
        (CLIP, False),
        (f"{server.origin}/v1/videos/task_1/content", True),
    ]


def test_video_url_goes_before_other_names(server, comet):
    server.will(says({**TASK, "status": "completed", "url": "https://cdn.example/b.mp4", "video_url": CLIP[:-4]}))
    assert urls_of(comet.status("task_1"))[:2] == [CLIP[:-4], "https://cdn.example/b.mp4"]


@pytest.mark.parametrize(
    "task",
    [
        {"video_url": CLIP, "output": [CLIP, "https://cdn.example/2.mp4", "https://cdn.example/cover.png"]},
        {"output": {"videos": [CLIP, "https://cdn.example/2.mp4"], "image": "https://cdn.example/cover.png"}},
    ],
)
def test_content_is_the_clip_and_other_files_stand_by_themselves(server, comet, task):
    metadata = {"url": CLIP, "image": "https://cdn.example/input.png"}
    server.will(says({**TASK, "status": "completed", "metadata": metadata, **task}))
    status = comet.status("task_1")
    assert urls_of(status) == [CLIP, f"{server.origin}/v1/videos/task_1/content"]
    others = [[source.url for source in file] for file in status.others]
    assert others == [["https://cdn.example/2.mp4"], ["https://cdn.example/cover.png"]]


@pytest.mark.parametrize("place", [{}, {"video_url": None}, {"video_url": ""}, {"fail_reason": "no"}])
def test_without_an_address_there_is_content(server, comet, place):
    server.will(says({**TASK, "status": "completed", **place}))
    assert urls_of(comet.status("task_1")) == [f"{server.origin}/v1/videos/task_1/content"]


def test_a_task_without_a_state_that_names_its_clip_is_done(server, comet):
    server.will(says({**TASK, "video_url": CLIP}))
    assert comet.status("task_1").state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"message": "no luck", "code": "generation_failed"}},
        {"error": "no luck"},
        {"fail_reason": "no luck"},
        {"message": "no luck"},
    ],
)
def test_a_failure_keeps_the_providers_words_and_the_id(server, comet, said):
    server.will(says({**TASK, "status": "failed", **said}))
    failure = comet.status("task_1").error
    assert isinstance(failure, errors.JobFailed)
    assert "no luck" in str(failure)
    assert failure.request_id == "task_1"


def test_a_failure_by_moderation_says_so_first(server, comet):
    server.will(says({**TASK, "status": "failed", "error": {"message": "no", "code": "content_policy_violation"}}))
    failure = comet.status("task_1").error
    assert isinstance(failure, errors.ModerationError)
    assert str(failure).startswith(errors.MODERATION_OPENING)


@pytest.mark.parametrize(
    ("payload", "http"),
    [
        ({"code": "task_not_exist", "message": "task_not_exist", "data": None}, 400),
        ({"error": {"message": "gone", "code": "task_not_found"}}, 500),
        ({"error": {"message": "gone", "code": ""}}, 404),
    ],
)
def test_an_unknown_task_is_gone(server, comet, payload, http):
    server.will(says(payload, http))
    assert comet.status("task_1").state is JobState.NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        reply(404, b"<html>", {"Content-Type": "text/html"}),
        reply(301, b"<html>", {"Content-Type": "text/html", "Location": "/"}),
        says({**TASK, "status": "completed"}, 301, Location="/"),
        says(TASK),
        says({**TASK, "status": 7}),
        says({"error": {"message": "no quota left", "code": "quota"}}),
        says({"error": {"message": "upstream", "code": ""}}, 500),
        says({"error": {"message": "upstream", "code": ""}}, 524),
        says([]),
        reply(200, b"not json", {"Content-Type": "application/json"}),
    ],
)
def test_an_answer_that_tells_nothing_harms_nothing(server, comet, answer):
    server.will(answer)
    with pytest.raises(TransientError):
        comet.status("task_1")
    assert len(server.requests) == 1


def test_a_request_put_off_says_for_how_long(server, comet):
    server.will(says({"error": {"message": "slow"}}, 503, Retry_After="4"))
    with pytest.raises(TransientError, match="slow") as passing:
        comet.status("task_1")
    assert passing.value.retry_after == 4


def test_a_key_refused_while_waiting_names_the_job(server, comet):
    server.will(says({"error": {"message": "expired", "code": ""}}, 401))
    with pytest.raises(errors.AccountError, match="expired") as refused:
        comet.status("task_1")
    assert refused.value.request_id == "task_1"


def test_an_odd_id_stays_one_part_of_the_path(server, comet):
    server.will(says({**TASK, "status": "completed"}))
    status = comet.status("../models?")
    assert server.only_request.path == "/v1/videos/..%2Fmodels%3F"
    assert urls_of(status) == [f"{server.origin}/v1/videos/..%2Fmodels%3F/content"]
