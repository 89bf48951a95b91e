"""Asking for the catalogue in the background, so that this machine knows what is offered now."""

from __future__ import annotations

import logging
import threading

from ..accounts import Accounts
from ..errors import RemoteVideoError
from ..private_file import NotPrivate
from ..providers import provider_of
from ..providers.status import TransientError
from ..settings import Settings, is_here
from .ask import PROVIDER, ask
from .store import file_of, keep

_log = logging.getLogger("remote_video")
_refreshing = threading.Lock()


def refresh(settings: Settings) -> bool:
    """Ask for the catalogue and keep it; whether that was done. Blocks for 10 s at most, never raises, logs a line.

    Nothing is asked where it is switched off, where there is no key, and in the sandbox, which offers what ships.
    """
    if not settings.catalogue or settings.sandbox or not _refreshing.acquire(blocking=False):
        return False
    endpoint, name = settings.endpoint(PROVIDER), provider_of(PROVIDER).name
    path = file_of(settings.home, endpoint)
    try:
        if not is_here(endpoint) and Accounts(settings.home).find(PROVIDER) is None:
            return False
        listing = ask(settings)
        _log.info("The catalogue of %s: %s.", name, keep(path, listing.models, listing.trouble))
        return True
    except (TransientError, RemoteVideoError, NotPrivate, OSError, ValueError) as trouble:
        why = trouble.what if isinstance(trouble, RemoteVideoError) else str(trouble)
        _log.warning("The catalogue of %s was not renewed (%s): the last one known is used.", name, why.rstrip("."))
    except Exception:
        _log.exception("The catalogue of %s was not renewed, by a fault of this pack.", name)
    finally:
        _refreshing.release()
    return False
