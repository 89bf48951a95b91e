"""Addresses that are given: taken apart strictly, told from this machine's own and from those that are not public."""

from __future__ import annotations

import ipaddress

import pytest
from remote_video_pack.remote_video.loopback import is_loopback, is_loopback_host
from remote_video_pack.remote_video.public_address import as_number, fake_ip_range
from remote_video_pack.remote_video.web_address import NotAnAddress, web_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://host.example", "host.example", None),
        ("HTTP://host.example:1/a/b", "host.example", 1),
        ("https://host.example:65535", "host.example", 65535),
        ("https://b\u00fccher.example/", "b\u00fccher.example", None),
        ("http://[::1]:8188", "::1", 8188),
        ("https://10.0.0.1", "10.0.0.1", None),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int | None) -> None:
    parts = web_address(text)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("host.example", "does not begin with https://"),
        ("ftp://host.example", "does not begin with https://"),
        ("", "does not begin with https://"),
        ("https:///path", "no host name"),
        ("https://?a=1", "no host name"),
        ("https://me@host.example", "no login"),
        ("https://me:hunter2@host.example", "no login"),
        ("https://host.example\\@10.0.0.1", "a character that no host has"),
        ("https://host.example\\", "a character that no host has"),
        ("https://host example", "a character that no host has"),
        ("https://[::1", "a bracket is open"),
        ("https://host.example/a\nb", "a character that no host has"),
        ("https://host.example/\u202eb", "a character that no host has"),
        ("https://[::zz]", "a character that no host has"),
        ("https://[::1:2:3:4:5:6:7:8:9]", "its host or port is invalid"),
        ("https://host.example:65536", "a port is a number from 1 to 65535"),
        ("https://host.example:0", "a port is a number from 1 to 65535"),
        ("https://host.example:", "a character that no host has"),
        ("https://host.example/?key=hunter2", "no query"),
        ("https://host.example/#hunter2", "no query"),
    ],
)
def test_what_is_no_address_says_why_and_is_not_quoted(text: str, why: str) -> None:
    with pytest.raises(NotAnAddress, match=why) as refused:
        web_address(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("end", ["?a=1", "#b", "?a=1#b"])
def test_a_query_is_for_where_one_is_allowed(end: str) -> None:
    assert web_address(f"https://host.example/{end}", allow_query=True).hostname == "host.example"


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("notlocalhost", False),
        ("localhost.example", False),
        ("126.0.0.1", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_this_machine_is_told_by_its_name_and_numbers(host: str, is_here: bool) -> None:
    assert is_loopback_host(host) is is_here


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://LOCALHOST:9000/a?b=1", True),
        ("https://[::1]", True),
        ("https://host.example", False),
        ("localhost", False),
        ("http://localhost:0", False),
        ("http://me@localhost", False),
    ],
)
def test_a_url_is_this_machine_s_by_its_host(url: str, is_here: bool) -> None:
    assert is_loopback(url) is is_here


@pytest.mark.parametrize(
    ("host", "number"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("0x7f.1", "127.0.0.1"),
        ("012.0.0.1", "10.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("10.1.", "10.0.0.1"),
        ("10.example.com", None),
        ("a.1", None),
        ("dead", None),
        ("", None),
    ],
)
def test_a_host_is_a_number_in_any_form_that_systems_accept(host: str, number: str | None) -> None:
    assert as_number(host) == (number and ipaddress.ip_address(number))


@pytest.mark.parametrize("text", ["198.18.0.1/16", "fc00::/18", "10.0.0.0/8", "64:ff9b::/96"])
def test_a_range_that_a_proxy_hands_out_is_taken(text: str) -> None:
    assert fake_ip_range(text) == ipaddress.ip_network(text, strict=False)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0/0",
        "126.0.0.0/7",
        "127.0.0.1",
        "169.254.169.254/32",
        "224.0.0.0/24",
        "::/0",
        "::1",
        "fe80::/64",
        "ff02::1",
        "::ffff:10.0.0.0/104",
        "no",
        "10.0.0.0/33",
    ],
)
def test_this_machine_and_its_link_are_in_no_such_range(text: str) -> None:
    with pytest.raises(ValueError):
        fake_ip_range(text)
