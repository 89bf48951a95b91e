"""HTTP to a host that keeps clips: an address somebody else chose, so nothing about it is trusted.

https only, port 443, no credentials; every address the name resolves to must be public, and the connection goes to
exactly an address that was checked, so that DNS can't answer differently in between (DNS rebinding). Loopback, any
port and plain http are allowed only when the provider itself was set to loopback (a sandbox).
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin

import requests

from ..errors import DownloadError
from ..loopback import is_loopback_host
from ..providers.exchange_limit import Addresses, ExchangeLimit, LimitedAdapter
from ..providers.http import USER_AGENT, NoRedirectSession
from ..public_address import as_number, is_public
from ..web_address import NotAnAddress, web_address


class AddressRefused(DownloadError):
    """A clip's address points where this pack won't go."""


class NotTrusted(AddressRefused):
    """No connection that can be trusted leads to the clip's host; `next_step` says what to set."""


def check_url(url: str, allow_loopback: bool) -> SplitResult:
    """Take a URL apart and refuse what no clip's address should look like. Raises AddressRefused."""
    try:
        parts = web_address(url, allow_query=True)
    except NotAnAddress as problem:
        raise AddressRefused(f"The provider gave an address for the clip that can't be used: {problem}.") from None
    host, port = str(parts.hostname), parts.port
    if allow_loopback and is_loopback_host(host) and parts.scheme in ("http", "https"):
        return parts
    if parts.scheme != "https":
        raise AddressRefused(f"The provider gave an address for the clip on {host} that is not https.")
    if port not in (None, 443):
        raise AddressRefused(f"The provider gave an address for the clip on {host} with the unusual port {port}.")
    number = as_number(host)
    if number is not None and not is_public(number):
        raise AddressRefused(f"The provider gave an address for the clip on {host}, which is not a public address.")
    return parts


def next_url(url: str, location: str) -> str:
    """Where a redirect leads. Raises AddressRefused when it is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise AddressRefused("The clip's host redirected to an address that is no address.") from None


def check_addresses(host: str, addresses: Addresses, allow_loopback: bool) -> None:
    """Raises AddressRefused when any of the addresses a host resolves to isn't a public one."""
    for *_, where in addresses:
        address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        if not (is_public(address) or (allow_loopback and address.is_loopback)):
            raise AddressRefused(f"The clip's host {host} resolves to {address}, which is not a public address.")


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
