"""Whether a provider could fetch from an address."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import SettingsError
from ..loopback import is_loopback


def require_fetchable(variable: str, url: str, provider_is_here: bool) -> None:
    """Refuse an address that the provider can't or must not fetch from.

    Args:
        variable: the setting that holds it, for the message.
        url: https://host[:port][/path]; http:// is allowed on loopback.
        provider_is_here: the provider is a stand-in on this machine, so loopback is in its reach.

    Raises:
        SettingsError: no host, a login inside the address, http:// in the open, or loopback for a far provider.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise _refused(variable, url, "It has no host name.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused(variable, parts.hostname, "It has to be host, port and path alone: no login, no query.")
    if is_loopback(url):
        if not provider_is_here:
            raise _refused(variable, url, "That is this machine's own loopback; the provider can't reach it.")
        return
    if parts.scheme != "https":
        raise _refused(variable, url, "The provider fetches over https only.")


def _refused(variable: str, shown: str, why: str) -> SettingsError:
    return SettingsError(
        f"{variable} points to {shown!r}. {why}",
        next_step=f"Set {variable} to an https:// address that can be reached from the internet, or remove "
        "REMOTE_VIDEO_UPLOADS to send images inside the request; then restart ComfyUI.",
    )
