"""Which internet addresses are public, whatever form they are written in."""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""RFC 4291, 2.4, and IANA's registry: the only part of IPv6 that is given out."""


def as_number(host: str) -> Address | None:
    """A host that is an address as written: also the short, octal, hex and decimal forms that systems accept."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip("."))) if host[:1].isdigit() else None
    except OSError:
        return None


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


_NEVER_FAKE = "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/4 ::/96 ::ffff:0:0/96 fe80::/10 ff00::/8"
NEVER_FAKE = tuple(map(ipaddress.ip_network, _NEVER_FAKE.split()))
"""This machine, its link (a cloud's metadata among them) and groups: no proxy hands these out."""


def fake_ip_range(text: str) -> Network:
    """A network as proxies' settings name it, 198.18.0.1/16 or 198.18.0.0/16. Raises ValueError."""
    network = ipaddress.ip_network(text, strict=False)
    if any(network.version == never.version and network.overlaps(never) for never in NEVER_FAKE):
        raise ValueError(text)
    return network
