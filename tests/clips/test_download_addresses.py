"""Where a download is led, and that it gives no key away."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.download import NotAVideo
from remote_video_pack.remote_video.clips.media_host import AddressRefused

from .clip_host import Reply, serving
from .downloader import CLIP, Downloader


def test_redirects_are_followed_to_the_file(downloader: Downloader):
    with serving(Reply(302, headers={"Location": "/moved.mp4"}), Reply(200, CLIP)) as host:
        downloader.fetch(host)
    assert [path for path, _ in host.asked] == ["/clip.mp4", "/moved.mp4"]
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize(
    "location",
    [
        "https://10.0.0.1/clip.mp4",
        "http://media.example.com/clip.mp4",
        "https://media.example.com:8443/clip.mp4",
        "https://user:secret@media.example.com/clip.mp4",
        "file:///etc/passwd",
        "ftp://127.0.0.1/clip.mp4",
        "https://[::1/",
        "//169.254.169.254/latest/meta-data/",
    ],
)
@pytest.mark.parametrize("hop", [1, 3])
def test_every_hop_of_a_redirect_is_checked(downloader: Downloader, location: str, hop: int):
    good = [Reply(302, headers={"Location": f"/{number}"}) for number in range(hop - 1)]
    with serving(*good, Reply(302, headers={"Location": location})) as host, pytest.raises(AddressRefused):
        downloader.fetch(host)
    assert len(host.asked) == hop
    assert not downloader.part.exists()


def test_the_body_of_a_redirect_is_not_read(downloader: Downloader):
    def endless(closing: threading.Event):
        while not closing.is_set():
            yield bytes(100_000)

    with serving(Reply(302, headers={"Location": "/moved.mp4"}, pieces=endless), Reply(200, CLIP)) as host:
        downloader.fetch(host)
    assert downloader.part.read_bytes() == CLIP


def test_redirects_in_a_circle_end(downloader: Downloader):
    with (
        serving(Reply(302, headers={"Location": "/clip.mp4"})) as host,
        pytest.raises(AddressRefused, match="redirect"),
    ):
        downloader.fetch(host)
    assert len(host.asked) == 6


def test_the_key_goes_to_the_providers_own_address_and_no_further(downloader: Downloader):
    with (
        serving(Reply(200, CLIP)) as elsewhere,
        serving(Reply(302, headers={"Location": elsewhere.url})) as provider,
    ):
        downloader.key_goes_to = f"http://127.0.0.1:{provider.port}/"
        downloader.fetch(provider, needs_key=True)
    assert provider.asked[0][1]["authorization"] == "Bearer secret-of-the-account"
    assert "authorization" not in elsewhere.asked[0][1]
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize("needs_key", [True, False])
def test_the_key_is_not_sent_again_to_a_provider_that_another_host_leads_to(downloader: Downloader, needs_key: bool):
    with serving(Reply(200)) as elsewhere, serving(Reply(200, CLIP)) as provider:
        downloader.key_goes_to = f"http://127.0.0.1:{provider.port}/"
        elsewhere.replies = [Reply(302, headers={"Location": provider.url})]
        if needs_key:
            provider.replies.insert(0, Reply(302, headers={"Location": elsewhere.url}))
        downloader.fetch(provider if needs_key else elsewhere, needs_key=needs_key)
    assert ["authorization" in headers for _, headers in provider.asked] == ([True, False] if needs_key else [False])


@pytest.mark.parametrize("by", ["redirect", "json"])
def test_an_address_with_the_key_in_it_is_not_asked(downloader: Downloader, by: str):
    with serving(Reply(200, CLIP)) as elsewhere:
        address = f"{elsewhere.url}?token={downloader.key}"
        told = Reply(302, headers={"Location": address})
        if by == "json":
            told = Reply(200, json.dumps({"url": address}).encode(), {"Content-Type": "application/json"})
        with serving(told) as provider, pytest.raises(AddressRefused, match="with the account's key in it") as refused:
            downloader.key_goes_to = f"http://127.0.0.1:{provider.port}/"
            downloader.fetch(provider, needs_key=True)
    assert downloader.key not in str(refused.value)
    assert elsewhere.asked == []


def test_an_address_in_json_is_followed_without_the_key(downloader: Downloader):
    kind = {"Content-Type": "application/json"}
    with serving(Reply(200, CLIP)) as elsewhere:
        pointer = json.dumps({"url": elsewhere.url}).encode()
        with serving(Reply(200, pointer, kind)) as provider:
            downloader.key_goes_to = f"http://127.0.0.1:{provider.port}/"
            downloader.fetch(provider, needs_key=True)
    assert "authorization" not in elsewhere.asked[0][1]
    assert downloader.part.read_bytes() == CLIP


@pytest.mark.parametrize("said", [{"url": "https://10.0.0.1/"}, {"url": "file:///etc/passwd"}], ids=str)
def test_an_address_in_json_is_checked_like_any_other(downloader: Downloader, said: dict[str, str]):
    reply = Reply(200, json.dumps(said).encode(), {"Content-Type": "application/json"})
    with serving(reply) as host, pytest.raises(AddressRefused):
        downloader.fetch(host)


@pytest.mark.parametrize("body", [b"{}", b'{"url": 5}', b"[" * 100_000, b"\xff", b"", b'{"error": "no"}'])
def test_other_json_in_place_of_the_clip_is_not_saved(downloader: Downloader, body: bytes):
    with serving(Reply(200, body, {"Content-Type": "application/json"})) as host, pytest.raises(NotAVideo):
        downloader.fetch(host)
    assert not downloader.part.exists()


def test_a_netrc_file_adds_no_credentials(downloader: Downloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(Reply(200, CLIP)) as host:
        downloader.fetch(host)
    assert "authorization" not in host.asked[0][1]
