"""HTTP to a host that keeps clips: an address somebody else chose, so nothing about it is trusted.

https, port 443, no credentials; every address the name resolves to must be public, and the connection goes to
exactly an address that was checked, so that DNS can't answer differently in between (DNS rebinding). A proxy in TUN
mode resolves every name to a fake address: those are taken when the API's own host has one too. Loopback and any port
are allowed only when the provider itself was set to loopback (a sandbox), plain http only where the provider names it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin

import requests

from ..errors import DownloadError
from ..loopback import is_loopback_host
from ..providers.exchange_limit import Addresses, ExchangeLimit, LimitedAdapter
from ..providers.http import USER_AGENT, NoRedirectSession
from ..public_address import Address, Network, as_number, is_public
from ..settings import is_here
from ..web_address import NotAnAddress, web_address

FAKE_IP_RANGES = tuple(map(ipaddress.ip_network, ("198.18.0.0/15", "fc00::/18", "fdfe:dcba:9876::/48")))
"""What proxies in TUN mode answer in place of real addresses: the ranges of Clash, mihomo, Surge, sing-box, V2Ray and
Xray, by their documentation. The first is for tests of networks (RFC 2544): no machine at home has one of it."""
PORTS = {"https": 443, "http": 80}


class AddressRefused(DownloadError):
    """A clip's address points where this pack won't go."""


class NotTrusted(AddressRefused):
    """No connection that can be trusted leads to the clip's host; `next_step` says what to set."""


@dataclass(frozen=True)
class Reach:
    """Where clips may be fetched from, besides the public internet.

    Args:
        allow_loopback: this machine, when the provider itself is a stand-in on it.
        api_host: the provider's API, whose own address is the proof of a proxy that hands out fake ones.
        fake_ip_ranges: what such a proxy is known to hand out, whatever the API's host resolves to.
    """

    allow_loopback: bool = False
    api_host: str = ""
    fake_ip_ranges: tuple[Network, ...] = ()

    @classmethod
    def of(cls, endpoint: str, fake_ip_ranges: tuple[Network, ...] = ()) -> Reach:
        """The reach of a provider that is asked at this endpoint: its base URL, or the sandbox's one word."""
        if is_here(endpoint):
            return cls(allow_loopback=True)
        return cls(api_host=web_address(endpoint).hostname or "", fake_ip_ranges=fake_ip_ranges)


def check_url(url: str, reach: Reach, *, allow_plain: bool = False) -> SplitResult:
    """Take a URL apart and refuse what no clip's address should look like. Raises AddressRefused.

    Args:
        allow_plain: plain http, on port 80, is taken as well.
    """
    try:
        parts = web_address(url, allow_query=True)
    except NotAnAddress as problem:
        raise AddressRefused(f"The provider gave an address for the clip that can't be used: {problem}.") from None
    host, port = str(parts.hostname), parts.port
    if reach.allow_loopback and is_loopback_host(host):
        return parts
    if parts.scheme != "https" and not allow_plain:
        raise AddressRefused(f"The provider gave an address for the clip on {host} that is not https.")
    if port not in (None, PORTS[parts.scheme]):
        raise AddressRefused(f"The provider gave an address for the clip on {host} with the unusual port {port}.")
    number = as_number(host)
    if number is not None and not is_public(number):
        raise AddressRefused(f"The provider gave an address for the clip on {host}, which is not a public address.")
    return parts


def secured(url: str, reach: Reach) -> str | None:
    """The https form of a plain http address; None of any other, and of a stand-in's on this machine."""
    try:
        parts = web_address(url, allow_query=True)
    except NotAnAddress:
        return None
    if parts.scheme != "http" or (reach.allow_loopback and is_loopback_host(str(parts.hostname))):
        return None
    return parts._replace(scheme="https", netloc=parts.netloc.removesuffix(f":{PORTS['http']}")).geturl()


def next_url(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressRefused if it is not a valid address."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise AddressRefused("The clip's host redirected to an invalid address.") from None


def check_addresses(host: str, addresses: Addresses, reach: Reach, api_addresses: Callable[[], Addresses]) -> None:
    """Check what a clip's host resolves to.

    Args:
        api_addresses: what the API's host resolves to; only asked where it matters.

    Raises:
        AddressRefused: any of the addresses isn't a public one, nor one of a proxy's fake ones.
    """
    for address in map(_number, addresses):
        if is_public(address) or (reach.allow_loopback and address.is_loopback):
            continue
        if any(address in known for known in reach.fake_ip_ranges):
            continue
        pool = next((known for known in FAKE_IP_RANGES if address in known), None)
        if pool and any(_number(own) in pool for own in api_addresses()):
            continue
        raise AddressRefused(
            f"The clip's host {host} resolves to {address}, which is not a public address. Where a proxy in TUN mode "
            "hands out such addresses, name their range in REMOTE_VIDEO_FAKE_IP_RANGES."
        )


def _number(found: tuple[Any, ...]) -> Address:
    address = ipaddress.ip_address(str(found[-1][0]).partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def media_session(reach: Reach, limit: ExchangeLimit) -> requests.Session:
    """A session that connects to checked addresses only and carries no credentials, not even from .netrc.

    Through a proxy, the proxy resolves.

    Args:
        reach: see there.
        limit: of all that the session does.
    """

    def api_addresses() -> Addresses:
        try:
            return limit.look_up(reach.api_host, PORTS["https"]) if reach.api_host else []
        except socket.gaierror:
            return []

    session = NoRedirectSession()
    session.auth = _no_credentials
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    session.trust_env = not reach.allow_loopback
    adapter = LimitedAdapter(limit, lambda host, addresses: check_addresses(host, addresses, reach, api_addresses))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
