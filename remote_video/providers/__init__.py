"""The wire: each provider's HTTP, and its many answers, behind one small face.

A provider is one record here, and one client. This file imports neither `requests` nor a client, so that accounts and
settings can be read at ComfyUI's start for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..outside_text import quoted

if TYPE_CHECKING:
    from ..timeouts import Timeouts
    from .client import Client

TRANSPORTS = ("data-uri", "s3", "public-origin")
"""The ways in which a provider can be shown an image (`REMOTE_VIDEO_UPLOADS`); the first is the usual one."""


class MakeClient(Protocol):
    """Makes a provider's client; it sends `key` to `base_url` and nowhere else."""

    def __call__(self, base_url: str, key: str, *, endpoint: str, timeouts: Timeouts) -> Client: ...


@dataclass(frozen=True)
class Provider:
    """All that is known of one provider before it is asked anything."""

    id: str
    name: str
    """What people call it."""
    key_variables: tuple[str, ...]
    """Environment variables that may hold its key, in the order they are looked at."""
    base_url: str
    """Its API's usual address, without a slash at the end."""
    base_url_variable: str
    """The environment variable that names another address."""
    key_page: str
    key_hint: str
    """Where on that page a key is made."""
    transports: tuple[str, ...]
    """The `TRANSPORTS` it understands; none: its images are files in the request itself."""
    client: MakeClient
    unpromised: tuple[str, ...] = ()
    """Those of its transports that work, and that its pages don't speak of."""
    balance_origin: str | None = None
    """Where it is asked what an account has left, unless its API is at another address; None: it can't be asked."""
    price_page: str | None = None
    """Where people read what a clip costs; None: its catalogue says so."""


def _runcomfy(base_url: str, key: str, *, endpoint: str, timeouts: Timeouts) -> Client:
    from .runcomfy import RunComfy

    return RunComfy(base_url, key, endpoint=endpoint, timeouts=timeouts)


def _cometapi(base_url: str, key: str, *, endpoint: str, timeouts: Timeouts) -> Client:
    from .cometapi import CometApi

    return CometApi(base_url, key, endpoint=endpoint, timeouts=timeouts)


_IN_MENU_ORDER = (
    Provider(
        id="runcomfy",
        name="RunComfy",
        key_variables=("RUNCOMFY_API_TOKEN", "RUNCOMFY_TOKEN", "RUNCOMFY_API_KEY", "YOUR_API_TOKEN"),
        base_url="https://model-api.runcomfy.net",
        base_url_variable="RUNCOMFY_API_BASE_URL",
        key_page="https://www.runcomfy.com/profile",
        key_hint="Profile > API Token",
        transports=TRANSPORTS,
        client=_runcomfy,
        unpromised=TRANSPORTS[:1],
        balance_origin="https://api.runcomfy.net",
    ),
    Provider(
        id="cometapi",
        name="CometAPI",
        key_variables=("COMETAPI_KEY", "COMETAPI_API_KEY", "COMET_API_KEY"),
        base_url="https://api.cometapi.com/v1",
        base_url_variable="COMETAPI_BASE_URL",
        key_page="https://www.cometapi.com/console/token",
        key_hint="Console > API keys",
        transports=(),
        client=_cometapi,
        price_page="https://api.cometapi.com/api/models",
    ),
)
PROVIDERS: Mapping[str, Provider] = {provider.id: provider for provider in _IN_MENU_ORDER}
"""By id, in menu order."""


def provider_of(provider_id: str) -> Provider:
    """The record of that id. Raises ValueError when there is none."""
    if provider_id not in PROVIDERS:
        raise ValueError(f"unknown provider: {quoted(provider_id)}")
    return PROVIDERS[provider_id]
