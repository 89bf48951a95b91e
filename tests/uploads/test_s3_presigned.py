"""With S3 the provider fetches a signed URL that works without keys, and nothing stays behind."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer
from remote_video_pack.remote_video.errors import SettingsError, UploadError
from remote_video_pack.remote_video.settings import S3Settings
from remote_video_pack.remote_video.uploads import S3Presigned

BUCKET = "pictures"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def settings(endpoint: str) -> S3Settings:
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    return S3Settings(bucket=BUCKET, endpoint_url=endpoint, prefix="shots/today", expires_s=900)


class _Busy(BaseHTTPRequestHandler):
    """A store that is too busy so many times, and takes all after that; it keeps what it was sent."""

    busy: int
    heard: list[tuple[str, Message]]

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.heard.append((self.path, self.headers))
        self.send_response(503 if len(self.heard) <= self.busy else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Busy]]:
    """The store of every host name; nobody waits between two tries."""
    store = type("Store", (_Busy,), {"busy": 0, "heard": []})
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    with ThreadingHTTPServer(("127.0.0.1", 0), store) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield store
        server.shutdown()


FAR = S3Settings(bucket=BUCKET, endpoint_url="http://store.example", prefix="", expires_s=900)


def keys_in_bucket(endpoint: str) -> list[str]:
    listing = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").list_objects_v2(Bucket=BUCKET)
    return [item["Key"] for item in listing.get("Contents", [])]


def test_the_provider_fetches_the_bytes_with_no_key_of_its_own(settings: S3Settings) -> None:
    upload = S3Presigned(settings)
    data = bytes(range(256)) * 5000
    answer = requests.get(upload.url_for(data, "image/jpeg"), timeout=30)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Type"] == "image/jpeg"
    upload.discard()


def test_the_url_is_signed_and_expires(settings: S3Settings) -> None:
    upload = S3Presigned(settings)
    url = urlsplit(upload.url_for(b"x", "image/png"))
    query = parse_qs(url.query)
    assert query["X-Amz-Expires"] == ["900"]
    assert query["X-Amz-Signature"]
    assert "test-secret" not in url.geturl()
    upload.discard()


def test_the_key_is_unguessable_and_under_the_prefix(settings: S3Settings) -> None:
    upload = S3Presigned(settings)
    paths = [urlsplit(upload.url_for(b"same", "image/png")).path for _ in range(2)]
    assert paths[0] != paths[1]
    for path in paths:
        folder, _, name = path.rpartition("/")
        assert folder == f"/{BUCKET}/shots/today"
        assert name.endswith(".png") and len(name) >= 64
    upload.discard()


def test_discard_leaves_nothing_in_the_bucket(settings: S3Settings, endpoint: str) -> None:
    upload = S3Presigned(settings)
    urls = [upload.url_for(b"first", "image/png"), upload.url_for(b"last", "video/mp4")]
    assert len(keys_in_bucket(endpoint)) == 2
    upload.discard()
    assert keys_in_bucket(endpoint) == []
    assert [requests.get(url, timeout=30).status_code for url in urls] == [404, 404]


def test_what_another_run_left_is_deleted_by_its_name(settings: S3Settings, endpoint: str) -> None:
    left, other = S3Presigned(settings), S3Presigned(settings)
    left.url_for(b"first", "image/png")
    other.url_for(b"of another job", "image/png")
    later = S3Presigned(settings)
    later.adopt(list(left.names))
    later.discard()
    assert [key.rpartition("/")[2] for key in keys_in_bucket(endpoint)] == list(other.names)
    other.discard()


@pytest.mark.parametrize("proxy", ["http://user:hidden@", "http://user:hidden/x@127.0.0.1:9", "http://127.0.0.1:99999"])
def test_a_broken_proxy_variable_is_an_upload_error_that_quotes_no_password(
    settings: S3Settings, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(UploadError) as caught:
        S3Presigned(replace(settings, endpoint_url="http://store.invalid")).url_for(b"x", "image/png")
    assert "hidden" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(settings: S3Settings) -> None:
    upload = S3Presigned(replace(settings, bucket="nowhere"))
    with pytest.raises(UploadError, match="'nowhere'") as caught:
        upload.url_for(b"x", "image/png")
    assert "Not billed" in str(caught.value)
    assert "REMOTE_VIDEO_S3_" in str(caught.value)


def test_a_store_that_is_down_is_an_upload_error_and_discard_does_not_raise(settings: S3Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        upload = S3Presigned(replace(settings, endpoint_url=f"http://127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(UploadError, match="Could not connect"):
            upload.url_for(b"x", "image/png")
        upload.discard()


def test_a_store_that_is_busy_is_asked_four_times_in_all(busy: type[_Busy]) -> None:
    busy.busy = 3
    S3Presigned(FAR).url_for(b"x", "image/png")
    busy.busy = 8
    with pytest.raises(UploadError, match=f"'{BUCKET}'"):
        S3Presigned(FAR).url_for(b"x", "image/png")
    assert len(busy.heard) == 4 + 4


def test_a_store_that_only_resembles_s3_is_asked_as_all_of_them_understand(busy: type[_Busy]) -> None:
    url = S3Presigned(FAR).url_for(b"x", "image/png")
    assert url.startswith(f"http://store.example/{BUCKET}/"), "not at pictures.store.example"
    ((asked, headers),) = busy.heard
    assert asked == url.partition("?")[0]
    assert not [name for name in headers if "checksum" in name.lower()]
    assert headers["Content-Encoding"] is None


def test_no_keys_is_an_upload_error(settings: S3Settings, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UploadError, match="credentials"):
        S3Presigned(settings).url_for(b"x", "image/png")


def test_without_boto3_the_message_says_how_to_get_it(settings: S3Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError, match="not installed") as caught:
        S3Presigned(settings)
    assert "pip install boto3" in str(caught.value)


def test_an_expiry_longer_than_a_signature_lasts_is_refused(settings: S3Settings) -> None:
    with pytest.raises(SettingsError, match="604800") as caught:
        S3Presigned(replace(settings, expires_s=604801))
    assert "smaller number" in caught.value.next_step
    S3Presigned(replace(settings, expires_s=604800))
