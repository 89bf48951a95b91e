"""HTTP to a host that keeps clips: an address somebody else chose, so nothing about it is trusted.

https only, port 443, no credentials; every address the name resolves to must be public, and the connection goes to
exactly an address that was checked, so that DNS can't answer differently in between (DNS rebinding). Loopback, any
port and plain http are allowed only when the provider itself was set to loopback (a sandbox).
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from ..errors import DownloadError
from ..loopback import is_loopback_host
from ..providers.exchange_limit import Addresses, ExchangeLimit, LimitedAdapter
from ..providers.http import USER_AGENT, NoRedirectSession

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""RFC 4291, 2.4, and IANA's registry: the only part of IPv6 that is given out."""


class AddressRefused(DownloadError):
    """A clip's address points where this pack won't go."""


class NotTrusted(AddressRefused):
    """No connection that can be trusted leads to the clip's host; `next_step` says what to set."""


def check_url(url: str, allow_loopback: bool) -> SplitResult:
    """Take a URL apart and refuse what no clip's address should look like. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("The provider gave an address for the clip that is no address.") from None
    if not host or parts.username is not None or parts.password is not None:
        raise AddressRefused("The provider gave an address for the clip without a host, or with a password in it.")
    if allow_loopback and is_loopback_host(host) and parts.scheme in ("http", "https"):
        return parts
    if parts.scheme != "https":
        raise AddressRefused(f"The provider gave an address for the clip on {host} that is not https.")
    if port not in (None, 443):
        raise AddressRefused(f"The provider gave an address for the clip on {host} with the unusual port {port}.")
    number = _as_number(host)
    if number is not None and not is_public(number):
        raise AddressRefused(f"The provider gave an address for the clip on {host}, which is not a public address.")
    return parts


def next_url(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressRefused when it is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise AddressRefused("The clip's host redirected to an address that is no address.") from None


def _as_number(host: str) -> Address | None:
    """A host that is an address as written: also the short, octal, hex and decimal forms that systems accept."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip("."))) if host[:1].isdigit() else None
    except OSError:
        return None


def check_addresses(host: str, addresses: Addresses, allow_loopback: bool) -> None:
    """Raises AddressRefused when any of the addresses a host resolves to isn't a public one."""
    for *_, where in addresses:
        address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        if not (is_public(address) or (allow_loopback and address.is_loopback)):
            raise AddressRefused(f"The clip's host {host} resolves to {address}, which is not a public address.")


def is_public(address: Address) -> bool:
    """Whether an address, and the IPv4 address it may carry inside, is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def media_session(allow_loopback: bool, limit: ExchangeLimit) -> requests.Session:
    """A session that connects to checked addresses only and carries no credentials, not even from .netrc.

    Through a proxy, the proxy resolves.

    Args:
        limit: of all that the session does.
    """
    session = NoRedirectSession()
    session.auth = _no_credentials
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    session.trust_env = not allow_loopback
    adapter = LimitedAdapter(limit, lambda host, addresses: check_addresses(host, addresses, allow_loopback))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
