"""CometAPI as the sandbox plays it, over real sockets."""

from __future__ import annotations

import io

import pytest
from PIL import Image


def png(colour: str, size=(640, 360)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "references", [[], [png("red")], [png("red"), png("blue")]], ids=["text", "image", "two images"]
)
def test_a_task_takes_up_to_two_references_in_order(client, sandbox, references):
    created = client.create(references).json()
    task = client.finish_task(created["id"])
    stored = [sandbox._store.file(sandbox.jobs[0], name).read_bytes() for name in sandbox.jobs[0].plan.images]
    assert created["object"] == "video" and created["status"] == "queued" and created["progress"] == 0
    assert stored == references
    assert task["status"] == "completed" and task["progress"] == 100
    assert client.get(task["video_url"]).content == client.comet(f"videos/{task['id']}/content").content


@pytest.mark.parametrize(
    ("references", "fields", "param"),
    [
        ([], {"prompt": " "}, "prompt"),
        ([], {"size": "1280x720"}, "size"),
        ([], {"seconds": "8"}, "seconds"),
        ([png("red")] * 3, {}, "input_reference"),
        ([b"not an image"], {}, "input_reference"),
    ],
)
def test_what_the_contract_forbids_is_refused_by_name(client, sandbox, references, fields, param):
    answer = client.create(references, **fields)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error["param"], error["type"]) == ("invalid_request", param, "comet_api_error")
    assert "request id" in error["message"]
    assert sandbox.accepted_posts == 0


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na sea'),
    ],
)
def test_what_is_no_form_is_refused(client, sandbox, kind, form):
    headers = {"Authorization": "Bearer key", "Content-Type": kind}
    answer = client.session.post(f"{sandbox.cometapi_base_url}/videos", data=form, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert sandbox.accepted_posts == 0


def test_content_before_the_end_is_a_json_error(tmp_path, client):
    task_id = client.create(prompt="[slow]").json()["id"]
    answer = client.comet(f"videos/{task_id}/content")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("key", ["", "bad-key"])
def test_without_a_good_key_only_the_catalogue_is_answered(client, sandbox, key):
    client.key = key
    for answer in (client.create(), client.comet("videos/task_1"), client.comet("models")):
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "comet_api_error"
    assert client.get(f"{sandbox.origin}/cometapi/api/models").json()["data"][0]["pricing"]


def test_an_alias_it_does_not_have_is_a_final_503(client):
    answer = client.create(model="sora-2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_not_found")


def test_a_wrong_path_is_not_answered_in_json(client):
    answer = client.comet("video")
    assert answer.status_code == 404 and "json" not in answer.headers["Content-Type"]


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("[moderation]", 400, "content_policy_violation"),
        ("[balance]", 403, "insufficient_user_quota"),
        ("[busy]", 429, "rate_limit_exceeded"),
        ("[gone]", 503, "model_not_found"),
    ],
)
def test_a_word_in_brackets_shows_a_refusal(client, prompt, status, code):
    answer = client.create(prompt=prompt)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_word_in_brackets_shows_a_failure(client):
    task = client.finish_task(client.create(prompt="[fail]").json()["id"])
    assert task["status"] == "failed" and "failed" in task["error"]["message"] and "video_url" not in task
