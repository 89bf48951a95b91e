"""The wire: two providers' HTTP, and their many answers, behind one small face."""

from __future__ import annotations

from ..accounts import Accounts
from ..settings import Settings
from .cometapi import CometApi
from .runcomfy import RunComfy
from .status import Provider

SANDBOX_IDENTITY = "sandbox"
SANDBOX_KEY = "sandbox"


def connect(name: str, settings: Settings) -> tuple[Provider, str]:
    """The provider of that name as the settings want it, and the key that tells its account apart.

    Args:
        name: "runcomfy" or "cometapi".
        settings: the sandbox is started in this process when they ask for it.

    Raises:
        AccountError: no key; the message names the three ways on.
    """
    if settings.sandbox:
        return _sandbox(name, settings), SANDBOX_KEY
    key = Accounts(settings.home).require(name).key
    if name == "runcomfy":
        return RunComfy(settings.runcomfy_base_url, key, patience=settings.patience), key
    return CometApi(settings.cometapi_base_url, key, patience=settings.patience), key


def _sandbox(name: str, settings: Settings) -> Provider:
    from ..sandbox import shared_sandbox

    sandbox = shared_sandbox(settings.home / "sandbox")
    if name == "runcomfy":
        return RunComfy(sandbox.runcomfy_base_url, SANDBOX_KEY, SANDBOX_IDENTITY, settings.patience)
    return CometApi(sandbox.cometapi_base_url, SANDBOX_KEY, SANDBOX_IDENTITY, settings.patience)
