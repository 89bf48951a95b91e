"""RunComfy as the sandbox plays it, over real sockets."""

from __future__ import annotations

import base64
import io
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from PIL import Image
from remote_video_pack.remote_video.sandbox import Pace

from ..faults import Sandbox

RUNWAY = "runwayml/runway-gen-3-alpha/turbo/image-to-video"
KLING = "kling/kling-3.0/standard/image-to-video"
DREAMINA = "bytedance/dreamina-3-0/pro/image-to-video"


def picture(width=640, height=640, kind="PNG", noise=False) -> bytes:
    image = Image.effect_noise((width, height), 90).convert("RGB") if noise else Image.new("RGB", (width, height))
    file = io.BytesIO()
    image.save(file, kind, compress_level=1)
    return file.getvalue()


def uri(data: bytes, mime="image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def test_a_job_goes_from_queue_to_a_clip(tmp_path, client):
    with Sandbox(tmp_path / "slow", pace=Pace(0.3, 0.3), short_clips=True) as sandbox:
        client.sandbox = sandbox
        accepted = client.submit_veo()
        job = accepted.json()
        assert accepted.status_code == 202
        assert {"request_id", "status_url", "result_url", "cancel_url"} <= job.keys()
        first = client.get(job["status_url"]).json()
        early = client.get(job["result_url"]).json()
        _, result = client.finish(job["request_id"])
    assert first["status"] == "in_queue" and first["queue_position"] >= 1
    assert early["status"] in ("in_queue", "in_progress") and "output" not in early
    assert result["status"] == "succeeded" and result["output"]["video"].endswith(".mp4")
    assert result["cost"] == 1.2 and result["model_id"] == job.get("model_id", result["model_id"])


def test_the_cost_comes_only_when_asked_for(client):
    request_id, result = client.finished_veo(generateAudio=True)
    assert result["cost"] == 1.8
    assert "cost" not in client.runcomfy(f"requests/{request_id}/result").json()


@pytest.mark.parametrize("key", ["", "bad-key"])
def test_without_a_good_key_nothing_is_answered(client, sandbox, key):
    client.key = key
    for answer in (client.submit_veo(), client.runcomfy("requests/x/status"), client.runcomfy("models")):
        assert answer.status_code == 401
        assert answer.json()["error_code"] == 400004
    assert sandbox.accepted_posts == 0


BREACHES = {
    "no image": ("veo", {"image": None}, "image"),
    "empty prompt": ("veo", {"prompt": ""}, "prompt"),
    "long prompt": ("veo", {"prompt": "x" * 2000}, "prompt"),
    "audio as text": ("veo", {"generateAudio": "yes"}, "generateAudio"),
    "unknown field": ("veo", {"seed": 3}, "seed"),
    "not an image": ("veo", {"image": uri(b"hello")}, "image"),
    "broken base64": ("veo", {"image": "data:image/png;base64,a"}, "image"),
    "type not as declared": ("veo", {"image": uri(picture(), "image/jpeg")}, "image"),
    "another host": ("veo", {"image": "http://example.com/a.png"}, "image"),
    "a file": ("veo", {"image": "file:///etc/hostname"}, "image"),
    "runway ratio": ("runway", {"ratio": "16:9"}, "ratio"),
    "runway duration": ("runway", {"duration": 7}, "duration"),
    "runway seed": ("runway", {"seed": -1}, "seed"),
    "runway prompt": ("runway", {"promptText": "x" * 513}, "promptText"),
    "runway too wide": ("runway", {"promptImage": uri(picture(8000, 4100))}, "promptImage"),
    "runway too tall a ratio": ("runway", {"promptImage": uri(picture(300, 600))}, "promptImage"),
    "kling duration": ("kling", {"duration": 16}, "duration"),
    "kling cfg": ("kling", {"cfg_scale": 1.5}, "cfg_scale"),
    "kling shots that miss": ("kling", {"multi_prompt": [{"prompt": "a", "duration": 3}]}, "multi_prompt"),
    "kling short shot": ("kling", {"multi_prompt": [{"prompt": "a", "duration": 2}]}, "multi_prompt"),
    "kling elements": ("kling", {"elements": [{}] * 4}, "elements"),
    "kling element video": ("kling", {"elements": [{"video_url": uri(b"no", "video/mp4")}]}, "elements"),
    "kling gif": ("kling", {"start_image_url": uri(picture(kind="GIF"), "image/gif")}, "start_image_url"),
    "dreamina frames": ("dreamina", {"frames": 120}, "frames"),
    "dreamina two images": ("dreamina", {"image_urls": [uri(picture())] * 2}, "image_urls"),
    "dreamina small": ("dreamina", {"image_urls": [uri(picture(320, 500))]}, "image_urls"),
    "dreamina large": ("dreamina", {"image_urls": [uri(picture(4097, 2000))]}, "image_urls"),
    "dreamina narrow": ("dreamina", {"image_urls": [uri(picture(400, 1300))]}, "image_urls"),
    "dreamina webp": ("dreamina", {"image_urls": [uri(picture(kind="WEBP"), "image/webp")]}, "image_urls"),
    "dreamina heavy": ("dreamina", {"image_urls": [uri(picture(2300, 2300, noise=True))]}, "image_urls"),
}
GOOD = {
    "veo": ("google-deepmind/veo-3/image-to-video", {"prompt": "a", "image": uri(picture())}),
    "runway": (RUNWAY, {"promptText": "a", "promptImage": uri(picture())}),
    "kling": (KLING, {"prompt": "a", "start_image_url": uri(picture())}),
    "dreamina": (DREAMINA, {"prompt": "a", "image_urls": [uri(picture())]}),
}


@pytest.mark.parametrize("name", BREACHES)
def test_what_the_contract_forbids_is_refused_by_name(client, sandbox, name):
    model, changes, field = BREACHES[name]
    model_id, good = GOOD[model]
    answer = client.submit({key: value for key, value in {**good, **changes}.items() if value is not None}, model_id)
    assert answer.status_code == 422
    assert answer.json()["error_code"] == 422001
    assert {detail["loc"][1] for detail in answer.json()["detail"]} == {field}
    assert sandbox.accepted_posts == 0


@pytest.mark.parametrize("model", GOOD)
def test_what_the_contract_allows_is_accepted(client, sandbox, model):
    model_id, body = GOOD[model]
    assert client.submit(body, model_id).status_code == 202
    assert sandbox.accepted_posts == 1


def test_a_model_it_does_not_have_is_400001(client):
    assert client.submit({}, "nobody/nothing").json()["error_code"] == 400001


def test_an_image_is_fetched_from_a_loopback_address(client, sandbox, tmp_path):
    (tmp_path / "start.png").write_bytes(picture(900, 500))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        answer = client.submit_veo(image=f"http://127.0.0.1:{files.server_port}/start.png")
        files.shutdown()
    assert answer.status_code == 202
    assert sandbox.jobs[0].plan.images == ("image.png",)


def test_others_are_answered_while_an_image_is_fetched(client, sandbox):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/start.png"
        waiting = threading.Thread(target=client.submit_veo, kwargs={"image": address})
        waiting.start()
        connection, _ = silent.accept()
        assert requests.get(f"{sandbox.cometapi_base_url.removesuffix('v1')}api/models", timeout=10).ok
        connection.close()
        waiting.join()
    assert sandbox.accepted_posts == 0


def test_a_queued_job_can_be_cancelled_and_a_running_one_not(tmp_path, client):
    for pace, outcome, word in (
        (Pace(60, 0), "cancelled", "cancelled"),
        (Pace(0, 60), "not_cancellable", "in_progress"),
    ):
        with Sandbox(tmp_path / outcome, pace=pace, short_clips=True) as client.sandbox:
            request_id = client.submit_veo().json()["request_id"]
            answer = client.cancel(request_id)
            assert answer.status_code == 202
            assert answer.json()["outcome"] == outcome
            assert client.runcomfy(f"requests/{request_id}/status").json()["status"] == word
            assert client.runcomfy(f"requests/{request_id}/result").json()["status"] == word


def test_a_request_it_does_not_know_is_404001(client):
    for answer in (client.runcomfy("requests/nobody-knows-me/status"), client.cancel("../../x")):
        assert answer.status_code == 404
    assert client.runcomfy("requests/nobody-knows-me/result").json()["error_code"] == 404001


def test_models_prices_and_balance_are_told(client, sandbox):
    listed = client.runcomfy("models?limit=2&offset=1").json()
    info = client.runcomfy(f"models/{KLING}").json()
    balance = client.get(f"{sandbox.runcomfy_base_url}/prod/v2/balance").json()
    assert (len(listed["models"]), listed["total"], listed["limit"], listed["offset"]) == (2, 18, 2, 1)
    assert info["price_unit"] == "second" and info["base_price_usd"] > 0
    assert info["input_schema"]["properties"]["duration"]["maximum"] == 15
    assert balance["currency"] == "USD" and balance["balance_microdollars"] == balance["balance_usd"] * 1e6


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [("a [moderation]", 422, 422001), ("[balance]", 402, 400002), ("[busy]", 429, 429), ("[gone]", 400, 400001)],
)
def test_a_word_in_brackets_shows_a_refusal(client, sandbox, prompt, status, code):
    answer = client.submit_veo(prompt=prompt)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert sandbox.accepted_posts == 0


def test_it_plays_a_provider_that_takes_addresses_only(client, sandbox, tmp_path):
    refused = client.submit_veo(prompt="a [https-only] wave")
    assert (refused.status_code, refused.json()["error_code"]) == (422, 422001)
    assert refused.json()["detail"][0]["loc"] == ["body", "image"]
    assert sandbox.accepted_posts == 0
    (tmp_path / "start.png").write_bytes(picture(900, 500))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{files.server_port}/start.png"
        assert client.submit_veo(prompt="[https-only]", image=address).status_code == 202
        files.shutdown()


@pytest.mark.parametrize(("prompt", "words"), [("a [fail]", "failed"), ("[withheld]", "content moderation")])
def test_a_word_in_brackets_shows_a_failure(client, prompt, words):
    _, result = client.finished_veo(prompt=prompt)
    assert result["status"] == "failed" and words in result["error"] and "output" not in result
