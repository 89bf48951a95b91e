"""Web addresses, taken apart so strictly that no other parser can read another host in them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

AUTHORITY = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
"""Host and port (RFC 3986, 3.2), letters of any script among them."""


class NotAnAddress(ValueError):
    """The text is not an address; says why, and never quotes it: it may be a key."""


def web_address(text: str, *, allow_query: bool = False) -> SplitResult:
    """Take http(s)://host[:port][/path] apart. Raises NotAnAddress."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("https", "http"):
        raise NotAnAddress("it does not begin with https://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if not authority:
        raise NotAnAddress("it has no host name")
    if "@" in authority and "\\" not in authority:
        raise NotAnAddress("it may hold no login and no password")
    if not AUTHORITY.fullmatch(authority) or not text.isprintable():
        raise NotAnAddress("its host has a character that no host has, or a bracket is open")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAnAddress("its host or port is invalid: a port is a number from 1 to 65535") from None
    if port == 0:
        raise NotAnAddress("its port is invalid: a port is a number from 1 to 65535")
    if (parts.query or parts.fragment) and not allow_query:
        raise NotAnAddress("it may hold no query: host, port and path alone")
    return parts
