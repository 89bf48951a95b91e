"""`prune`: old jobs that ended are dropped from the ledger."""

from __future__ import annotations

import argparse
import json
import sys

from ..console import say
from ..ledger.ledger import Ledger
from ..ledger.lifecycle import State
from .surroundings import settings_with_ledger

PAYS_AGAIN = (
    "A clip whose job is dropped is not known any more: the same inputs, run again, are submitted and paid again. Its "
    "file stays where it is."
)
KEPT = (
    "Never dropped: what is on its way or may be at the provider, starred clips, jobs of this month (they count in the "
    "budget), and what a run works on."
)


def prune_command(options: argparse.Namespace) -> int:
    """Drop them, or count them; files are never touched."""
    ledger = Ledger.of(settings_with_ledger(options))
    found = ledger.prune(options.older_than, stored=options.stored, only_count=options.dry_run)
    if options.json:
        for state, jobs in found.items():
            print(json.dumps({"state": state.value, "jobs": jobs, "dry_run": options.dry_run}))
    else:
        _show(found, options.dry_run)
    if options.stored:
        say(PAYS_AGAIN)
    return 0


def _show(found: dict[State, int], is_dry_run: bool) -> None:
    for state, jobs in found.items():
        say(f"{state.value:<9}  {jobs:>9,}", sys.stdout)
    say(f"{'Would be dropped' if is_dry_run else 'Dropped'}: {sum(found.values()):,}. {KEPT}", sys.stdout)
