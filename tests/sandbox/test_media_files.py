"""The media host: whole files, parts of files, and the validators that make a resumed download safe."""

from __future__ import annotations

import pytest


@pytest.fixture
def clip(client):
    """Address and answer of a finished clip, fetched without a key."""
    url = client.finished_veo()[1]["output"]["video"]
    client.key = ""
    return url, client.get(url)


def test_a_clip_is_served_whole(clip):
    _, answer = clip
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Content-Type"] == "video/mp4" and answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("wanted", "part"), [("bytes=10-", slice(10, None)), ("bytes=5-9", slice(5, 10)), ("bytes=-7", slice(-7, None))]
)
def test_a_part_is_served_with_its_place(client, clip, wanted, part):
    url, whole = clip
    answer = client.get(url, headers={"Range": wanted})
    start = range(len(whole.content))[part][0]
    assert answer.status_code == 206
    assert answer.content == whole.content[part]
    assert answer.headers["Content-Range"].startswith(f"bytes {start}-")
    assert answer.headers["Content-Range"].endswith(f"/{len(whole.content)}")


def test_if_range_holds_for_the_same_file_only(client, clip):
    url, whole = clip
    same = client.get(url, headers={"Range": "bytes=10-", "If-Range": whole.headers["ETag"]})
    other = client.get(url, headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert other.content == whole.content


def test_a_part_beyond_the_end_is_416(client, clip):
    url, whole = clip
    answer = client.get(url, headers={"Range": f"bytes={len(whole.content)}-"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(whole.content)}"


def test_head_tells_the_length_and_sends_nothing(client, clip):
    url, whole = clip
    answer = client.session.head(url, timeout=10)
    assert answer.headers["Content-Length"] == str(len(whole.content)) and not answer.content
    assert client.get(url).status_code == 200


def test_an_unfinished_job_has_no_clip(client, sandbox):
    client.key = "any-key"
    job = client.submit_veo(prompt="[slow]").json()["request_id"]
    assert client.get(f"{sandbox.origin}/media/{job}/clip.mp4").status_code == 404


def test_requests_are_logged_with_their_headers(client, sandbox, clip):
    url, _ = clip
    logged = [request for request in sandbox.requests if request.route == "media"]
    assert url.endswith(logged[0].path) and "authorization" not in logged[0].headers
