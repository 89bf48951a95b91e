"""Whether an address is this machine's own, as written: no name is looked up."""

from __future__ import annotations

import ipaddress

from .web_address import NotAnAddress, web_address


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address is loopback (RFC 6761: localhost and every name under it; RFC 6890)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL's host is loopback; False for what is no URL."""
    try:
        return is_loopback_host(web_address(url, allow_query=True).hostname or "")
    except NotAnAddress:
        return False
