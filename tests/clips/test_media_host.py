"""A clip's address is somebody else's choice: it may lead to the public internet, by https, and nowhere else."""

from __future__ import annotations

import ipaddress
import socket
import sys
import time
from collections.abc import Callable

import pytest
import requests
from remote_video_pack.remote_video.clips.media_host import (
    AddressRefused,
    Reach,
    check_url,
    media_session,
)
from remote_video_pack.remote_video.loopback import is_loopback_host
from remote_video_pack.remote_video.providers.exchange_limit import MAX_ADDRESSES, ExchangeLimit
from remote_video_pack.remote_video.public_address import is_public
from remote_video_pack.remote_video.settings import Settings

from .clip_host import deaf_port, dripping, speaking

HERE = Reach(allow_loopback=True)
FAR = Reach()
PUBLIC = ["8.8.8.8", "1.1.1.1", "185.199.108.133", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_public_internet_are_told(address: str):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_every_other_address_is_told_too(address: str):
    assert not is_public(ipaddress.ip_address(address))


def test_a_private_address_inside_a_teredo_address_is_told():
    teredo = int(ipaddress.ip_address("2001::")) | (0xFFFFFFFF ^ int(ipaddress.ip_address("10.0.0.1")))
    assert not is_public(ipaddress.IPv6Address(teredo))


@pytest.mark.parametrize(
    "url",
    [
        "http://media.example.com/clip.mp4",
        "ftp://media.example.com/clip.mp4",
        "file:///etc/passwd",
        "https:///clip.mp4",
        "clip.mp4",
        "",
        "//media.example.com/clip.mp4",
        "https://media.example.com:8443/clip.mp4",
        "https://media.example.com:80/clip.mp4",
        "https://media.example.com:99999/clip.mp4",
        "https://media.example.com:x/clip.mp4",
        "https://user@media.example.com/clip.mp4",
        "https://user:secret@media.example.com/clip.mp4",
        "https://@media.example.com/clip.mp4",
        "https://[::1/clip.mp4",
        "https://media.example.com\\@10.0.0.1/clip.mp4",
        "https://media.example.com /clip.mp4",
        "https://media.example.com/clip\n.mp4",
        "https://[zz]/clip.mp4",
        *(f"https://{f'[{address}]' if ':' in address else address}/clip.mp4" for address in NOT_PUBLIC),
        "https://[fe80::1%25eth0]/clip.mp4",
        "https://167772161/clip.mp4",
        "https://0x0a000001/clip.mp4",
        "https://012.0.0.1/clip.mp4",
        "https://10.1/clip.mp4",
        "https://0x7f.1/clip.mp4",
        "https://2130706433/clip.mp4",
        "https://127.0.0.1./clip.mp4",
        "https://0/clip.mp4",
    ],
)
def test_an_address_that_no_clip_has_is_refused_before_any_connection(url: str):
    with pytest.raises(AddressRefused) as raised:
        check_url(url, FAR)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://media.runcomfy.net/clip.mp4?sig=1",
        "https://media.example.com:443/clip.mp4",
        "https://8.8.8.8/clip.mp4",
        "https://[2606:4700:4700::1111]/clip.mp4",
        "https://10.example.com/clip.mp4",
        "https://0x.example.com/clip.mp4",
    ],
)
def test_an_ordinary_address_is_taken(url: str):
    assert check_url(url, FAR).hostname


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_only_for_a_provider_on_this_machine(host: str):
    url = f"http://{host}:8189/media/clip.mp4"
    assert check_url(url, HERE).port == 8189
    with pytest.raises(AddressRefused):
        check_url(url, FAR)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://192.168.0.1/", "ftp://127.0.0.1/", "http://0.0.0.0/"])
def test_a_provider_on_this_machine_opens_nothing_else(url: str):
    with pytest.raises(AddressRefused):
        check_url(url, HERE)


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "localhost.example.com", "128.0.0.1", "::2", ""])
def test_a_name_that_looks_like_this_machine_is_not(host: str):
    assert not is_loopback_host(host)


# -- names -------------------------------------------------------------------------------------------------------------

Answer = Callable[[str, int], list[str]]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch):
    """Stands in for the system's resolver: there is no internet here, and a real one can't be told to lie."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def install(answer: Answer) -> list[str]:
        def stand_in(host, port, *args, **more):
            try:
                ipaddress.ip_address(host)
            except ValueError:
                asked.append(host)
                found = answer(host, len(asked))
                if not found:
                    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
                families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in found]
                return [
                    (family, socket.SOCK_STREAM, 6, "", (address, port))
                    for family, address in zip(families, found, strict=True)
                ]
            return real(host, port, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", stand_in)
        return asked

    return install


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that something tried to connect to; every attempt is refused, as by the other end."""
    tried: list[str] = []

    def refuse(self: socket.socket, address) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def ask(url: str, *, deadline_s: float = 5.0, connect: float = 5.0, reach: Reach = FAR) -> requests.Response:
    limit = ExchangeLimit(time.monotonic() + deadline_s)
    with limit, media_session(reach, limit) as session:
        return session.get(url, timeout=(connect, 5.0))


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:192.168.0.1"], ["fe80::1%eth0"]])
def test_a_name_with_any_private_address_is_refused(name_server, connections: list[str], answer: list[str]):
    name_server(lambda host, nth: answer)
    with pytest.raises(AddressRefused, match="not a public address"):
        ask("https://media.example.com/clip.mp4")
    assert connections == []


def test_the_connection_goes_to_the_address_that_was_checked(name_server, connections: list[str]):
    """The name answers with this machine from the second time on: DNS rebinding."""
    asked = name_server(lambda host, nth: ["8.8.8.8"] if nth == 1 else ["127.0.0.1"])
    with pytest.raises(requests.ConnectionError):
        ask("https://rebind.example.com/clip.mp4")
    assert asked == ["rebind.example.com"]
    assert connections == ["8.8.8.8"]


def test_every_checked_address_is_tried(name_server, connections: list[str]):
    name_server(lambda host, nth: ["2606:4700:4700::1111", "8.8.8.8"])
    with pytest.raises(requests.ConnectionError):
        ask("https://media.example.com/clip.mp4")
    assert connections == ["2606:4700:4700::1111", "8.8.8.8"]


def test_of_sixty_addresses_all_are_checked_and_eight_are_tried(name_server, connections: list[str]):
    sixty = [f"8.8.8.{number}" for number in range(60)]
    name_server(lambda host, nth: sixty)
    with pytest.raises(requests.ConnectionError):
        ask("https://media.example.com/clip.mp4")
    assert connections == sixty[:MAX_ADDRESSES] and MAX_ADDRESSES == 8
    sixty[59] = "10.0.0.1"
    with pytest.raises(AddressRefused):
        ask("https://media.example.com/clip.mp4")
    assert len(connections) == 8


# -- proxies that hand out fake addresses ------------------------------------------------------------------------------

FAKE = [("198.18.0.5", "198.19.255.1"), ("fc00::5", "fc00::9:1"), ("fdfe:dcba:9876::5", "fdfe:dcba:9876::9")]
PRIVATE = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.168.1.1",
    "fd00::1",
    "fc00:8000::1",
    "fe80::1",
]
API = Reach.of("https://api.example.com/v1")


def ask_where(name_server, names: dict[str, list[str]], reach: Reach = API) -> None:
    name_server(lambda host, nth: names.get(host, []))
    ask("https://media.example.com/clip.mp4", reach=reach)


@pytest.mark.parametrize(("clip", "api"), FAKE)
def test_a_fake_address_is_taken_where_the_api_has_one_too(name_server, connections: list[str], clip: str, api: str):
    with pytest.raises(requests.ConnectionError):
        ask_where(name_server, {"media.example.com": [clip], "api.example.com": [api]})
    assert connections == [clip]


@pytest.mark.parametrize(("clip", "api"), FAKE)
@pytest.mark.parametrize("proof", [["8.8.8.8"], ["10.0.0.1"], [], "another range"])
def test_without_that_proof_a_fake_address_is_refused(name_server, connections: list[str], clip: str, api: str, proof):
    if proof == "another range":
        proof = [own for _, own in FAKE if own != api]
    with pytest.raises(AddressRefused, match="REMOTE_VIDEO_FAKE_IP_RANGES"):
        ask_where(name_server, {"media.example.com": [clip], "api.example.com": proof})
    assert connections == []


@pytest.mark.parametrize("private", PRIVATE)
def test_every_other_private_address_stays_refused_behind_such_a_proxy(
    name_server, connections: list[str], private: str
):
    fakes = [own for _, own in FAKE]
    for found in ([private], ["198.18.0.5", private]):
        with pytest.raises(AddressRefused, match="not a public address"):
            ask_where(name_server, {"media.example.com": found, "api.example.com": [*fakes, private]})
    assert connections == []


def test_a_fake_address_that_is_written_out_is_no_name_of_a_proxy():
    for host in ("198.18.0.5", "[fc00::5]"):
        with pytest.raises(AddressRefused):
            check_url(f"https://{host}/clip.mp4", API)


def test_a_range_that_is_set_needs_no_proof_and_lets_nothing_else_through(
    name_server, connections: list[str], tmp_path
):
    settings = Settings.from_environment(tmp_path, {"REMOTE_VIDEO_FAKE_IP_RANGES": "10.128.0.1/16, fd00:1::/64"})
    reach = Reach.of("https://api.example.com", settings.fake_ip_ranges)
    for clip in ("10.128.3.4", "fd00:1::4"):
        with pytest.raises(requests.ConnectionError):
            ask_where(name_server, {"media.example.com": [clip], "api.example.com": ["8.8.8.8"]}, reach)
    assert connections == ["10.128.3.4", "fd00:1::4"]
    for clip in ("10.129.3.4", "fd00:2::4", "127.0.0.1"):
        with pytest.raises(AddressRefused):
            ask_where(name_server, {"media.example.com": [clip], "api.example.com": ["8.8.8.8"]}, reach)


def test_a_public_address_is_taken_without_a_look_at_the_api(name_server, connections: list[str]):
    asked = name_server(lambda host, nth: ["8.8.8.8"])
    with pytest.raises(requests.ConnectionError):
        ask("https://media.example.com/clip.mp4", reach=API)
    assert asked == ["media.example.com"]


UNANSWERED = pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection unanswered here")


@UNANSWERED
@pytest.mark.parametrize(
    "limits", [{"deadline_s": 0.5, "connect": 60.0}, {"connect": 0.5}], ids=["deadline", "connect"]
)
def test_sixty_addresses_that_do_not_answer_have_one_limit(name_server, limits: dict[str, float]):
    name_server(lambda host, nth: [f"127.0.0.{number}" for number in range(1, 61)])
    with deaf_port("0.0.0.0") as port:
        began = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            ask(f"http://localhost.example.com:{port}/clip.mp4", reach=HERE, **limits)
    assert 0.4 < time.monotonic() - began < 15.0, "half a second for each would be 30 s"


@UNANSWERED
def test_an_address_that_refuses_is_passed_over(name_server):
    name_server(lambda host, nth: ["127.0.0.2", "127.0.0.3", "127.0.0.1"])
    with speaking(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"")) as host:
        assert ask(f"http://localhost.example.com:{host.port}/", reach=HERE).status_code == 200


@UNANSWERED
def test_an_address_that_does_not_answer_leaves_time_for_the_next(name_server):
    name_server(lambda host, nth: ["127.0.0.2", "127.0.0.3", "127.0.0.1"])
    answer = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"")
    with speaking(answer) as host, deaf_port("127.0.0.2", host.port), deaf_port("127.0.0.3", host.port):
        assert ask(f"http://localhost.example.com:{host.port}/", connect=1.5, reach=HERE).status_code == 200


@pytest.mark.parametrize("host", ["nowhere.example.com", "x" * 70 + ".example.com"])
def test_a_name_that_cannot_be_resolved_is_a_connection_that_failed(name_server, connections: list[str], host: str):
    name_server(lambda host, nth: [])
    with pytest.raises(requests.ConnectionError):
        ask(f"https://{host}/clip.mp4")
    assert connections == []
