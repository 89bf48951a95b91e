"""Trouble with a ledger's file, in words for the user."""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa

from ..errors import LedgerError
from ..private_file import NotPrivate, why_unusable
from .tables import LAYOUT, META, is_damage, reason

MOVED, MOVED_TO = 2**31 - 1, "moved to"
"""The layout of what stands in the place of a ledger that was moved: every version takes it for too new. And what META
calls where that one went.
"""

LEAST_FREE = 64 * 2**10
"""Bytes: an index of the write-ahead log grows by 32 KiB (https://www.sqlite.org/walformat.html#the_wal_index_file_format)."""


def in_words(path: Path, error: BaseException) -> LedgerError:
    """What went wrong with it."""
    why, advice = reason(error), None
    if isinstance(error, NotPrivate):
        what = f"The record of paid jobs at {path} can't be used safely. {error} Without it nothing may be submitted."
        return LedgerError(what, next_step="Change what is named above, then run again.")
    if (unusable := why_unusable(path.parent)) is not None:
        what = f"The record of paid jobs at {path} can't be used. {unusable[0]} Without it nothing may be submitted."
        return LedgerError(what, next_step=unusable[1])
    trouble = f"can't be written: {why}"
    if "locked" in why:
        trouble = "is kept locked by another process"
        advice = "Close what else has the file open (another ComfyUI, a database viewer, a backup), then run again."
    elif "full" in why or ("disk I/O" in why and _is_full(path.parent)):
        advice = "Make room on the disk of that folder, then run again."
    elif is_damage(error):
        trouble = f"is damaged ({why})"
        advice = "Run again: what can still be read of it is taken over into a new one."
    what = f"The record of paid jobs at {path} {trouble}. Without it nothing may be submitted."
    return LedgerError(what, next_step=advice)


def _is_full(folder: Path) -> bool:
    """Whether its disk has not even room for what SQLite keeps beside a ledger: then it tells of an I/O error."""
    try:
        return shutil.disk_usage(folder).free < LEAST_FREE
    except OSError:
        return False


def too_new(path: Path, layout: int) -> LedgerError:
    """A newer version of the pack wrote it."""
    return LedgerError(
        f"The record of paid jobs at {path} was written by a newer version of Remote Video "
        f"(layout {layout}; this one knows {LAYOUT}).",
        next_step="Update Remote Video, or set REMOTE_VIDEO_HOME to another folder.",
    )


def moved(path: Path, db: sa.Connection) -> LedgerError:
    """It was moved into a database, which the file in its place names."""
    to = db.execute(sa.select(META.c.value).where(META.c.name == MOVED_TO)).scalar()
    return LedgerError(
        f"The record of paid jobs at {path} was moved into the database {to}. Without it nothing may be submitted.",
        next_step="Set REMOTE_VIDEO_LEDGER_URL to that database, then restart ComfyUI.",
    )
