"""Troubles of the network that trying again never mends: something on this machine has to be set."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests

from ..errors import Billed, SettingsError

RESTART = "then restart ComfyUI"


def setting_to_blame(error: BaseException, whom: str, billed: Billed = Billed.NO) -> SettingsError | None:
    """What to set, when it is that; None for a trouble that may pass.

    Args:
        error: what a connection ended in.
        whom: what to call the other side.
        billed: whether there is a job that was paid for.
    """
    for inner in _causes(error):
        if isinstance(inner, ssl.SSLCertVerificationError) or "certificate verify failed" in str(inner):
            return _untrusted(inner, whom, billed)
        if isinstance(inner, OSError) and "TLS CA certificate bundle" in str(inner):
            return SettingsError(
                f"REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names a file that is not there, so {whom} can't be asked.",
                billed=billed,
                next_step=f"Correct or remove the variable, {RESTART}.",
            )
        if isinstance(inner, requests.exceptions.InvalidSchema) and "SOCKS" in str(inner):
            return SettingsError(
                f"The way to {whom} leads through a SOCKS proxy (ALL_PROXY or HTTPS_PROXY in the environment), and the "
                "Python package PySocks, which speaks to one, is not installed.",
                billed=billed,
                next_step="Install PySocks into ComfyUI's Python environment (python -m pip install pysocks), or set "
                f"HTTPS_PROXY to an http:// proxy; {RESTART}.",
            )
        if isinstance(inner, requests.exceptions.InvalidProxyURL):
            return SettingsError(
                "The proxy's address in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is no address.",
                billed=billed,
                next_step=f"Correct or remove it, {RESTART}.",
            )
    return None


def _untrusted(error: BaseException, whom: str, billed: Billed) -> SettingsError:
    said = getattr(error, "verify_message", "") or "it can't be verified"
    return SettingsError(
        f"The certificate that was shown for {whom} is not trusted here ({said}). Where a company's proxy or a virus "
        "scanner opens TLS, it is theirs; else it may not be the real one that answers.",
        billed=billed,
        next_step="Put the root certificate of whoever opens TLS into a PEM file together with the usual ones "
        f"(python -m certifi tells where those are) and set REQUESTS_CA_BUNDLE to that file, {RESTART}. Of a "
        "certificate that is expired or not valid yet, check this machine's clock.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it wraps: urllib3 and `requests` hold it as their reason or first argument."""
    inner: object = error
    while isinstance(inner, BaseException):
        yield inner
        inner = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
