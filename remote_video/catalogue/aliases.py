"""The names that CometAPI has for Veo: its list moves, so it is asked for, once a day, and kept.

Source: https://apidoc.cometapi.com (GET /v1/models). Free.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ..accounts import Accounts
from ..errors import RemoteVideoError
from ..private_file import NotPrivate, write_private
from ..providers.client import connect
from ..providers.cometapi import CometApi
from ..providers.status import TransientError
from ..settings import Settings, is_here

PROVIDER = "cometapi"
FRESH_S = 24 * 3600.0
ASK_AGAIN_S = 60.0
"""After no usable answer."""
MOST_FILE_BYTES = 2**20
VEO = re.compile(r"veo", re.IGNORECASE)

_log = logging.getLogger("remote_video")
_asking = threading.Lock()
_failed_at: dict[Path, float] = {}


@dataclass(frozen=True)
class Aliases:
    """Suggestions for `model` of the node CometVeo; any other value is accepted too.

    Args:
        names: sorted; none where they were never asked for.
        asked_at: when CometAPI said so, seconds since the epoch; None where it never did.
    """

    names: tuple[str, ...] = ()
    asked_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether they need not be asked for."""
        return self.asked_at is not None and 0 <= time.time() - self.asked_at < FRESH_S


def aliases(settings: Settings) -> Aliases:
    """Those known on this machine, asked for where they are older than a day and there is a key. Blocks, never raises.

    Nothing is asked where looking is switched off (`Settings.catalogue`).
    """
    path = _file_of(settings.home, settings.endpoint(PROVIDER))
    with _asking:
        known = _read(path)
        if known.is_fresh or not settings.catalogue or time.monotonic() < _failed_at.get(path, 0.0) + ASK_AGAIN_S:
            return known
        try:
            if not _has_key(settings):
                return known
            known = _asked(settings)
            write_private(path, json.dumps(asdict(known)).encode())
        except (TransientError, RemoteVideoError, NotPrivate, OSError) as trouble:
            _failed_at[path] = time.monotonic()
            _log.info("The list of models of CometAPI was not renewed: %s", trouble)
        return known


def _has_key(settings: Settings) -> bool:
    return is_here(settings.endpoint(PROVIDER)) or Accounts(settings.home).find(PROVIDER) is not None


def _asked(settings: Settings) -> Aliases:
    client = connect(PROVIDER, settings).client
    if not isinstance(client, CometApi):
        raise TypeError(f"{client.name} has no such list")
    return Aliases(tuple(name for name in client.models() if VEO.match(name)), time.time())


def _file_of(home: Path, endpoint: str) -> Path:
    """A stand-in's names are kept apart from the provider's."""
    return home / f"aliases-{hashlib.sha256(endpoint.encode()).hexdigest()[:12]}.json"


def _read(path: Path) -> Aliases:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(MOST_FILE_BYTES))
        names = content["names"]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("names are text")
        return Aliases(tuple(names), float(content["asked_at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Aliases()
