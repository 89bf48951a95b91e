"""A paid clip whose address is plain http:// is asked by https, then as it is: without a key, and said."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from remote_video_pack.remote_video.clips.media_host import AddressRefused, Reach
from remote_video_pack.remote_video.providers.status import TransientError

from ..providers.tls import certificate_of, over_tls
from .clip_host import Reply, serving, speaking
from .downloader import CLIP, ETAG, Downloader


@pytest.fixture
def downloader(tmp_path: Path) -> Downloader:
    return Downloader(tmp_path / "clip.part", reach=Reach.of("https://api.example.com"), key_goes_to="http")


@dataclass
class Net:
    """clips.example.com is 8.8.8.8, whose ports are ports of this machine, or refuse."""

    ports: dict[int, int] = field(default_factory=dict)
    tried: list[int] = field(default_factory=list)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    made, connect, look_up = Net(), socket.socket.connect, socket.getaddrinfo

    def to_this_machine(self: socket.socket, address) -> None:
        if address[0] == "8.8.8.8":
            made.tried.append(address[1])
            if address[1] not in made.ports:
                raise ConnectionRefusedError("refused")
            address = ("127.0.0.1", made.ports[address[1]])
        connect(self, address)

    def resolve(host, port, *args, **more):
        known = host == "clips.example.com"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))] if known else look_up(host, port)

    monkeypatch.setattr(socket.socket, "connect", to_this_machine)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return made


PLAIN = "http://clips.example.com/clip.mp4?sig=1"


def test_a_plain_address_is_asked_by_https_first(downloader: Downloader, net: Net, tmp_path: Path, monkeypatch):
    certificate = certificate_of("clips.example.com", tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with speaking(
        over_tls(lambda c, _: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nclip"), certificate)
    ) as host:
        net.ports[443] = host.port
        assert downloader.fetch(PLAIN)
    assert (downloader.part.read_bytes(), net.tried, downloader.said) == (b"clip", [443], [])


@pytest.mark.parametrize("url", [PLAIN, "http://clips.example.com:80/clip.mp4?sig=1"])
def test_where_https_does_not_work_it_is_taken_as_it_is_without_a_key_and_said(
    downloader: Downloader, net: Net, url: str
):
    with serving(Reply(200, CLIP, ETAG)) as host:
        net.ports[80] = host.port
        assert downloader.fetch(url, needs_key=True)
    assert (downloader.part.read_bytes(), net.tried) == (CLIP, [443, 80])
    assert host.asked[0][0] == "/clip.mp4?sig=1" and "authorization" not in host.asked[0][1]
    assert len(downloader.said) == 1 and "http://" in downloader.said[0] and "sig" not in downloader.said[0]


def test_what_https_began_is_not_gone_on_with_in_clear(downloader: Downloader, net: Net, tmp_path: Path, monkeypatch):
    certificate = certificate_of("clips.example.com", tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + 10 * b"clip"
    with speaking(over_tls(lambda c, _: c.sendall(half), certificate)) as host:
        net.ports[443] = host.port
        with pytest.raises(TransientError):
            downloader.fetch(PLAIN)
    assert net.tried == [443]


@pytest.mark.parametrize(
    "url", ["http://clips.example.com:8080/clip.mp4", "http://10.0.0.1/clip.mp4", "http://127.0.0.1/"]
)
def test_a_plain_address_opens_no_other_port_and_no_other_net(downloader: Downloader, net: Net, url: str):
    with pytest.raises(AddressRefused):
        downloader.fetch(url)
    assert net.tried == []


def test_nothing_leads_from_https_to_plain_http(downloader: Downloader, net: Net, tmp_path: Path, monkeypatch):
    certificate = certificate_of("clips.example.com", tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    away = f"HTTP/1.1 302 Found\r\nLocation: {PLAIN}\r\nContent-Length: 0\r\n\r\n".encode()
    with speaking(over_tls(lambda c, _: c.sendall(away), certificate)) as host:
        net.ports[443] = host.port
        with pytest.raises(AddressRefused, match="not https"):
            downloader.fetch("https://clips.example.com/clip.mp4")
    assert net.tried == [443]
