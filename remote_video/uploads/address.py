"""Whether a provider could fetch from an address."""

from __future__ import annotations

from ..errors import SettingsError
from ..loopback import is_loopback
from ..public_address import as_number, is_public
from ..web_address import NotAnAddress, web_address


def require_fetchable(variable: str, url: str, provider_is_here: bool) -> None:
    """Refuse an address that the provider can't or must not fetch from.

    Args:
        variable: the setting that holds it, for the message.
        url: https://host[:port][/path]; http:// is allowed on loopback.
        provider_is_here: the provider is a stand-in on this machine, so loopback is in its reach.

    Raises:
        SettingsError: `why_unfetchable` says so. The address is not quoted.
    """
    if why := why_unfetchable(url, provider_is_here):
        raise SettingsError(
            f"{variable} points to where the provider can't fetch from. {why}",
            next_step=f"Set {variable} to an https:// address that can be reached from the internet, or choose in the "
            "accounts dialog (REMOTE_VIDEO_UPLOADS, where that is set) to send images inside the request.",
        )


def why_unfetchable(url: str, provider_is_here: bool) -> str | None:
    """Why a provider can't fetch from an address: no address, a login inside it, http:// in the open, loopback or
    another private address for a far provider; None when nothing speaks against it. The address is not quoted.
    """
    try:
        parts = web_address(url)
    except NotAnAddress as problem:
        return f"That is not a valid address: {problem}."
    number = as_number(str(parts.hostname))
    if is_loopback(url):
        return None if provider_is_here else "That is this machine's own loopback; the provider can't reach it."
    if parts.scheme != "https":
        return "The provider fetches over https only."
    if number is not None and not is_public(number):
        return "That is not a public internet address; the provider can't reach it."
    return None
