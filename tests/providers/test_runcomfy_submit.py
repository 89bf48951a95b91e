"""What RunComfy is sent, and what its answers to a submission mean."""

from __future__ import annotations

import base64
import json

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.models import KlingElement
from remote_video_pack.remote_video.models.kling3 import KLING3
from remote_video_pack.remote_video.models.request import Image, Video
from remote_video_pack.remote_video.providers.http import Body
from remote_video_pack.remote_video.providers.status import CancelOutcome
from remote_video_pack.remote_video.uploads import DataUri

from .conftest import KEY, picture
from .scripted import HTML, reply, says

ACCEPTED = {
    "request_id": "r-1",
    "status_url": "https://model-api.runcomfy.net/v1/requests/r-1/status",
    "result_url": "https://model-api.runcomfy.net/v1/requests/r-1/result",
    "cancel_url": "https://model-api.runcomfy.net/v1/requests/r-1/cancel",
}


def kling_request():
    element = KlingElement(picture(shade=0.2), reference_images=picture(shade=0.9), video_mp4=b"\x00mp4 \xff bytes")
    return KLING3.request(
        {"image": picture(), "prompt": 'says "hi"\n\u00e4 \U0001f600', "elements": {"element_0": element}}
    )


def as_sent(value):
    """A request's body as its JSON should read: every image and video in place, byte for byte."""
    if isinstance(value, (Image, Video)):
        file = value.encode()
        return f"data:{file.mime};base64,{base64.b64encode(file.data).decode()}"
    if isinstance(value, dict):
        return {name: as_sent(inner) for name, inner in value.items()}
    return [as_sent(inner) for inner in value] if isinstance(value, list) else value


def test_the_json_body_is_the_request_with_every_file_in_place(server, runcomfy):
    server.will(says(ACCEPTED, 202))
    request = kling_request()
    runcomfy.submit(runcomfy.prepare(request, DataUri()))
    seen = server.only_request
    assert json.loads(seen.body) == as_sent(dict(request.body))
    assert (seen.method, seen.path) == ("POST", "/v1/models/kling/kling-3.0/standard/image-to-video")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["content-length"] == str(len(seen.body))
    assert "transfer-encoding" not in seen.headers


def test_every_call_carries_the_key_as_a_bearer(server, runcomfy, submission):
    server.will(says(ACCEPTED, 202), says({"status": "in_queue"}), says({"outcome": "cancelled"}, 202))
    runcomfy.submit(submission)
    runcomfy.status("r-1")
    runcomfy.cancel("r-1")
    assert [seen.headers["authorization"] for seen in server.requests] == [f"Bearer {KEY}"] * 3


def test_a_body_is_sent_in_small_pieces_and_never_joined(runcomfy, submission):
    body = Body(submission.body)
    pieces = list(body)
    assert len(body) == sum(map(len, pieces)) == sum(map(len, submission.body))
    assert all(len(piece) <= 64 * 2**10 for piece in pieces)
    views = [piece for piece in pieces if isinstance(piece, memoryview)]
    assert all(any(view.obj is whole for whole in submission.body) for view in views)


def test_media_hosts_never_get_the_key(runcomfy, server):
    for url in (server.origin + "/v1/requests/r-1/result", "https://cdn.runcomfy.net/clip.mp4"):
        assert runcomfy.auth_headers(url) == {}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(ACCEPTED, 202), "r-1"),
        (says(ACCEPTED, 200), "r-1"),
        (says(ACCEPTED, 201), "r-1"),
        (says({"request_id": "r-1", "status": "in_queue"}, 202), "r-1"),
        (says({"request_id": 17}, 202), "17"),
        (says({"request_id": "r-1", "error_code": None, "error": None}), "r-1"),
        (says({"data": {"request_id": "r-1"}}), "r-1"),
    ],
)
def test_any_2xx_with_a_request_id_is_accepted(server, runcomfy, submission, answer, expected):
    server.will(answer)
    assert runcomfy.submit(submission) == expected


@pytest.mark.parametrize(
    ("payload", "status", "kind", "words"),
    [
        ({"error_code": 400001, "error_message": "no such model"}, 400, errors.ModelGone, "no longer offered"),
        ({"error_code": "400001", "error_message": "gone"}, 404, errors.ModelGone, "no longer offered"),
        ({"error_code": 400002, "error_message": "too little"}, 400, errors.BalanceError, "too little"),
        ({"error_code": 400002, "error_message": "too little"}, 402, errors.BalanceError, "too little"),
        ({"message": "pay first"}, 402, errors.BalanceError, "pay first"),
        ({"error_code": 400004, "error_message": "revoked"}, 400, errors.AccountError, "revoked"),
        ({"error_code": 400004, "error_message": "revoked"}, 401, errors.AccountError, "revoked"),
        ({"detail": "no token"}, 401, errors.AccountError, "no token"),
        ({"error_code": 403001, "error_message": "not yours"}, 403, errors.AccountError, "not yours"),
        ({"error_code": 422001, "error_message": "bad input"}, 422, errors.RefusedByProvider, "bad input"),
        ({"detail": [{"loc": ["body", "prompt"], "msg": "too long"}]}, 422, errors.RefusedByProvider, "body.prompt"),
        ({"detail": "no"}, 422, errors.RefusedByProvider, "no"),
        ({"message": "no"}, 400, errors.RefusedByProvider, "no"),
        ({"error": "no"}, 400, errors.RefusedByProvider, "no"),
        ({"error": {"code": "odd", "message": "no"}}, 400, errors.RefusedByProvider, "odd"),
        ({"error_message": "prompt flagged by moderation"}, 400, errors.ModerationError, errors.MODERATION_OPENING),
        ({}, 409, errors.RefusedByProvider, "HTTP 409"),
    ],
)
def test_a_4xx_is_a_definite_no_in_the_providers_words(server, runcomfy, submission, payload, status, kind, words):
    server.will(says(payload, status))
    with pytest.raises(kind, match=words) as refused:
        runcomfy.submit(submission)
    assert not isinstance(refused.value, errors.JobUncertain)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 202, 500, 503])
@pytest.mark.parametrize(("code", "kind"), [(400002, errors.BalanceError), (400001, errors.ModelGone)])
def test_a_code_decides_before_the_http_status(server, runcomfy, submission, status, code, kind):
    server.will(says({"error_code": code, "error_message": "no"}, status))
    with pytest.raises(kind):
        runcomfy.submit(submission)


def test_a_2xx_with_an_unknown_error_code_is_a_refusal_too(server, runcomfy, submission):
    server.will(says({"error_code": 499123, "error_message": "not today"}))
    with pytest.raises(errors.RefusedByProvider, match="not today"):
        runcomfy.submit(submission)


@pytest.mark.parametrize(("payload", "status"), [({"message": "slow down"}, 429), ({"error_code": 429}, 200)])
def test_too_many_requests_may_be_tried_again(server, runcomfy, submission, payload, status):
    server.will(says(payload, status, Retry_After="7"))
    with pytest.raises(errors.RateLimited) as busy:
        runcomfy.submit(submission)
    assert busy.value.retry_after == 7


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
@pytest.mark.parametrize("body", [b"{}", b"<html>bad gateway</html>"])
def test_a_server_error_leaves_it_uncertain(server, runcomfy, submission, status, body):
    server.will(reply(status, body))
    with pytest.raises(errors.JobUncertain, match=f"HTTP {status}"):
        runcomfy.submit(submission)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        reply(200, b"<p>", {"Content-Type": "application/json"}),
        reply(200, b"", {"Content-Type": "application/json"}),
        reply(204, b""),
        says(None),
        says([ACCEPTED]),
        says({}),
        says({"status": "in_queue"}),
        says({"request_id": None}),
        says({"request_id": ""}),
        says({"request_id": ".."}),
        says({"request_id": True}),
        says({"request_id": ["r-1"]}),
        says({"request_id": "a\ud800"}),
        says({"request_id": "a\nb"}),
    ],
)
def test_a_2xx_without_a_usable_id_leaves_it_uncertain(server, runcomfy, submission, answer):
    server.will(answer)
    with pytest.raises(errors.JobUncertain):
        runcomfy.submit(submission)
    assert len(server.requests) == 1


def test_an_uncertain_answer_is_quoted(server, runcomfy, submission):
    server.will(says({"error": "the queue hiccupped"}))
    with pytest.raises(errors.JobUncertain, match="the queue hiccupped"):
        runcomfy.submit(submission)


@pytest.mark.parametrize(
    ("payload", "status", "outcome"),
    [
        ({"request_id": "r", "status": "cancelled", "outcome": "cancelled"}, 202, CancelOutcome.CANCELLED),
        ({"request_id": "r", "status": "completed", "outcome": "cancelled"}, 202, CancelOutcome.CANCELLED),
        ({"outcome": "canceled"}, 200, CancelOutcome.CANCELLED),
        ({"status": "in_progress", "outcome": "not_cancellable"}, 202, CancelOutcome.NOT_CANCELLABLE),
        ({"status": "cancelled"}, 202, CancelOutcome.CANCELLED),
        ({"status": "Canceled "}, 200, CancelOutcome.CANCELLED),
        ({"status": "in_progress"}, 202, CancelOutcome.NOT_CANCELLABLE),
        ({"status": "completed"}, 202, CancelOutcome.NOT_CANCELLABLE),
        ({"error_code": "400006", "error_message": "the request is in progress"}, 400, CancelOutcome.NOT_CANCELLABLE),
        ({"message": "in progress"}, 409, CancelOutcome.NOT_CANCELLABLE),
        ({"error_code": 422001, "detail": "too late"}, 422, CancelOutcome.NOT_CANCELLABLE),
        ({"status": "cancelled", "error": "already cancelled"}, 400, CancelOutcome.CANCELLED),
        ({"error_code": 400004, "message": "token revoked"}, 400, CancelOutcome.UNKNOWN),
        ({"outcome": ["cancelled"]}, 202, CancelOutcome.UNKNOWN),
        ({"outcome": "maybe"}, 202, CancelOutcome.UNKNOWN),
        ({"error_code": 404001}, 404, CancelOutcome.UNKNOWN),
        (None, 500, CancelOutcome.UNKNOWN),
    ],
)
def test_a_cancel_goes_by_its_outcome_and_without_one_by_the_state_beside_it(
    server, runcomfy, payload, status, outcome
):
    server.will(says(payload, status))
    assert runcomfy.cancel("r-1") is outcome
    assert (server.only_request.method, server.only_request.path) == ("POST", "/v1/requests/r-1/cancel")


@pytest.mark.parametrize(
    "answer", [reply(202, b""), says({"request_id": "r-1"}, 202), says({"status": "in_queue"}, 202)]
)
@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("cancelled", CancelOutcome.CANCELLED),
        ("in_progress", CancelOutcome.NOT_CANCELLABLE),
        ("in_queue", CancelOutcome.UNKNOWN),
    ],
)
def test_after_an_answer_without_words_the_job_itself_says_whether_it_was_cancelled(
    server, runcomfy, answer, state, outcome
):
    server.will(answer, says({"status": state}))
    assert runcomfy.cancel("r-1") is outcome
    assert [seen.path for seen in server.requests] == ["/v1/requests/r-1/cancel", "/v1/requests/r-1/status"]


@pytest.mark.parametrize("answer", [says({"error": "busy"}, 503), says({"error_code": 400004}, 401)])
def test_when_the_job_can_not_be_asked_either_nothing_is_known_of_a_cancel(server, runcomfy, answer):
    server.will(reply(202, b""), answer)
    assert runcomfy.cancel("r-1") is CancelOutcome.UNKNOWN


def test_a_model_is_described_with_its_price(server, runcomfy):
    info = {"model_id": "a/b", "display_name": "B", "base_price_usd": 0.5, "price_unit": "second", "input_schema": {}}
    server.will(says(info))
    assert runcomfy.model_info("a/b") == info
    assert server.only_request.path == "/v1/models/a/b"


def test_an_error_is_no_description_of_a_model(server, runcomfy):
    server.will(says({"detail": "who are you"}, 401), says({"error_code": 400001, "error_message": "no"}, 400))
    with pytest.raises(errors.AccountError):
        runcomfy.model_info("a/b")
    with pytest.raises(errors.ModelGone):
        runcomfy.model_info("a/b")
