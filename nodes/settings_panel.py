"""What the accounts dialog is told and may change besides keys and money, as plain JSON values. No HTTP here."""

from __future__ import annotations

from typing import Any

from ..remote_video.errors import RequestRefused, SettingsError
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.providers import PROVIDERS, TRANSPORTS
from ..remote_video.saved_settings import SavedSettings
from ..remote_video.settings import CHANGEABLE, Settings
from ..remote_video.uploads.address import why_unfetchable
from .accounts_panel import ACCOUNTS_EVENT
from .asked import Body
from .comfy_host import output_folder, tell_pages

SANDBOX_EVENT = "remote_video.sandbox"
"""The websocket event that tells every page whether new clips are the sandbox's: {on}."""
SHOWN = tuple(name for name in CHANGEABLE if name != "sandbox")


def settings_view(settings: Settings, _body: Body | None = None) -> dict[str, Any]:
    """What is in force, and what sets it.

    Returns:
        {sandbox, collect: bool, uploads, public_origin: str | None, <each>_variable: the environment variable that
        sets it | None, collect_every_s, transports, s3_bucket: str | None, home, ledger, clips: absolute paths; and the
        names of providers: shown_to: that the transports are for, in_request: that need none, unpromised_by: that
        don't promise to take the usual one}
    """
    return {
        **{name: getattr(settings, name) for name in CHANGEABLE},
        **{f"{name}_variable": settings.set_by.get(name) for name in CHANGEABLE},
        "collect_every_s": settings.timeouts.collect,
        "transports": list(TRANSPORTS),
        "shown_to": [provider.name for provider in PROVIDERS.values() if provider.transports],
        "in_request": [provider.name for provider in PROVIDERS.values() if not provider.transports],
        "unpromised_by": [provider.name for provider in PROVIDERS.values() if TRANSPORTS[0] in provider.unpromised],
        "s3_bucket": settings.s3.bucket if settings.s3 else None,
        "home": str(settings.home.absolute()),
        "ledger": Ledger.of(settings).name,
        "clips": str(output_folder().absolute()),
    }


def save_settings(settings: Settings, body: Body) -> dict[str, Any]:
    """{collect, uploads, public_origin: any of them} -> as `settings_view`. Raises RequestRefused, SettingsError."""
    chosen = {name: body[name] for name in SHOWN if name in body}
    _check_not_set_by(settings, *chosen)
    if chosen.get("public_origin") is not None:
        why = why_unfetchable(str(chosen["public_origin"]), provider_is_here=False)
        if why:
            raise RequestRefused(f"A provider can't fetch images from that address. {why}")
    SavedSettings(settings.home).change(**chosen)
    tell_pages(ACCOUNTS_EVENT, {})
    return settings_view(Settings.from_environment(settings.home))


def switch_sandbox(settings: Settings, body: Body) -> dict[str, Any]:
    """{on} -> {sandbox: bool}; jobs under way go on where they began. Raises RequestRefused, SettingsError."""
    on = body.get("on")
    if not isinstance(on, bool):
        raise RequestRefused("The request does not say whether to turn the sandbox on.")
    _check_not_set_by(settings, "sandbox")
    SavedSettings(settings.home).change(sandbox=on or None)
    tell_pages(SANDBOX_EVENT, {"on": on})
    return {"sandbox": on}


def _check_not_set_by(settings: Settings, *names: str) -> None:
    for name in names:
        if variable := settings.set_by.get(name):
            raise SettingsError(
                f"The environment variable {variable} sets this, and wins over what is chosen here.",
                next_step=f"Remove {variable} and restart ComfyUI to choose it here.",
            )
