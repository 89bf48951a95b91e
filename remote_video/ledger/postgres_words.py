"""Trouble with a database, in words for the user; which of it may pass; and where a database is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from ..errors import LedgerError, SettingsError
from ..outside_text import message
from .migrations import newest

_PASSING = frozenset(
    ["40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05", "25P03", "25006", "53300", "57014"]
)
"""Conflicts, deadlocks, locks held for long, a server that ends, starts, is a standby or has no connection left
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

_OTHERWISE = ("can't be used", "Check the database, then run again; docs/studio.md explains each outage.")
_AWAY = ("can't be reached", "Run again when the database is back: what was paid for goes on and is collected then.")
WORDS: dict[str, tuple[str, str]] = {
    "": _AWAY,
    "57P01": _AWAY,
    "57P02": _AWAY,
    "57P03": _AWAY,
    "53300": ("has no connection left", "Allow more connections (max_connections, or a pooler), then run again."),
    "25006": ("can be read but not written", "Point REMOTE_VIDEO_LEDGER_URL at the primary server, then run again."),
    "53100": ("has no room left", "Make room on the database's disk, then run again."),
    "55P03": ("keeps this job locked for another worker", "Run again; if it stays so, end that worker."),
    "42501": ("refuses this user", "Give the user the rights of a worker (docs/studio.md), then run again."),
    "42P01": ("has lost its tables", "Restore its backup before anything is run again: what was paid for is in it."),
    "28P01": ("refuses the user's name or password", "Correct REMOTE_VIDEO_LEDGER_URL, then restart ComfyUI."),
    "28000": ("refuses the user", "Correct REMOTE_VIDEO_LEDGER_URL or the server's pg_hba.conf, then restart ComfyUI."),
    "3D000": ("does not exist", "Create it, or correct REMOTE_VIDEO_LEDGER_URL, then restart ComfyUI."),
    "TLS": (
        "can't be reached by TLS in the way that is set",
        "Correct sslmode or sslrootcert in REMOTE_VIDEO_LEDGER_URL, or the server's TLS, then restart ComfyUI.",
    ),
    "URL": ("can't be asked in the way that is set", "Correct REMOTE_VIDEO_LEDGER_URL, then restart ComfyUI."),
}
"""By SQLSTATE, or a name of ours; none when there was no answer."""

_IN_WORDS = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "permission denied": "42501",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots": "53300",
    "server does not support SSL": "TLS",
    "certificate": "TLS",
    "invalid connection option": "URL",
    "invalid sslmode value": "URL",
    'database ".*" does not exist': "3D000",
}
"""What a server or the library says when it opens no connection, the first that is found."""


def in_words(name: str, error: Exception, secrets: Iterable[str], *, is_known: bool = True) -> LedgerError:
    """What went wrong with it.

    Args:
        name: where it is.
        secrets: what is not told.
        is_known: whether what was to be written is certainly not.
    """
    original = getattr(error, "orig", None) or error
    why = str(original).strip().split("\n")[0]
    for secret in secrets:
        why = why.replace(secret, "***")
    what, next_step = WORDS.get(state_of(error), _OTHERWISE)
    if isinstance(error, NoConnection):
        what, next_step = WORDS["53300"]
    told = LedgerError(
        f"The record of paid jobs in the database {name} {what} ({message(why)}). Without it nothing may be submitted.",
        next_step=next_step,
    )
    told.outcome_unknown = not is_known
    return told


def state_of(error: Exception) -> str:
    """The SQLSTATE; psycopg tells none of a connection that was refused, but in words."""
    original = getattr(error, "orig", None)
    state = getattr(original, "sqlstate", None) or ""
    if not state and isinstance(error, DBAPIError) and not isinstance(error, DataError):
        return next((code for words, code in _IN_WORDS.items() if re.search(words, str(original))), "")
    return state or "XX000"


def may_pass(error: Exception) -> bool:
    state = state_of(error)
    is_lost = isinstance(error, DBAPIError) and (error.connection_invalidated or not state or state[:2] == "08")
    return is_lost or state in _PASSING or isinstance(error, NoConnection)


def too_new(name: str, version: str | None) -> LedgerError:
    return LedgerError(
        f"The record of paid jobs in the database {name} was written by a newer version of Remote Video (layout "
        f"{version}; this one knows {newest()}).",
        next_step="Update Remote Video on this machine, or set REMOTE_VIDEO_LEDGER_URL to another database.",
    )


def not_owner(name: str) -> LedgerError:
    return LedgerError(
        f"The tables of the record of paid jobs in the database {name} are not there yet, or of an earlier layout, and "
        "this user may not change that (permission denied). Without it nothing may be submitted.",
        next_step="Let their owner run `python -m remote_video ledger upgrade` (docs/studio.md), then run again.",
    )


def shown(asked: Mapping[str, object]) -> str:
    """Where the database is, of what goes to libpq."""
    hosts = str(asked.get("host") or asked.get("hostaddr") or "localhost").split(",")
    names = [f"[{host}]" if ":" in host else host for host in hosts]
    ports = str(asked.get("port") or "").split(",")
    places = [f"{name}:{port}" if port else name for name, port in zip_longest(names, ports)]
    return f"{','.join(places)}/{asked.get('dbname') or ''}"


def bad_url() -> SettingsError:
    return SettingsError(
        "REMOTE_VIDEO_LEDGER_URL is not the address of a database.",
        next_step="Set it to postgresql+psycopg://user:password@host:port/database, then restart ComfyUI.",
    )
