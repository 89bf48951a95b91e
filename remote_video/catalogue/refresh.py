"""Asking for the catalogue in the background, so that this machine knows what is offered now."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from ..accounts import Accounts
from ..errors import RemoteVideoError
from ..private_file import NotPrivate
from ..providers import provider_of
from ..providers.status import TransientError
from ..settings import Settings, is_here
from .ask import PROVIDER, ask
from .store import file_of, keep, known

OLD_S = 24 * 3600.0
"""A catalogue of that age is asked for anew when somebody wants to see it."""
ASK_AGAIN_S = 60.0
"""After an ask that failed."""

_log = logging.getLogger("remote_video")
_refreshing = threading.Lock()
_failed_at: dict[Path, float] = {}


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
        _failed_at.pop(path, None)
        return True
    except (TransientError, RemoteVideoError, NotPrivate, OSError, ValueError) as trouble:
        why = trouble.what if isinstance(trouble, RemoteVideoError) else str(trouble)
        _log.warning("The catalogue of %s was not renewed (%s): the last one known is used.", name, why.rstrip("."))
    except Exception:
        _log.exception("The catalogue of %s was not renewed, by a fault of this pack.", name)
    finally:
        _refreshing.release()
    _failed_at[path] = time.monotonic()
    return False


def refresh_if_old(settings: Settings) -> bool:
    """The same where what is known is older than a day, and an ask has not failed just now."""
    endpoint = settings.endpoint(PROVIDER)
    age = time.time() - (known(settings.home, endpoint).asked_at or 0.0)
    failed_at = _failed_at.get(file_of(settings.home, endpoint))
    if 0 <= age < OLD_S or (failed_at is not None and time.monotonic() - failed_at < ASK_AGAIN_S):
        return False
    return refresh(settings)
