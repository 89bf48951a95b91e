"""What CometAPI is sent, and what its answers to a submission mean."""

from __future__ import annotations

import email
import email.policy

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.providers.http import Body
from remote_video_pack.remote_video.providers.status import CancelOutcome
from remote_video_pack.remote_video.uploads import DataUri

from .conftest import KEY, picture
from .scripted import HTML, reply, says

ACCEPTED = {
    "id": "task_1",
    "object": "video",
    "model": "veo_3_1-4K",
    "status": "queued",
    "progress": 0,
    "created_at": 1773297229,
    "seconds": "",
    "size": "16x9",
}


def error(message="no", code="", **more):
    return {"error": {"message": message, "type": "comet_api_error", "param": None, "code": code}, **more}


def parts_of(seen):
    """The multipart body read back by the standard library: (name, file name, content type, content) in order."""
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    boundary = b"--" + seen.headers["content-type"].rpartition("=")[2].encode()
    first, *middle, last = seen.body.split(boundary)
    assert (first, last) == (b"", b"--\r\n"), "RFC 2046, 5.1.1: boundaries stand on lines of their own"
    assert all(part.startswith(b"\r\n") and part.endswith(b"\r\n") for part in middle)
    message = email.message_from_bytes(head + seen.body, policy=email.policy.HTTP)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("content-type"),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def sent(server, comet, **values):
    server.will(says(ACCEPTED))
    request = COMET_VEO.request({"prompt": "a wave", **values})
    assert comet.submit(comet.prepare(request, DataUri())) == "task_1"
    return request, parts_of(server.only_request)


def test_text_to_video_sends_no_file(server, comet):
    _, parts = sent(server, comet)
    assert [(name, content) for name, _, _, content in parts] == [
        ("prompt", b"a wave"),
        ("model", b"veo3-fast"),
        ("size", b"16x9"),
    ]
    assert (server.only_request.method, server.only_request.path) == ("POST", "/v1/videos")


@pytest.mark.parametrize("images", [["image"], ["image", "last_image"]])
def test_first_and_last_frame_are_files_in_that_order(server, comet, images):
    shades = {"image": 0.9, "last_image": 0.1}
    request, parts = sent(server, comet, **{name: picture(shade=shades[name]) for name in images})
    files = [part for part in parts if part[0] == "input_reference"]
    expected = [image.encode().data for image in request.body["input_reference"]]
    assert [content for *_, content in files] == expected
    assert [(name, kind) for _, name, kind, _ in files] == [
        (f"frame_{number}.png", "image/png") for number in range(1, len(images) + 1)
    ]


def test_a_prompt_arrives_whole_whatever_is_in_it(server, comet):
    prompt = 'says "hi"\r\n--boundary\r\n\u00e4 \U0001f600'
    _, parts = sent(server, comet, prompt=prompt)
    assert parts[0][3].decode("utf-8") == prompt


def test_the_length_is_told_and_the_files_are_never_copied(server, comet, comet_submission):
    files = [piece for piece in comet_submission.body if piece.startswith(b"\x89PNG")]
    assert len(files) == 2
    server.will(says(ACCEPTED))
    comet.submit(comet_submission)
    seen = server.only_request
    assert seen.headers["content-length"] == str(len(seen.body)) == str(len(Body(comet_submission.body)))
    assert seen.body == b"".join(comet_submission.body)


def test_every_call_carries_the_key_as_a_bearer(server, comet, comet_submission):
    server.will(says(ACCEPTED))
    comet.submit(comet_submission)
    comet.status("task_1")
    assert [seen.headers["authorization"] for seen in server.requests] == [f"Bearer {KEY}"] * 2


def test_the_key_goes_to_cometapis_own_content_and_nowhere_else(server, comet):
    own = f"{server.origin}/v1/videos/task_1/content"
    assert comet.auth_headers(own) == {"Authorization": f"Bearer {KEY}"}
    for url in (
        "https://cdn.cometapi.com/v1/videos/task_1/content",
        f"{server.origin}.evil.example/v1/videos/task_1/content",
        f"{server.origin}@evil.example/v1/videos/task_1/content",
        own.replace("http://", "https://"),
        f"{server.origin}/elsewhere",
    ):
        assert comet.auth_headers(url) == {}, url


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (ACCEPTED, "task_1"),
        ({**ACCEPTED, "error": None}, "task_1"),
        ({"data": ACCEPTED}, "task_1"),
        ({"code": "success", "message": "", "data": {"data": ACCEPTED}}, "task_1"),
        ({"task_id": "task_1", "status": "submitted"}, "task_1"),
        ({"id": 1234, "task_id": "task_1"}, "task_1"),
        ({"id": 1234}, "1234"),
        ({**ACCEPTED, **error("slow start")}, "task_1"),
    ],
)
def test_any_2xx_with_a_task_id_is_accepted(server, comet, comet_submission, payload, expected):
    server.will(says(payload))
    assert comet.submit(comet_submission) == expected


@pytest.mark.parametrize(
    ("payload", "status", "kind", "words"),
    [
        (error("bad size (request id: 42)", "invalid_request"), 400, errors.RefusedByProvider, "request id: 42"),
        (error("bad size", "invalid_request"), 500, errors.RefusedByProvider, "bad size"),
        (error("unknown", "model_not_found"), 503, errors.ModelGone, "no longer offered"),
        (error("unknown", "model_not_found"), 404, errors.ModelGone, "no longer offered"),
        (error("poor", "insufficient_user_quota"), 403, errors.BalanceError, "poor"),
        (error("poor", "insufficient_quota"), 429, errors.BalanceError, "poor"),
        (error("poor"), 402, errors.BalanceError, "poor"),
        (error("who"), 401, errors.AccountError, "who"),
        (error("not yours"), 403, errors.AccountError, "not yours"),
        (error("blocked by our safety system"), 400, errors.ModerationError, errors.MODERATION_OPENING),
        (error("odd", "odd"), 400, errors.RefusedByProvider, "odd"),
        (error("no quota", "quota"), 200, errors.RefusedByProvider, "no quota"),
        ({"error": "plain words"}, 400, errors.RefusedByProvider, "plain words"),
        ({"code": "invalid", "message": "plain words", "data": None}, 400, errors.RefusedByProvider, "plain words"),
    ],
)
def test_a_definite_no_is_told_by_its_code_first(server, comet, comet_submission, payload, status, kind, words):
    server.will(says(payload, status))
    with pytest.raises(kind, match=words):
        comet.submit(comet_submission)
    assert len(server.requests) == 1


def test_a_model_that_is_gone_is_answered_by_another_in_the_same_node(server, comet, comet_submission):
    server.will(says(error("unknown", "model_not_found"), 503))
    with pytest.raises(errors.ModelGone) as gone:
        comet.submit(comet_submission)
    assert "`model`" in gone.value.next_step


def test_a_model_that_is_gone_is_named_as_it_was_asked_for(server, comet):
    server.will(says(error("unknown", "model_not_found"), 503))
    request = COMET_VEO.request({"prompt": "a wave", "model": "veo2-slow"})
    with pytest.raises(errors.ModelGone, match="CometAPI does not know veo2-slow"):
        comet.submit(comet.prepare(request, DataUri()))


def test_a_wrong_path_answers_with_a_redirect_and_says_where_to(server, comet, comet_submission):
    server.will(reply(301, b"<html>", {"Content-Type": "text/html", "Location": "https://www.cometapi.com/"}))
    with pytest.raises(errors.RefusedByProvider, match=r"https://www\.cometapi\.com/.*not followed"):
        comet.submit(comet_submission)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
@pytest.mark.parametrize("payload", [error("upstream"), None])
def test_a_server_error_leaves_it_uncertain(server, comet, comet_submission, status, payload):
    server.will(says(payload, status))
    with pytest.raises(errors.JobUncertain):
        comet.submit(comet_submission)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [HTML, says({}), says([ACCEPTED]), says({**ACCEPTED, "id": None}), says({"id": {}}), reply(200, b"")]
)
def test_a_2xx_without_a_task_id_leaves_it_uncertain(server, comet, comet_submission, answer):
    server.will(answer)
    with pytest.raises(errors.JobUncertain):
        comet.submit(comet_submission)


def test_too_many_requests_may_be_tried_again(server, comet, comet_submission):
    server.will(says(error("slow down", "429"), 429, Retry_After="3"))
    with pytest.raises(errors.RateLimited, match="slow down") as busy:
        comet.submit(comet_submission)
    assert busy.value.retry_after == 3


def test_there_is_no_cancel_and_none_is_tried(server, comet):
    assert comet.cancel("task_1") is CancelOutcome.NOT_OFFERED
    assert not server.requests
