"""What RunComfy's answers about a job mean, in all the ways it is known to say them."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.providers.clip_urls import files_in
from remote_video_pack.remote_video.providers.status import JobState, TransientError

from .scripted import HTML, reply, says

CLIP = "https://media.runcomfy.net/out/clip.mp4"
DONE = says({"request_id": "r", "status": "completed"})


def finished(**result):
    return [DONE, says({"request_id": "r", "status": "succeeded", **result})]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("in_queue", JobState.QUEUED),
        ("pending", JobState.QUEUED),
        ("waiting", JobState.QUEUED),
        ("in_progress", JobState.RUNNING),
        ("starting", JobState.RUNNING),
        ("processing", JobState.RUNNING),
        ("IN_PROGRESS", JobState.RUNNING),
        ("cancelled", JobState.CANCELLED),
        ("canceled", JobState.CANCELLED),
    ],
)
def test_a_status_word_is_a_state(server, runcomfy, word, state):
    server.will(says({"request_id": "r", "status": word}))
    status = runcomfy.status("r")
    assert (status.state, status.is_undocumented) == (state, False)
    assert [seen.path for seen in server.requests] == ["/v1/requests/r/status"]


def test_the_place_in_the_queue_is_told(server, runcomfy):
    server.will(says({"status": "in_queue", "queue_position": 4}))
    assert runcomfy.status("r").queue_position == 4


@pytest.mark.parametrize("place", ["soon", None, -1, True, 1.5])
def test_a_place_that_is_no_place_is_left_out(server, runcomfy, place):
    server.will(says({"status": "in_queue", "queue_position": place}))
    assert runcomfy.status("r").queue_position is None


def test_an_unknown_word_means_running_and_is_marked(server, runcomfy):
    server.will(says({"status": "reticulating"}))
    status = runcomfy.status("r")
    assert (status.state, status.raw_status, status.is_undocumented) == (JobState.RUNNING, "reticulating", True)


@pytest.mark.parametrize("word", ["completed", "succeeded", "COMPLETED", "failed"])
def test_finished_only_means_that_the_result_decides(server, runcomfy, word):
    server.will(says({"status": word}), says({"status": "failed", "error": "out of luck"}))
    assert runcomfy.status("r").state is JobState.FAILED
    assert [seen.path for seen in server.requests] == [
        "/v1/requests/r/status",
        "/v1/requests/r/result?include_cost=true",
    ]


@pytest.mark.parametrize("word", ["succeeded", "completed", "success", "Succeeded"])
def test_a_result_succeeds_in_several_words(server, runcomfy, word):
    server.will(DONE, says({"status": word, "output": {"video": CLIP}}))
    status = runcomfy.status("r")
    assert status.state is JobState.SUCCEEDED
    assert [(source.url, source.needs_key) for source in status.sources] == [(CLIP, False)]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("in_queue", JobState.QUEUED),
        ("pending", JobState.QUEUED),
        ("in_progress", JobState.RUNNING),
        ("starting", JobState.RUNNING),
        ("cancelled", JobState.CANCELLED),
        ("canceled", JobState.CANCELLED),
    ],
)
def test_a_result_that_is_not_ready_tells_the_state(server, runcomfy, word, state):
    server.will(DONE, says({"status": word}))
    assert runcomfy.status("r").state is state


@pytest.mark.parametrize("code", [400005, "400005"])
def test_400005_means_not_yet(server, runcomfy, code):
    server.will(DONE, says({"error_code": code, "error_message": "not ready"}, 400))
    status = runcomfy.status("r")
    assert (status.state, status.is_undocumented) == (JobState.RUNNING, False)


def test_answers_without_a_state_are_read_by_what_is_in_them(server, runcomfy):
    server.will(says({"request_id": "r"}), says({"request_id": "r", "output": {"video": CLIP}}))
    assert runcomfy.status("r").state is JobState.SUCCEEDED
    server.will(says({"request_id": "r"}), says({"request_id": "r"}))
    assert runcomfy.status("r").state is JobState.RUNNING


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ({"video": CLIP}, [CLIP]),
        ({"video": {"video_url": CLIP, "url": "https://n/clip.mp4"}}, [CLIP, "https://n/clip.mp4"]),
        ({"video": CLIP, "videos": ["https://n/clip.mp4"]}, [CLIP, "https://n/clip.mp4"]),
        ({"video": {"url": CLIP}}, [CLIP]),
        ({"image": "https://m/cover.png", "video": CLIP}, [CLIP]),
        ({"image": "https://m/cover", "video_url": CLIP}, [CLIP]),
        (CLIP, [CLIP]),
        ([CLIP], [CLIP]),
        (
            ["https://m/cover.png?x=1", "https://m/unnamed", CLIP + "?sig=a.png"],
            [CLIP + "?sig=a.png"],
        ),
        ([{"image": "https://m/a"}, {"video": CLIP}], [CLIP]),
        ({"video": CLIP, "url": CLIP}, [CLIP]),
        ({"image": "https://m/cover.png"}, []),
        (["https://m/cover.JPG"], []),
        ("https://m/cover.webp#x", []),
        ("clip.mp4", []),
        ({"video": "file:///etc/passwd"}, []),
        ({"video": "data:video/mp4;base64,AAAA"}, []),
        ({"video": None, "videos": [None, 3, {}]}, []),
        (None, []),
        (7, []),
    ],
)
def test_the_clip_is_found_in_any_shape_of_output_and_an_image_never_taken(output, urls):
    assert list(files_in(output)[0] if urls else files_in(output)) == urls


TWO, THREE, COVER = "https://m/2.mp4", "https://m/3.mp4", "https://m/cover.png"


@pytest.mark.parametrize(
    ("output", "files"),
    [
        ({"videos": [CLIP, TWO]}, [[CLIP], [TWO]]),
        ({"video": CLIP, "videos": [CLIP, TWO, THREE]}, [[CLIP], [TWO], [THREE]]),
        ({"video": TWO, "videos": [CLIP, TWO]}, [[TWO], [CLIP]]),
        ({"video": "https://n/clip.mp4", "videos": [CLIP, TWO]}, [["https://n/clip.mp4", CLIP], [TWO]]),
        ({"video": CLIP, "videos": [CLIP], "image": COVER, "images": [COVER]}, [[CLIP], [COVER]]),
        ({"videos": [CLIP, CLIP]}, [[CLIP]]),
        ({"video": CLIP, "images": [COVER, "https://m/b"]}, [[CLIP], [COVER], ["https://m/b"]]),
        ([COVER, {"url": CLIP}, {"url": TWO}], [[CLIP], [TWO], [COVER]]),
        ({"video": CLIP, "image": {"url": "https://m/b"}}, [[CLIP], ["https://m/b"]]),
        ({"outputs": [{"video": CLIP, "url": TWO}, {"video": THREE}]}, [[CLIP, TWO], [THREE]]),
        ({"images": [COVER]}, []),
        ({"video": CLIP, "images": ["cover.png", "data:image/png;base64,AAAA", COVER]}, [[CLIP], [COVER]]),
    ],
)
def test_several_files_are_told_from_several_addresses_of_one(output, files):
    assert [list(file) for file in files_in(output)] == files


def test_every_file_of_a_result_has_its_addresses(server, runcomfy):
    server.will(*finished(output={"video": CLIP, "videos": [CLIP, TWO], "image": COVER}))
    status = runcomfy.status("r")
    assert [source.url for source in status.sources] == [CLIP]
    assert [[source.url for source in file] for file in status.others] == [[TWO], [COVER]]


def test_addresses_come_from_the_output_alone(server, runcomfy):
    echo = {
        "input": {"video": "https://evil/input.mp4"},
        "video": "https://evil/top.mp4",
        "inputs": ["https://e/i.mp4"],
    }
    server.will(*finished(output={"video": CLIP}, **echo))
    assert [source.url for source in runcomfy.status("r").sources] == [CLIP]


@pytest.mark.parametrize("output", [{}, {"video": None}, {"videos": []}, None, {"image": "https://m/cover.png"}])
def test_a_success_without_a_clip_is_asked_about_again(server, runcomfy, output):
    server.will(*finished(output=output))
    with pytest.raises(TransientError, match="no video"):
        runcomfy.status("r")


def test_completed_with_an_error_and_no_output_is_a_failure(server, runcomfy):
    server.will(DONE, says({"status": "completed", "output": None, "error": "CUDA out of memory"}))
    status = runcomfy.status("r")
    assert status.state is JobState.FAILED
    assert "CUDA out of memory" in str(status.error)


@pytest.mark.parametrize(
    "error",
    [
        {"error": "no luck"},
        {"error": {"message": "no luck", "code": "E1"}},
        {"error_code": 500001, "error_message": "no luck"},
        {"message": "no luck"},
        {"detail": ["no luck"]},
        {"error": ["no luck"]},
    ],
)
def test_a_failure_keeps_the_providers_words_and_the_id(server, runcomfy, error):
    server.will(DONE, says({"status": "failed", **error}))
    failure = runcomfy.status("r").error
    assert isinstance(failure, errors.JobFailed)
    assert "no luck" in str(failure)
    assert failure.request_id == "r"


def test_a_failure_by_moderation_says_so_first(server, runcomfy):
    server.will(DONE, says({"status": "failed", "error": "Output was flagged by content moderation"}))
    failure = runcomfy.status("r").error
    assert isinstance(failure, errors.ModerationError) and failure.request_id == "r"
    assert str(failure).startswith(errors.MODERATION_OPENING)


@pytest.mark.parametrize(
    ("cost", "usd"),
    [(0.42, 0.42), (1, 1.0), (0, 0.0), (None, None), ("a lot", None), (-1, None), (10**400, None), (True, None)],
)
def test_a_cost_counts_when_it_is_one(server, runcomfy, cost, usd):
    server.will(*finished(output=CLIP, cost=cost))
    assert runcomfy.status("r").cost_usd == usd


def test_a_cost_may_come_late(server, runcomfy):
    server.will(*finished(output=CLIP), *finished(output=CLIP, cost=0.5))
    assert [runcomfy.status("r").cost_usd for _ in range(2)] == [None, 0.5]


@pytest.mark.parametrize("route", ["status", "result"])
def test_an_answer_about_another_job_is_never_taken_for_this_ones(server, runcomfy, route):
    other = {"request_id": "s", "status": "completed", "output": {"video": CLIP}, "cost": 0.4}
    server.will(*([] if route == "status" else [DONE]), says(other))
    with pytest.raises(TransientError, match="about another job"):
        runcomfy.status("r")


@pytest.mark.parametrize("route", ["status", "result"])
@pytest.mark.parametrize(
    ("payload", "http"),
    [
        ({"error_code": 404001, "error_message": "no such request"}, 404),
        ({"error_code": 404001}, 200),
        ({"detail": "Not Found"}, 404),
    ],
)
def test_an_unknown_request_is_gone(server, runcomfy, route, payload, http):
    server.will(*([] if route == "status" else [DONE]), says(payload, http))
    assert runcomfy.status("r").state is JobState.NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, b"<html>nginx</html>", {"Content-Type": "text/html"}),
        HTML,
        reply(200, b"{", {"Content-Type": "application/json"}),
        reply(200, b"", {"Content-Type": "application/json"}),
        says(None),
        says([{"status": "completed"}]),
        says("completed"),
        says({"message": "slow down"}, 429),
        says({"error_code": 429}, 200),
        says({"error_code": 500123}, 200),
        says({}, 500),
        reply(502, b"<html>", {"Content-Type": "text/html"}),
        reply(503, b""),
        reply(524, b""),
        says({"status": "completed"}, 300),
        says({"status": "completed"}, 301, Location="/elsewhere"),
        reply(302, b"", {"Location": "https://elsewhere.example/"}),
    ],
)
def test_an_answer_that_tells_nothing_harms_nothing(server, runcomfy, answer):
    server.will(answer)
    with pytest.raises(TransientError):
        runcomfy.status("r")
    assert len(server.requests) == 1


def test_a_request_put_off_says_for_how_long(server, runcomfy):
    server.will(says({"message": "slow down"}, 429, Retry_After="9"))
    with pytest.raises(TransientError) as passing:
        runcomfy.status("r")
    assert passing.value.retry_after == 9
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("payload", "http"), [({"detail": "expired"}, 401), ({"error_code": 400004, "error_message": "expired"}, 400)]
)
def test_a_key_refused_while_waiting_names_the_job(server, runcomfy, payload, http):
    server.will(says(payload, http))
    with pytest.raises(errors.AccountError, match="expired") as refused:
        runcomfy.status("r-9")
    assert refused.value.request_id == "r-9"


@pytest.mark.parametrize(
    ("request_id", "path"),
    [
        ("../../prod/v2/balance?", "/v1/requests/..%2F..%2Fprod%2Fv2%2Fbalance%3F/status"),
        ("a b#c%", "/v1/requests/a%20b%23c%25/status"),
        ("\u00e4", "/v1/requests/%C3%A4/status"),
    ],
)
def test_an_odd_id_stays_one_part_of_the_path(server, runcomfy, request_id, path):
    server.will(says({"status": "in_queue"}))
    runcomfy.status(request_id)
    assert server.only_request.path == path
