"""Troubles of the network that trying again never mends: something on this machine has to be set.

What a variable holds is never quoted: a proxy's address may hold a password.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import requests
from requests.utils import get_auth_from_url, prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import SSLError

from ..errors import Billed, SettingsError
from ..web_address import NotAnAddress, web_address

RESTART = "then restart ComfyUI"
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""In the order in which `requests` reads them."""
PROXIES = ("https_proxy", "http_proxy", "all_proxy")
"""In either case."""
WAYS_TO_A_PROXY = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class UnusableProxy(requests.exceptions.InvalidProxyURL):
    """The proxy that the environment names can't be one; the text says which variable, and why."""


def check_proxy(url: str, proxies: Mapping[str, str] | None) -> None:
    """See that the proxy on the way to a URL can be one: what libraries raise for it otherwise is of any type.

    Raises:
        UnusableProxy: it can't.
    """
    proxy = select_proxy(url, dict(proxies or {}))
    if not proxy:
        return
    try:
        _check_address(proxy)
    except NotAnAddress as problem:
        named = [name for name, value in os.environ.items() if name.lower() in PROXIES and value == proxy]
        source = "The environment variable " + " and ".join(named) if named else "This system's proxy setting"
        raise UnusableProxy(f"{source} does not hold a proxy's address, http://host:port: {problem}") from None


def _check_address(proxy: str) -> None:
    """Raises NotAnAddress."""
    scheme, is_named, rest = proxy.partition("://")
    if is_named and scheme.lower() not in WAYS_TO_A_PROXY:
        raise NotAnAddress("it does not begin with http://, https:// or socks5://")
    login, _, place = (rest if is_named else proxy).rpartition("@")
    if re.search(r"[/?#\\\s]", login):
        raise NotAnAddress("a character of its login has to be written as % and two digits")
    web_address(f"http://{place}", allow_query=True)
    try:
        user, password = get_auth_from_url(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
        f"{user}:{password}".encode("latin-1")
    except UnicodeEncodeError:
        raise NotAnAddress("its login holds a character that can't be sent to a proxy") from None
    except Exception:  # as `requests` itself will fail on it
        raise NotAnAddress("it can't be read") from None


def setting_to_blame(error: BaseException, whom: str, billed: Billed = Billed.NO) -> SettingsError | None:
    """What to set, when it is that; None for a trouble that may pass.

    Args:
        error: what a connection ended in.
        whom: what to call the other side.
        billed: whether there is a job that was paid for.
    """
    for inner in causes(error):
        if isinstance(inner, UnusableProxy):
            return SettingsError(f"{inner}.", billed=billed, next_step=f"Correct or remove it, {RESTART}.")
        if isinstance(inner, ssl.SSLCertVerificationError) or "certificate verify failed" in str(inner):
            return _untrusted(inner, whom, billed)
        is_about_bundle = isinstance(inner, (ssl.SSLError, SSLError)) or "TLS CA certificate bundle" in str(inner)
        if is_about_bundle and (variable := _unusable_bundle()):
            return SettingsError(
                f"The environment variable {variable} does not name a file of certificates (PEM) that can be read, so "
                f"{whom} can't be asked.",
                billed=billed,
                next_step=f"Correct or remove the variable, {RESTART}.",
            )
        if isinstance(inner, requests.exceptions.InvalidSchema) and "SOCKS" in str(inner):
            return SettingsError(
                f"{whom} is reached through a SOCKS proxy (ALL_PROXY or HTTPS_PROXY in the environment), but the "
                "Python package PySocks, which is needed for that, is not installed.",
                billed=billed,
                next_step="Install PySocks into ComfyUI's Python environment (python -m pip install pysocks), or set "
                f"HTTPS_PROXY to an http:// proxy; {RESTART}.",
            )
    return None


def named_bundle() -> tuple[str, str]:
    """The variable that names the certificates to trust, and the file or folder it names; both empty: none does."""
    return next(((name, named) for name in BUNDLES if (named := os.environ.get(name))), ("", ""))


def _unusable_bundle() -> str | None:
    """The variable that names certificates, when they can't be loaded."""
    variable, named = named_bundle()
    if not named:
        return None
    with suppress(OSError, ValueError):
        path = Path(named)
        if path.is_dir():
            return None
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        return None
    return variable


def _untrusted(error: BaseException, whom: str, billed: Billed) -> SettingsError:
    said = getattr(error, "verify_message", "") or "it can't be verified"
    return SettingsError(
        f"The certificate of {whom} is not trusted here ({said}). It may come from a company proxy or a virus "
        "scanner that intercepts TLS; otherwise, this may not be the real server.",
        billed=billed,
        next_step="Put the root certificate of the proxy or scanner that intercepts TLS into a PEM file together "
        "with the usual ones (python -m certifi prints their path) and set REQUESTS_CA_BUNDLE to that "
        f"file, {RESTART}. If the certificate is expired or not valid yet, check this machine's clock.",
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it wraps: urllib3 and `requests` hold it under other names or as an argument."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        held = (getattr(inner, "reason", None), getattr(inner, "original_error", None), *inner.args)
        inner = next((each for each in held if isinstance(each, BaseException)), None)
