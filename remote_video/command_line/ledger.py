"""`ledger`: where the record of paid jobs is, its layout, and its way from a file into a database."""

from __future__ import annotations

import argparse
import json
import sys
import time

from ..console import say
from ..errors import RequestRefused
from ..ledger.ledger import Ledger
from ..ledger.move import move
from ..ledger.sqlite_file import FILE_NAME
from ..ledger.tables import LAYOUT
from ..settings import Settings
from .surroundings import settings_of, settings_with_ledger

SAID_EVERY_S = 5.0


def info_command(options: argparse.Namespace) -> int:
    """Say where the ledger is, its layout, how many jobs are in which state, and how many engines work with it."""
    settings = settings_with_ledger(options)
    ledger = Ledger.of(settings)
    jobs = {state.value: count for state, count in ledger.counted().items()}
    engines = [engine[:8] for engine in _living(ledger, settings)]
    if options.json:
        print(json.dumps({"ledger": ledger.name, "layout": LAYOUT, "jobs": jobs, "engines": engines}))
        return 0
    lines = [f"{ledger.name}, layout {LAYOUT}", *(f"{count:>9,}  {state}" for state, count in jobs.items())]
    lines.append(f"{sum(jobs.values()):>9,}  jobs in all")
    lines.append(f"Live engines: {', '.join(engines) or 'none'}.")
    say("\n".join(lines), sys.stdout)
    return 0


def _living(ledger: Ledger, settings: Settings) -> list[str]:
    """The engines that live. A file has no clock to go by: there one has to listen for a heartbeat."""
    first = ledger.living()
    if not first or settings.ledger_url is not None:
        return list(first)
    time.sleep(settings.timeouts.heartbeat_seen)
    return [engine for engine, beats in ledger.living().items() if first.get(engine) != beats]


def upgrade_command(options: argparse.Namespace) -> int:
    """Bring the ledger to the layout of this version of the pack; make it where there is none in the database."""
    settings = settings_of(options)
    if settings.ledger_url is None:
        settings_with_ledger(options)
    say(f"{Ledger.of(settings).name} has layout {LAYOUT}, that of this version.", sys.stdout)
    return 0


def move_command(options: argparse.Namespace) -> int:
    """Move the ledger's file of the home into a database."""
    settings = settings_of(options)
    if settings.ledger_url is None:
        raise RequestRefused(
            "No database is named to move the ledger to.",
            next_step="Give its URL, or set REMOTE_VIDEO_LEDGER_URL, which keeps a password off the command line.",
        )
    if not (settings.home / FILE_NAME).exists():
        raise RequestRefused(
            f"There is no ledger in {settings.home} that could be moved.",
            next_step="Give --home (inside ComfyUI it is user/__remote_video), or set REMOTE_VIDEO_HOME.",
        )
    said_at = time.monotonic()

    def progress(jobs: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > SAID_EVERY_S:
            said_at = time.monotonic()
            say(f"{jobs:,} jobs ...")

    say("First it checks that no engine uses the file. This takes a few seconds, or half a minute after a crash.")
    moved = move(
        settings.home,
        settings.ledger_url,
        settings.timeouts,
        settings.host,
        keep_both=options.keep_both,
        progress=progress,
    )
    lines = [
        f"Moved: {moved.jobs:,} jobs, {moved.written:,} of them now. Each was compared with what the database has.",
        f"The file is kept as {moved.file}.",
        "Set REMOTE_VIDEO_LEDGER_URL for every ComfyUI and command that used it, then start them again.",
    ]
    if moved.kept:
        lines.insert(1, f"{moved.kept:,} of them have progressed in the database and were left unchanged there.")
    say("\n".join(lines), sys.stdout)
    return 0
